"""`make predict`: predict the digits on pictures.

In: paths, and which networks to use. Out: a table and, if asked for, a CSV and an image of what the
networks saw. What always holds: a picture that cannot be read affects only its own row and the exit
code.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from digit_recognizer.use.answers import Answer, as_csv, make_table
from digit_recognizer.use.contact_sheet import MOST, draw_sheet
from digit_recognizer.use.pictures.cut_out import SEVERAL
from digit_recognizer.use.pictures.gather import Seen, Unread, gather
from digit_recognizer.use.recognizer import Recognizer
from digit_recognizer.use.recognizer_of import load_recognizer
from digit_recognizer.workspace import ProjectError, Workspace, write_file

_BATCH = 64  # pictures; a larger batch is not faster


def predict(
    workspace: Workspace,
    images: list[str],
    lineup: str | None,
    experiments: list[str],
    backend: str | None,
    model: Path | None,
    out: Path | None,
    show: Path | None,
    console: Console,
) -> None:
    recognizer: Recognizer | None = None
    outcomes: list[Answer | Unread] = []
    sheet: list[Seen] = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading pictures", total=None)
        digits = gather(images)
        while batch := list(itertools.islice(digits, _BATCH)):
            for each in batch:
                if isinstance(each, Unread):
                    console.print(f"[yellow]{escape(repr(each.name))}[/]: {escape(each.why)}")
            seen = [each for each in batch if isinstance(each, Seen)]
            if seen and not recognizer:
                # Only once there is a picture: making an ONNX file takes a while.
                recognizer = load_recognizer(
                    workspace, lineup, experiments, backend, model, console
                )
            outcomes += _answer(recognizer, batch)
            sheet += seen[: MOST - len(sheet)]
            progress.update(task, description=f"{len(outcomes):,} pictures read")
    answers = [each for each in outcomes if isinstance(each, Answer)]
    unread = len(outcomes) - len(answers)
    if recognizer:
        _tell(recognizer, answers, console)
    if out:
        write_file(out, as_csv(outcomes))
        console.print(f"Wrote {escape(str(out))}.")
    if show and sheet:
        write_file(show, draw_sheet(sheet, answers))
        left_out = len(answers) - len(sheet)
        more = (
            f" It has the first {len(sheet)}; {left_out:,} more are not shown." if left_out else ""
        )
        console.print(f"Wrote {escape(str(show))}: each picture and what the networks saw.{more}")
    if unread:
        raise ProjectError(f"{unread:,} of {len(outcomes):,} could not be read; see above.")


def _answer(recognizer: Recognizer | None, batch: list[Seen | Unread]) -> Iterator[Answer | Unread]:
    images = [each.image for each in batch if isinstance(each, Seen)]
    probabilities = iter(recognizer.recognize(np.stack(images)) if recognizer and images else ())
    for each in batch:
        if isinstance(each, Seen):
            yield Answer(each.name, next(probabilities), each.label, each.others)
        else:
            yield each


def _tell(recognizer: Recognizer, answers: list[Answer], console: Console) -> None:
    console.print(make_table(answers))
    for answer in answers:
        if answer.others:
            console.print(f"{escape(repr(answer.name))}: {SEVERAL}")
    labelled = [answer for answer in answers if answer.label is not None]
    if labelled:
        right = sum(answer.digit == answer.label for answer in labelled)
        console.print(
            f"{right:,} of {len(labelled):,} agree with the file's label column. If the networks "
            "were trained on these digits, this does not show how good they are."
        )
    console.print(f"Predicted by {escape(recognizer.label)}.")
