"""A journal survives kills, and no message shows a password."""

import multiprocessing
import time
from pathlib import Path

import pytest
from optuna import create_study, load_study

from digit_recognizer.tune.storage import alone, hide_password, journal_of, open_storage
from digit_recognizer.workspace import ProjectError
from tests.processes import await_true


def count_trials(folder: Path) -> int:
    return len(load_study(study_name="s", storage=open_storage(None, folder)).trials)


def test_an_incomplete_last_line_is_removed_before_the_next_one(tmp_path: Path) -> None:
    study = create_study(study_name="s", storage=open_storage(None, tmp_path))
    study.ask()
    journal = journal_of(tmp_path)
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole.splitlines()[-1][:10])

    load_study(study_name="s", storage=open_storage(None, tmp_path)).ask()

    assert journal.read_bytes().startswith(whole)
    assert count_trials(tmp_path) == 2


def _hold(lock: Path) -> None:
    with alone(lock):
        lock.with_suffix(".held").touch()
        time.sleep(60)


def test_a_killed_process_does_not_keep_the_lock(tmp_path: Path) -> None:
    storage = open_storage(None, tmp_path)
    lock = journal_of(tmp_path).with_suffix(".lock")
    process = multiprocessing.get_context("fork").Process(target=_hold, args=(lock,))
    process.start()
    await_true(lock.with_suffix(".held").exists, "the lock is held", 30)
    process.kill()
    started = time.monotonic()
    create_study(study_name="s", storage=storage)
    assert time.monotonic() - started < 10
    process.join()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("studies.db", "expected a database's address"),
        ("postgresql://me:geheim@host:port/x", "expected a database's address"),
        ("nosuch://me:geheim@localhost/x", "dialects:nosuch"),
        ("mysql://me:geheim@localhost/x", "needs the Python package 'MySQLdb'"),
        ("postgresql://me:geheim@127.0.0.1:1/x", "refused"),
    ],
)
def test_an_address_that_does_not_work_is_explained(
    address: str, said: str, tmp_path: Path
) -> None:
    from digit_recognizer.tune.storage import explaining

    with pytest.raises(ProjectError, match=said) as told, explaining(address):
        open_storage(address, tmp_path)
    assert "geheim" not in str(told.value)


def test_a_password_is_never_shown() -> None:
    assert hide_password("postgresql://me:geheim@host/x") == "postgresql://me:***@host/x"
    assert "geheim" not in hide_password("postgresql://me:geheim@ho st:no port/x")
