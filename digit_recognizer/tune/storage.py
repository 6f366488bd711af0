"""Where a study is stored: a journal beside it, or any database that Optuna supports.

In: a database's address, or none; the study's folder. Out: an Optuna storage. What always holds:
locks are the kernel's, so a killed process holds none; if a kill or a full disk cuts the journal's
last line, it is removed before the next line is written; and passwords are never shown.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from digit_recognizer.workspace import ProjectError, first_line


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Wait until no other process or thread holds the same lock."""
    with open(lock, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class _JournalLock:
    """Optuna's own lock is a file that remains after a kill; others then wait for 30 s."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._held = threading.local()

    def acquire(self) -> bool:
        self._held.block = contextlib.ExitStack()
        self._held.block.enter_context(alone(self._journal.with_suffix(".lock")))
        _cut_torn_line(self._journal)
        return True

    def release(self) -> None:
        self._held.block.close()


def _cut_torn_line(journal: Path) -> None:
    """Remove an incomplete last line."""
    with open(journal, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        whole = size
        while whole:
            file.seek(whole - 1)
            if file.read(1) == b"\n":
                break
            whole -= 1
        if whole < size:
            file.truncate(whole)


def journal_of(folder: Path) -> Path:
    return folder / "journal.log"


def open_storage(address: str | None, folder: Path) -> Any:
    optuna = import_optuna()
    if address is None:
        journal = journal_of(folder)
        journal.touch()
        from optuna.storages.journal import JournalFileBackend, JournalStorage

        return JournalStorage(JournalFileBackend(str(journal), _JournalLock(journal)))  # type: ignore[arg-type]
    if not _is_address(address):
        raise ProjectError(
            f"STORAGE={hide_password(address)}: expected a database's address, such as "
            "postgresql://user@host/database or sqlite:////a/path/studies.db. Without STORAGE, a "
            "journal in studies/ is used."
        )
    try:
        # Reconnect if the connection was lost since the last trial.
        return optuna.storages.RDBStorage(address, engine_kwargs={"pool_pre_ping": True})
    except ImportError as error:
        missing = getattr(error.__cause__, "name", None) or "for that kind of database"
        raise ProjectError(
            f"STORAGE={hide_password(address)} needs the Python package {missing!r}, which is not "
            "installed. requirements-tune.txt contains what PostgreSQL and SQLite need."
        ) from error


@contextlib.contextmanager
def explaining(address: str | None) -> Iterator[None]:
    """Turn errors of the storage into plain words."""
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (OptunaError, SQLAlchemyError) as error:
        # The innermost error names the cause; the outer ones repeat the whole SQL statement.
        cause: BaseException = error
        while isinstance(cause, OptunaError | SQLAlchemyError) and cause.__cause__:
            cause = cause.__cause__
        problem = first_line(cause).rstrip(".")
        raise ProjectError(
            f"The study's storage ({hide_password(address)}) failed: {problem}. "
            "Finished trials are kept; once the storage works, the same command continues."
        ) from error


def _is_address(text: str) -> bool:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        make_url(text)
    except (ArgumentError, ValueError):  # ValueError: the port is not a number
        return False
    return True


def hide_password(address: str | None) -> str:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    if address is None:
        return "the journal"
    try:
        return make_url(address).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        kind, found, _ = address.partition("://")
        return f"{kind}://..." if found else address


def import_optuna() -> Any:
    """Return Optuna, without its log messages."""
    try:
        import optuna
    except ModuleNotFoundError:
        raise ProjectError(
            "Optuna is not installed. `make setup-tune` installs it, and so does `make tune`."
        ) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
