"""Tables and plain text in Markdown.

In: cells, text. Out: Markdown. What always holds: what Markdown or HTML would take for its own is
shown as it is where it was escaped; names come from folders, so they are.
"""

import re
from collections.abc import Iterable, Sequence


def escape(text: str) -> str:
    # Underscores stay: inside a word they mean nothing, and names are full of them.
    return re.sub(r"([\\|\[\]*`&]|<(?=\S))", r"\\\1", " ".join(text.split()))


def format_table(rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """Return a table, headings first; columns of these numbers are aligned to the right."""
    headings, *others = rows
    right = set(numbers)
    rule = ["---:" if column in right else "---" for column in range(len(headings))]
    return "".join(f"| {' | '.join(line)} |\n" for line in (headings, rule, *others))
