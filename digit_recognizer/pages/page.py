"""From a template and values to one HTML file that needs nothing else.

In: a template, which lies beside the code that fills it, and what it shows. Out: the page's text.
What always holds: everything is inside the file (its policy forbids the browser to fetch anything),
and every value is escaped, except pictures that this package drew.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_SHARED = Path(__file__).parent / "templates"


def render(template: Path, **values: Any) -> str:
    text = _environment(template.parent).get_template(template.name).render(**values)
    # A line must not break between a number and its sign.
    return re.sub(r"(?<=\d) %", "\u00a0%", text)


def find_links(reports: Path, own: str) -> list[tuple[str, str]]:
    """Return title and address of the pages that exist, except the page `own`.

    It does not lead to itself: else the first one written would differ from the second.
    """
    pages = [
        ("All runs", "index.html"),
        ("The data", "data.html"),
        ("What decided", "explain.html"),
    ]
    searches = sorted(path.name for path in reports.glob("tune-*.html"))
    pages += [(f"Search {name[len('tune-') : -len('.html')]}", name) for name in searches]
    return [(title, name) for title, name in pages if (reports / name).exists() and name != own]


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
