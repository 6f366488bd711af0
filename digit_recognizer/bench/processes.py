"""Measure a command together with all processes that it starts.

In: a command. Out: its seconds, and its highest memory. What always holds: if the measurement is
interrupted, all processes of the command are ended.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from digit_recognizer.workspace import ProjectError

_LOOK_EVERY = 0.1  # seconds
# ru_maxrss is in bytes on macOS and in units of 1,024 bytes elsewhere.
_MEMORY_UNIT = 1 if sys.platform == "darwin" else 1_024


@dataclass(frozen=True)
class Measured:
    """What a command took."""

    seconds: float
    memory: int  # bytes, the highest
    memory_of: str  # of which processes, in words


def measure_command(command: list[str], environment: dict[str, str]) -> Measured:
    """Run the command, which must succeed."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that it and what it starts form a process group
        )
        try:
            with MemoryWatch(process.pid) as watch:
                # Not getrusage, which covers everything that this process has ever started.
                _, status, usage = os.wait4(process.pid, 0)
                seconds = time.perf_counter() - started
        except BaseException:
            with contextlib.suppress(OSError):  # all have ended already
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            printed = output.read().decode(errors="replace").strip()
            raise ProjectError(f"The measured command failed: {printed[-500:]}")
    largest = usage.ru_maxrss * _MEMORY_UNIT
    if not watch.highest:
        return Measured(
            seconds, largest, "only its largest process, because this system reports no more"
        )
    # For a single process the system also knows the memory between two readings.
    return Measured(seconds, max(watch.highest, largest), "all its processes together")


class MemoryWatch:
    """Reads the memory of a process group regularly until the block ends."""

    def __init__(self, group: int) -> None:
        self.highest = 0  # bytes; stays 0 if the system does not report it
        self._group = group
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_EVERY):
            self.highest = max(self.highest, memory_of_group(self._group))


def memory_of_group(group: int) -> int:
    """Return the bytes that the processes of a group use together, or 0 without Linux's /proc.

    Shared memory (libraries, mapped images) is counted once, with the largest value of any process.
    The kernel's exact number, Pss, takes 26 ms for a process of 900 MB and would slow down the
    measured command; this takes 0.1 ms.
    """
    own, shared = 0, 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process has ended
            if os.getpgid(int(folder.name)) == group:
                _, held, common, *_ = map(int, (folder / "statm").read_text().split())
                own += held - common
                shared = max(shared, common)
    return (own + shared) * os.sysconf("SC_PAGE_SIZE")
