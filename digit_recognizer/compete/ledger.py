"""The ledger of submissions: a row for every file written here, and for each upload from elsewhere.

In: what is known of a file, and what became of it. Out: `submissions/ledger.db` (SQLite). What
always holds: a row is there completely or not at all, writers wait for each other, and a ledger of
an earlier version is brought to the present form without losing a row.
"""

import dataclasses
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from digit_recognizer.faults import fault_point
from digit_recognizer.scores import Score
from digit_recognizer.workspace import ProjectError, Workspace

_WAIT_SECONDS = 60
# Of the table's form, in the file's own `user_version`; 0 in ledgers older than this number.
_VERSION = 1

# What may become of a file. `uploading` is written before the first byte is sent; `unknown` means
# that Kaggle may or may not have it; `failed`, that it certainly has not.
STATUSES = ("written", "uploading", "unknown", "pending", "complete", "error", "failed")
# The server has it, or may have it.
SENT = ("uploading", "unknown", "pending", "complete", "error")


@dataclass(frozen=True)
class Entry:
    """A row; `number` is its own once it has one, the last seven are Kaggle's to fill."""

    written_at: str
    lineup: str
    members: str
    run_id: str
    git_commit: str
    data_source: str
    data_fingerprint: str
    oof_errors: int | None
    oof_images: int | None
    oof_accuracy: float | None
    file: str
    sha256: str
    offline_score: float | None = None
    status: str = "written"
    message: str | None = None
    uploaded_at: str | None = None
    kaggle_ref: int | None = None
    public_score: float | None = None
    error_text: str | None = None
    number: int | None = None

    @property
    def out_of_fold(self) -> Score | None:
        """The cross-validated score, which uploads from elsewhere may lack."""
        if self.oof_errors is None or self.oof_images is None:
            return None
        return Score(self.oof_errors, self.oof_images)


# SQLite's words for a file that is no database, or one whose pages contradict each other.
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_HOW_TO_GO_ON = (
    " The file is damaged. To go on, rename it: mv '{path}' '{path}.damaged'. Then `make "
    "leaderboard` brings back a row for each upload that Kaggle knows. The files that were written "
    "are still beside it under their dated names, and `make submit` starts a new ledger."
)
_SQL_TYPES = {str: "TEXT", int: "INTEGER", float: "REAL"}
_COLUMNS = [field.name for field in fields(Entry) if field.name != "number"]


def add_entry(workspace: Workspace, entry: Entry) -> Entry:
    """Append a row; return it with its number."""
    with _open_ledger(workspace) as connection:
        return _insert(connection, entry)


def import_entry(workspace: Workspace, entry: Entry) -> None:
    """Append a row for an upload from elsewhere, unless there is one with its number at Kaggle."""
    with _open_ledger(workspace) as connection:
        known = connection.execute(
            "SELECT 1 FROM submissions WHERE kaggle_ref = ?", (entry.kaggle_ref,)
        )
        if not known.fetchone():
            _insert(connection, entry)


def update_entry(workspace: Workspace, entry: Entry, **changes: Any) -> Entry:
    """Change fields of a row; return the row as it is then."""
    changed = dataclasses.replace(entry, **changes)
    assert changed.status in STATUSES
    with _open_ledger(workspace) as connection:
        settings = ", ".join(f"{name} = :{name}" for name in changes)
        connection.execute(
            f"UPDATE submissions SET {settings} WHERE id = :number",
            {**changes, "number": entry.number},
        )
        fault_point("ledger")
    return changed


def list_entries(workspace: Workspace) -> list[Entry]:
    """Return all rows in the order of writing; none where there is no ledger yet."""
    if not _path(workspace).exists():
        return []
    with _open_ledger(workspace) as connection:
        rows = connection.execute(
            f"SELECT {', '.join(_COLUMNS)}, id FROM submissions ORDER BY written_at, id"
        )
        return [Entry(*row) for row in rows]


def _insert(connection: sqlite3.Connection, entry: Entry) -> Entry:
    marks = ", ".join(f":{name}" for name in _COLUMNS)
    cursor = connection.execute(
        f"INSERT INTO submissions ({', '.join(_COLUMNS)}) VALUES ({marks})",
        {name: getattr(entry, name) for name in _COLUMNS},
    )
    fault_point("ledger")
    return dataclasses.replace(entry, number=cursor.lastrowid)


@contextmanager
def _open_ledger(workspace: Workspace) -> Iterator[sqlite3.Connection]:
    """One transaction, which is written when the block ends well and undone when it does not."""
    path = _path(workspace)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as connection:
            connection.isolation_level = None
            connection.execute("PRAGMA synchronous = FULL")
            # Take the write lock now: one taken half-way through cannot wait for another's.
            connection.execute("BEGIN IMMEDIATE")
            try:
                _bring_up_to_date(connection, path)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
    except sqlite3.DatabaseError as error:
        # The lower byte is the kind of error, the rest says more of it.
        damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
        advice = _HOW_TO_GO_ON.format(path=path) if damaged else ""
        raise ProjectError(
            f"The ledger {path} cannot be used ({error}). Nothing was written to it.{advice}"
        ) from error
    except (sqlite3.Error, OSError) as error:
        raise ProjectError(
            f"The ledger {path} cannot be used ({error}). Nothing was written to it."
        ) from error


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    """Create the table, or copy an older one's rows into one of the present form."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise ProjectError(
            f"The ledger {path} was written by a later version of this project: its form is "
            f"number {version}, and this version knows up to {_VERSION}. Use that later version."
        )
    wanted = {"id": ("INTEGER", 0)} | {
        field.name: _declare(field.type) for field in fields(Entry) if field.name != "number"
    }
    found = {
        name: (kind, required)
        for _, name, kind, required, *_ in connection.execute("PRAGMA table_info(submissions)")
    }
    if found == wanted and version == _VERSION:
        return
    connection.execute(f"PRAGMA user_version = {_VERSION}")
    if found == wanted:
        return
    if set(found) - set(wanted):
        raise ProjectError(
            f"The ledger {path} was written by a later version of this project, which knows more "
            f"of a submission ({', '.join(sorted(set(found) - set(wanted)))}). Use that version."
        )
    columns = [
        f"{name} {kind}{' NOT NULL' * required}" + " PRIMARY KEY" * (name == "id")
        for name, (kind, required) in wanted.items()
    ]
    if found:
        connection.execute("ALTER TABLE submissions RENAME TO earlier")
    connection.execute(f"CREATE TABLE submissions ({', '.join(columns)})")
    if found:
        shared = ", ".join(found)
        connection.execute(f"INSERT INTO submissions ({shared}) SELECT {shared} FROM earlier")
        connection.execute("DROP TABLE earlier")


def _declare(annotation: object) -> tuple[str, int]:
    """Return the type of a column, and whether it must be filled."""
    for python_type, sql_type in _SQL_TYPES.items():
        if annotation is python_type:
            return sql_type, 1
        if annotation == python_type | None:
            return sql_type, 0
    raise TypeError(annotation)


def _path(workspace: Workspace) -> Path:
    return workspace.submissions / "ledger.db"
