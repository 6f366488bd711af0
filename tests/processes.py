"""Processes that tests look for, and wait for."""

import subprocess
import time
from collections.abc import Callable


def await_true(holds: Callable[[], object], why: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, why
        time.sleep(0.1)


def is_running(process: int) -> bool:
    """Whether it is there, and not only as the memory of it that its parent has not asked for."""
    state = _ask_ps("-o", "stat=", "-p", str(process)).strip()
    return state != "" and not state.startswith("Z")


def group_members(group: int) -> list[str]:
    """The living processes of a process group, as they call themselves and as they were called."""
    # ww: however narrow the terminal.
    rows = [
        line.split(maxsplit=2)
        for line in _ask_ps("-eww", "-o", "pgid=,stat=,comm=,args=").splitlines()
    ]
    return [row[2] for row in rows if row[0] == str(group) and not row[1].startswith("Z")]


def assert_group_ends(group: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while members := group_members(group):
        assert time.monotonic() < deadline, members
        time.sleep(0.1)


def _ask_ps(*options: str) -> str:
    # It fails where it finds nothing.
    done = subprocess.run(["ps", *options], capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.stdout
