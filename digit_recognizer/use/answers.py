"""What the networks make of each picture, for a person and for a spreadsheet.

In: names and probabilities. Out: a table for the terminal, a CSV. What always holds: names are
shown as they are, whatever characters they are made of.
"""

import csv
import io
from dataclasses import dataclass

import numpy as np
from rich.markup import escape
from rich.table import Table

from digit_recognizer.scores import format_percent

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


def as_csv(answers: list[Answer]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["file", "digit", "probability", "runner_up", *(f"p{digit}" for digit in range(10))]
    )
    for answer in answers:
        shares = [f"{share:.6f}" for share in answer.probabilities]
        writer.writerow(
            [answer.name, answer.digit, shares[answer.digit], answer.runner_up, *shares]
        )
    return text.getvalue().encode("utf-8", errors="surrogateescape")


def _printable(name: str) -> str:
    """Show line breaks and the like as escapes: a name must not draw on the terminal."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in name)


def _percent(share: float) -> str:
    return format_percent(share, 1)
