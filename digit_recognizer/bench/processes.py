"""Measure a command together with all processes that it starts.

In: a command. Out: its seconds, and its memory at the highest. What always holds: when the
measurement is interrupted, none of the command's processes goes on.
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
    memory: int  # bytes, at the highest
    memory_of: str  # whose, in words


def measure_command(command: list[str], environment: dict[str, str]) -> Measured:
    """Run it to its end, which must be a good one."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that its group is it and what it starts
        )
        try:
            with MemoryWatch(process.pid) as watch:
                # Where getrusage would tell of whatever this process has ever started.
                _, status, usage = os.wait4(process.pid, 0)
                seconds = time.perf_counter() - started
        except BaseException:
            with contextlib.suppress(OSError):  # nobody is left
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            told = output.read().decode(errors="replace").strip()
            raise ProjectError(f"The command that was to be measured failed: {told[-500:]}")
    largest = usage.ru_maxrss * _MEMORY_UNIT
    if not watch.highest:
        return Measured(seconds, largest, "its largest process alone, as this system tells no more")
    # Of one process the system remembers what lies between two looks.
    return Measured(seconds, max(watch.highest, largest), "all its processes together")


class MemoryWatch:
    """Looks again and again, for the length of a block, at what a group of processes holds."""

    def __init__(self, group: int) -> None:
        self.highest = 0  # bytes; it stays 0 where the system does not tell
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
    """Return the bytes that the processes of a group hold together, or 0 without Linux's /proc.

    What they share (libraries, mapped images) is counted once: as much of it as the one that has
    most. The kernel can tell each page's owners exactly, as Pss, but takes 26 ms for a process of
    900 MB, which would slow down what is measured; this takes a tenth of a millisecond.
    """
    own, shared = 0, 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if os.getpgid(int(folder.name)) == group:
                _, held, common, *_ = map(int, (folder / "statm").read_text().split())
                own += held - common
                shared = max(shared, common)
    return (own + shared) * os.sysconf("SC_PAGE_SIZE")
