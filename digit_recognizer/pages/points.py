"""Print a page's main points on the terminal.

In: sentences. Out: printed lines. What always holds: a line never breaks between a number and its
sign, which Rich's own wrapping allows at any kind of space.
"""

import re
import textwrap
from collections.abc import Sequence

from rich.console import Console


def print_points(points: Sequence[str], console: Console) -> None:
    width = 10_000 if console.soft_wrap else console.width
    for point in points:
        # textwrap breaks at ordinary spaces alone.
        kept = re.sub(r"(?<=\d) %", "\u00a0%", f"- {point}")
        lines = textwrap.fill(kept, width, subsequent_indent="  ", break_on_hyphens=False)
        console.print(lines.replace("\u00a0", " "), markup=False, soft_wrap=True)
