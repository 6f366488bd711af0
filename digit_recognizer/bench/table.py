"""The table of results, on a terminal and as Markdown.

In: results, each with its spread and how it was measured. Out: text. What always holds: a median
says how many values it has, and a single measurement says that it is one.
"""

import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from digit_recognizer.pages import markdown

HEADINGS = ("what", "figure", "min to max", "taken how")


@dataclass(frozen=True)
class Row:
    group: str  # shared with neighbouring rows
    what: str
    figure: str
    spread: str = ""
    note: str = ""

    def __str__(self) -> str:
        spread = f" ({self.spread})" if self.spread else ""
        note = f"; {self.note}" if self.note else ""
        return f"{self.group}: {self.what}: {self.figure}{spread}{note}"

    @property
    def cells(self) -> tuple[str, ...]:
        return self.what, self.figure, self.spread, self.note


def summarize(group: str, what: str, values: Sequence[float], unit: str, note: str = "") -> Row:
    """Return the median of the values with their spread."""
    middle, lowest, highest = (
        format_number(pick(values)) for pick in (statistics.median, min, max)
    )
    taken = f"median of {len(values)}" if len(values) > 1 else "one run"
    spread = f"{lowest} to {highest}" if len(values) > 1 else ""
    return Row(
        group, what, f"{middle} {unit}".strip(), spread, "; ".join(filter(None, (taken, note)))
    )


def format_number(value: float) -> str:
    """Return about three digits; more would be noise."""
    for limit, digits in ((100, 0), (10, 1), (0.1, 2)):
        if abs(value) >= limit:
            return f"{value:,.{digits}f}"
    return f"{value:.3f}"


def format_table(rows: list[Row]) -> Table:
    """Return the table for a terminal, without the notes, which were printed before."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("of")
    for heading in HEADINGS[:-1]:
        table.add_column(heading, justify="right" if heading == "figure" else "left")
    for group, members in _grouped(rows):
        table.add_section()
        for row in members:
            shown = group if row is members[0] else ""
            table.add_row(*map(escape, (shown, *row.cells[:-1])))
    return table


def format_markdown(machine: list[str], rows: list[Row]) -> str:
    lines: list[tuple[str, ...]] = [HEADINGS]
    for group, members in _grouped(rows):
        lines += [(f"**{group}**", "", "", ""), *(row.cells for row in members)]
    table = markdown.format_table(lines, [1])
    return "# This machine\n\n" + "".join(f"- {fact}\n" for fact in machine) + "\n" + table


def _grouped(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    for group, members in itertools.groupby(rows, key=lambda row: row.group):
        yield group, list(members)
