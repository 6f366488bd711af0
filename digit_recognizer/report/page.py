"""From a template and values to one HTML file that needs nothing else.

In: a template's name and what it shows. Out: the page's text. What always holds: everything is
inside the file (its policy forbids the browser to fetch anything), and every value is escaped but
for pictures that this package drew.
"""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(**values)


def find_links(reports: Path) -> list[tuple[str, str]]:
    """Return title and address of the pages that lead further, if they are there."""
    pages = [("All runs", "index.html"), ("The data", "data.html")]
    return [(title, name) for title, name in pages if (reports / name).exists()]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,  # a name that is misspelt must not show as nothing
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = "{:,}".format
    environment.filters["percent"] = lambda value, digits=1: f"{value:.{digits}%}".replace(
        "%", " %"
    )
    return environment
