"""Predictions as a table for the terminal and as a CSV.

In: names and probabilities, or the reason why a picture could not be read. Out: a table for the
terminal, a CSV. What always holds: names are shown as they are, whatever characters they contain.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from rich.markup import escape
from rich.table import Table

from digit_recognizer.scores import format_percent
from digit_recognizer.use.pictures.gather import Unread

_SHOWN = 200  # rows on the terminal


@dataclass(frozen=True)
class Answer:
    name: str
    probabilities: np.ndarray
    label: int | None
    others: int

    @property
    def digit(self) -> int:
        return int(self.probabilities.argmax())

    @property
    def runner_up(self) -> int:
        return int(np.argsort(self.probabilities, kind="stable")[-2])

    def probability_of(self, digit: int) -> float:
        return float(self.probabilities[digit])


def make_table(answers: list[Answer]) -> Table:
    table = Table()
    for heading in ("file", "digit", "probability", "runner-up"):
        table.add_column(heading, justify="left" if heading == "file" else "right", overflow="fold")
    for answer in answers[:_SHOWN]:
        second = answer.runner_up
        table.add_row(
            escape(_printable(answer.name)),
            f"[bold]{answer.digit}[/]",
            _percent(answer.probability_of(answer.digit)),
            f"{second} ({_percent(answer.probability_of(second))})",
        )
    if len(answers) > _SHOWN:
        table.caption = f"... and {len(answers) - _SHOWN:,} more; OUT=digits.csv writes all of them"
    return table


def as_csv(outcomes: Iterable[Answer | Unread]) -> bytes:
    """Return a row for each picture; one that could not be read has its name and the reason."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    headings = ["file", "digit", "probability", "runner_up", *(f"p{digit}" for digit in range(10))]
    writer.writerow([*headings, "error"])
    for each in outcomes:
        if isinstance(each, Unread):
            writer.writerow([each.name, *[""] * (len(headings) - 1), each.why])
            continue
        shares = [f"{share:.6f}" for share in each.probabilities]
        writer.writerow([each.name, each.digit, shares[each.digit], each.runner_up, *shares, ""])
    return text.getvalue().encode("utf-8", errors="surrogateescape")


def _printable(name: str) -> str:
    """Escape line breaks and control characters, so that a name cannot control the terminal."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in name)


def _percent(share: float) -> str:
    return format_percent(share, 1)
