"""The book of submissions: one row for every file written.

In: what is known of a file. Out: `submissions/ledger.db` (SQLite). What always holds: a row is
there whole or not at all, and writers wait for each other.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from digit_recognizer.faults import fault_point
from digit_recognizer.workspace import ProjectError, Workspace

_WAIT_SECONDS = 60


@dataclass(frozen=True)
class Entry:
    """A row; the last four are Kaggle's to fill."""

    written_at: str
    lineup: str
    members: str
    run_id: str
    git_commit: str
    data_source: str
    data_fingerprint: str
    oof_errors: int
    oof_images: int
    oof_accuracy: float
    file: str
    sha256: str
    offline_score: float | None = None
    status: str = "written"
    kaggle_ref: int | None = None
    public_score: float | None = None
    error_text: str | None = None


_SQL_TYPES = {str: "TEXT", int: "INTEGER", float: "REAL"}
_COLUMNS = [field.name for field in fields(Entry)]


def add_entry(workspace: Workspace, entry: Entry) -> int:
    """Append a row; return its number."""
    with _open_ledger(workspace) as connection:
        marks = ", ".join(f":{name}" for name in _COLUMNS)
        cursor = connection.execute(
            f"INSERT INTO submissions ({', '.join(_COLUMNS)}) VALUES ({marks})", asdict(entry)
        )
        fault_point("ledger")
        assert cursor.lastrowid is not None
        return cursor.lastrowid


def list_entries(workspace: Workspace) -> list[Entry]:
    """Return all rows, oldest first; none where there is no ledger yet."""
    if not _path(workspace).exists():
        return []
    with _open_ledger(workspace) as connection:
        rows = connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM submissions ORDER BY id")
        return [Entry(*row) for row in rows]


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
                _create_table(connection)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
    except (sqlite3.Error, OSError) as error:
        raise ProjectError(
            f"The ledger {path} cannot be used ({error}). Nothing was written to it."
        ) from error


def _create_table(connection: sqlite3.Connection) -> None:
    def declare(name: str, annotation: object) -> str:
        for python_type, sql_type in _SQL_TYPES.items():
            if annotation is python_type:
                return f"{name} {sql_type} NOT NULL"
            if annotation == python_type | None:
                return f"{name} {sql_type}"
        raise TypeError(annotation)

    columns = ", ".join(declare(field.name, field.type) for field in fields(Entry))
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS submissions (id INTEGER PRIMARY KEY, {columns})"
    )


def _path(workspace: Workspace) -> Path:
    return workspace.submissions / "ledger.db"
