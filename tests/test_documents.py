"""What the documents tell a person to type exists."""

import re
from pathlib import Path

import pytest

from digit_recognizer.experiments.named import EXPERIMENTS, LINEUPS
from digit_recognizer.runs.selection import TOP
from tests.commands import PROJECT, options_of_make

DOCUMENTS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *PROJECT.glob("docs/*.md")]
MAKEFILE = (PROJECT / "Makefile").read_text()
MAKE_COMMAND = re.compile(r"(?:`|^    |\bSIGKILL )make ([^`\n]*)", re.MULTILINE)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_target_and_option_in_a_document_is_in_the_makefile(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    options = options_of_make()
    for command in MAKE_COMMAND.findall(path.read_text()):
        words = re.sub(r'"[^"]*"', "x", command.split("  ")[0]).split()
        for word in words:
            name, is_option, _ = word.partition("=")
            assert name in (options if is_option else targets), f"make {command}"


def test_every_experiment_and_line_up_named_in_the_readme_exists() -> None:
    text = (PROJECT / "README.md").read_text()
    adopted = re.findall(r"make adopt NAME=(\w+)", text)
    for named in re.findall(r'(?:EXPERIMENTS|LINEUP)="?([a-z0-9 -]+)', text):
        for name in named.split():
            known = name in EXPERIMENTS or name in (*LINEUPS, TOP)
            assert known or name in adopted or name == "best-of-", name  # of whatever study


def test_every_experiment_with_a_published_figure_is_in_the_table_of_networks() -> None:
    text = (PROJECT / "docs/performance.md").read_text()
    for experiment in EXPERIMENTS.values():
        if experiment.published:
            assert re.search(rf"^\| `{experiment.name}` \|.*\d %", text, re.MULTILINE)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if "://" not in link:
            assert (path.parent / link).exists(), link
