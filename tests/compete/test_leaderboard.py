"""The table of submissions, as terminals and programs get it."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from digit_recognizer.compete.leaderboard import print_leaderboard
from digit_recognizer.compete.ledger import Entry, add_entry
from digit_recognizer.workspace import Workspace

LONG = "20261126T100000-" + "+".join(f"conv-32-64-number-{number}" for number in range(4))
REASON = "a row is missing"


@pytest.fixture
def submitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace of two submissions, without credentials; one has a long name and failed."""
    monkeypatch.setattr("digit_recognizer.compete.leaderboard.find_credentials", lambda: None)
    workspace = Workspace(tmp_path)
    for minute, file in enumerate(("short.csv", f"{LONG}.csv")):
        entry = Entry(
            written_at=f"2026-11-26T10:0{minute}:00+00:00",
            lineup="a",
            members="a=1.0000",
            run_id=f"{minute:012}",
            git_commit="abc",
            data_source="sample",
            data_fingerprint="f",
            oof_errors=46,
            oof_images=1582,
            oof_accuracy=1536 / 1582,
            file=file,
            sha256=str(minute),
            offline_score=0.995,
            public_score=0.97,
            status="error" if minute else "complete",
            error_text=REASON if minute else None,
        )
        add_entry(workspace, entry)
    return workspace


def print_table(workspace: Workspace, width: int, is_terminal: bool) -> list[str]:
    output = io.StringIO()
    console = Console(
        file=output, width=width, soft_wrap=True, force_terminal=is_terminal, color_system=None
    )
    print_leaderboard(workspace, console)
    return output.getvalue().partition("Best public score")[0].splitlines()


@pytest.mark.parametrize("width", [40, 80, 100])
def test_no_column_is_left_out_where_the_terminal_is_narrow(
    submitted: Workspace, width: int
) -> None:
    lines = print_table(submitted, width, is_terminal=True)
    assert max(map(len, lines)) <= max(width, 80)
    text = "\n".join(lines)
    for expected in (
        "status",
        "complete",
        "error:",
        "97.092 % (96.14 to 97.81)",
        "0.97000",
        "99.500 %",
    ):
        assert expected in text
    # The name goes on in the lines below, which begin with it.
    begun = next(index for index, line in enumerate(lines) if "20261126T" in line)
    assert "".join(line.split()[0] for line in lines[begun:] if line.strip()).startswith(LONG)


def test_what_is_piped_has_a_line_for_each_submission(submitted: Workspace) -> None:
    lines = print_table(submitted, 80, is_terminal=False)
    (row,) = [line for line in lines if LONG in line]
    assert row.rstrip().endswith(f"error: {REASON}")
    assert any("short" in line and line.rstrip().endswith("complete") for line in lines)
