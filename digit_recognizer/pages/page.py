"""From a template and values to one HTML file that needs nothing else; its main points as text.

In: a template, which lies beside the code that fills it, and what it shows. Out: the page's text;
printed lines, which never break between a number and its sign. What always holds: everything is
inside the file (its policy forbids the browser to fetch anything), and every value is escaped,
except pictures that this package drew.
"""

import re
import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.console import Console

_SHARED = Path(__file__).parent / "templates"


def render(template: Path, **values: Any) -> str:
    text = _environment(template.parent).get_template(template.name).render(**values)
    return _keep_together(text)


def find_links(reports: Path, own: str) -> list[tuple[str, str]]:
    """Return title and address of the pages that exist, except the page `own`.

    It does not lead to itself: else the first one written would differ from the second.
    """
    pages = [
        ("All runs", "index.html"),
        ("The data", "data.html"),
        ("Submissions", "compare.html"),
        ("What decided", "explain.html"),
    ]
    searches = sorted(path.name for path in reports.glob("tune-*.html"))
    pages += [(f"Search {name[len('tune-') : -len('.html')]}", name) for name in searches]
    return [(title, name) for title, name in pages if (reports / name).exists() and name != own]


def print_points(points: Sequence[str], console: Console) -> None:
    width = 10_000 if console.soft_wrap else console.width
    for point in points:
        # textwrap breaks at ordinary spaces alone.
        kept = _keep_together(f"- {point}")
        lines = textwrap.fill(kept, width, subsequent_indent="  ", break_on_hyphens=False)
        console.print(lines.replace("\u00a0", " "), markup=False, soft_wrap=True)


def _keep_together(text: str) -> str:
    """Let no line break between a number and its sign, as Rich's own wrapping may."""
    return re.sub(r"(?<=\d) %", "\u00a0%", text)


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader([folder, _SHARED]),
        autoescape=True,
        undefined=StrictUndefined,  # a name that is misspelt must not show as nothing
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = "{:,}".format
    environment.filters["percent"] = lambda value, digits=1: f"{100 * value:.{digits}f} %"
    # "z": what rounds to nothing has no minus.
    environment.filters["signed"] = lambda value, digits=1: f"{value:+z.{digits}f}".replace(
        "-", "−"
    )
    return environment
