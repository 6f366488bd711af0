"""Every submission written is on the ledger, whole, whoever else writes and whatever is killed."""

import dataclasses
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from digit_recognizer.compete.ledger import Entry, add_entry, list_entries, update_entry
from digit_recognizer.faults import VARIABLE
from digit_recognizer.workspace import ProjectError, Workspace, sha256_of
from tests.commands import PROJECT
from tests.limits import largest_file

ENTRY = Entry(
    written_at="2026-01-02T03:04:05+00:00",
    lineup="best (fitted weights)",
    members="a=0.5000 b=0.5000",
    run_id="0123456789ab",
    git_commit="abc+",
    data_source="mnist",
    data_fingerprint="f" * 64,
    oof_errors=120,
    oof_images=42_000,
    oof_accuracy=1 - 120 / 42_000,
    file="20260102T030405-best.csv",
    sha256="e" * 64,
)
# Adds rows of its own, numbered, as its arguments say: workspace, writer, rows.
WRITER = """
import sys
from contextlib import closing
from pathlib import Path
from digit_recognizer.compete.ledger import Entry, add_entry
from digit_recognizer.workspace import Workspace
folder, writer, rows = sys.argv[1:]
for row in range(int(rows)):
    add_entry(
        Workspace(Path(folder)),
        Entry("now", f"{writer}-{row}", "", "", "", "", "", 1, 2, 0.5, "", ""),
    )
"""


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def start_writer(workspace: Workspace, writer: int, rows: int, fault: str = "") -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(workspace.root), str(writer), str(rows)],
        cwd=PROJECT,
        env={**os.environ, VARIABLE: fault},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_rows_come_back_as_they_were_written_oldest_first(empty: Workspace) -> None:
    assert list_entries(empty) == []
    assert not empty.submissions.exists(), "looking makes no ledger"
    filled = dataclasses.replace(
        ENTRY,
        lineup="best; DROP TABLE submissions --'\"",
        offline_score=0.9971,
        status="complete",
        kaggle_ref=12345,
        public_score=0.99657,
        error_text="ü",
    )
    added = [add_entry(empty, entry) for entry in (ENTRY, filled, ENTRY)]
    assert [entry.number for entry in added] == [1, 2, 3]
    assert list_entries(empty) == added
    assert added[1] == dataclasses.replace(filled, number=2)


@pytest.mark.parametrize("before", [0, 3])
def test_a_writer_killed_before_its_row_is_committed_leaves_the_rows_before(
    empty: Workspace, before: int
) -> None:
    process = start_writer(empty, 0, before + 5, fault=f"ledger:{before + 1}")
    output, _ = process.communicate(timeout=600)
    assert process.returncode == -signal.SIGKILL, output
    assert [entry.lineup for entry in list_entries(empty)] == [f"0-{row}" for row in range(before)]

    added = add_entry(empty, dataclasses.replace(ENTRY, written_at="now"))
    assert list_entries(empty)[before:] == [added]


@pytest.mark.parametrize("rows", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_ten_writers_at_once_lose_no_row(empty: Workspace, rows: int) -> None:
    writers = [start_writer(empty, writer, rows) for writer in range(10)]
    for process in writers:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output
    names = [entry.lineup for entry in list_entries(empty)]
    assert len(names) == 10 * rows
    assert set(names) == {f"{writer}-{row}" for writer in range(10) for row in range(rows)}


def test_a_row_is_on_the_disk_before_its_writer_goes_on(empty: Workspace) -> None:
    # A rollback journal that is gone is SQLite's word that nothing is left to be done.
    add_entry(empty, ENTRY)
    assert [path.name for path in empty.submissions.iterdir()] == ["ledger.db"]
    with sqlite3.connect(empty.submissions / "ledger.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_full_disk_leaves_the_rows_as_they_were(empty: Workspace) -> None:
    first = add_entry(empty, ENTRY)
    path = empty.submissions / "ledger.db"
    long = dataclasses.replace(ENTRY, error_text="x" * 100_000)
    with (
        largest_file(50_000),
        pytest.raises(ProjectError, match="Nothing was written to it") as error,
    ):
        add_entry(empty, long)
    assert str(path) in str(error.value)
    assert list_entries(empty) == [first]
    second = add_entry(empty, long)
    assert list_entries(empty) == [first, second]


@pytest.mark.parametrize("damage", ["no database", "a damaged page", "another table"])
def test_a_damaged_ledger_is_one_clear_message_and_stays_as_it_is(
    empty: Workspace, damage: str
) -> None:
    add_entry(empty, ENTRY)
    path = empty.submissions / "ledger.db"
    if damage == "no database":
        path.write_bytes(b"this is no database " * 100)
    elif damage == "a damaged page":
        contents = bytearray(path.read_bytes())
        contents[100:400] = b"\xff" * 300
        path.write_bytes(contents)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("ALTER TABLE submissions RENAME COLUMN sha256 TO hash")
        connection.close()
    before = sha256_of(path)
    for use in (lambda: list_entries(empty), lambda: add_entry(empty, ENTRY)):
        with pytest.raises(ProjectError) as error:
            use()
        assert str(error.value).startswith(f"The ledger {path} ")
        expected = "later version" if damage == "another table" else "cannot be used ("
        assert expected in str(error.value)
        assert "\n" not in str(error.value)
        if damage == "another table":
            continue
        assert f"mv '{path}' '{path}.damaged'" in str(error.value)
        assert "make leaderboard" in str(error.value)
    assert sha256_of(path) == before


def test_a_ledger_put_aside_as_the_error_says_makes_room_for_a_new_one(empty: Workspace) -> None:
    path = empty.submissions / "ledger.db"
    path.parent.mkdir()
    path.write_bytes(b"this is no database " * 100)
    with pytest.raises(ProjectError) as error:
        add_entry(empty, ENTRY)
    (command,) = re.findall(r"rename it: (mv '.*')\.", str(error.value))
    subprocess.run(command, shell=True, check=True)
    entry = add_entry(empty, ENTRY)
    assert list_entries(empty) == [entry]


def test_a_ledger_says_which_form_it_has_and_a_later_one_is_refused(empty: Workspace) -> None:
    add_entry(empty, ENTRY)
    path = empty.submissions / "ledger.db"
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        assert version >= 1
        connection.execute(f"PRAGMA user_version = {version + 1}")
    before = sha256_of(path)
    for use in (lambda: list_entries(empty), lambda: add_entry(empty, ENTRY)):
        with pytest.raises(ProjectError, match="written by a later version of this project"):
            use()
    assert sha256_of(path) == before


def test_a_ledger_of_the_first_version_keeps_its_rows(empty: Workspace) -> None:
    """The table as version 0.1 declared it: fewer columns, and a score for every row."""
    empty.submissions.mkdir()
    columns = [
        *("written_at", "lineup", "members", "run_id", "git_commit"),
        *("data_source", "data_fingerprint", "oof_errors", "oof_images", "oof_accuracy"),
        *("file", "sha256", "offline_score", "status", "kaggle_ref", "public_score", "error_text"),
    ]
    with sqlite3.connect(empty.submissions / "ledger.db") as connection:
        types = {"oof_errors": "INTEGER", "oof_images": "INTEGER", "oof_accuracy": "REAL"}
        declared = ", ".join(f"{name} {types.get(name, 'TEXT')} NOT NULL" for name in columns[:12])
        connection.execute(
            f"CREATE TABLE submissions (id INTEGER PRIMARY KEY, {declared}, offline_score REAL, "
            "status TEXT NOT NULL, kaggle_ref INTEGER, public_score REAL, error_text TEXT)"
        )
        values = [getattr(ENTRY, name) for name in columns]
        marks = ", ".join("?" * len(columns))
        connection.execute(
            f"INSERT INTO submissions ({', '.join(columns)}) VALUES ({marks})", values
        )
    connection.close()
    assert list_entries(empty) == [dataclasses.replace(ENTRY, number=1)]
    elsewhere = dataclasses.replace(
        ENTRY, oof_errors=None, oof_images=None, oof_accuracy=None, kaggle_ref=7
    )
    assert add_entry(empty, elsewhere).out_of_fold is None
    assert [entry.number for entry in list_entries(empty)] == [1, 2]


def test_a_row_changes_only_where_it_is_told_to(empty: Workspace) -> None:
    first, second = add_entry(empty, ENTRY), add_entry(empty, ENTRY)
    changed = update_entry(empty, second, status="pending", kaggle_ref=12)
    assert changed == dataclasses.replace(second, status="pending", kaggle_ref=12)
    assert list_entries(empty) == [first, changed]
