"""Run several contenders in turn, so that all meet the same conditions.

In: tasks. Out: what each contender measured, and the seconds of its turns. What always holds: only
one contender computes at a time, with all its processes; at the end of the block, even after an
error, all its processes have ended.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from digit_recognizer.bench.turns import Task
from digit_recognizer.workspace import ProjectError, project_root


class ContenderError(ProjectError):
    """A contender's process ended with an error; the text is its last line."""


class Member:
    """The caller's end of one process."""

    def __init__(self, task: Task) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process has failed
        self.process = subprocess.Popen(
            [sys.executable, "-m", "digit_recognizer.bench.contender"],
            cwd=project_root(),
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        self._task = task

    def order_task(self) -> None:
        self._send(json.dumps(asdict(self._task)))

    def order_turn(self) -> None:
        self._send("")

    def wait(self) -> dict[str, Any] | None:
        """Return its answer to the last order, or None if it has nothing more to do."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self._stderr.seek(0)
            output = self._stderr.read().decode(errors="replace").strip()
            last = output.splitlines()[-1] if output else "ended without a message"
            error = ContenderError(f"{self._task.role}: {last}")
            error.add_note(output)  # for DEBUG=1
            raise error
        answer: dict[str, Any] = json.loads(line)
        return None if answer.get("over") else answer

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self._stderr.close()

    def _send(self, line: str) -> None:
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):  # `wait` reports why the process ended
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()


class Contender:
    """One process, or a team of several that all do the whole task at the same time."""

    def __init__(self, task: Task, processes: int = 1) -> None:
        self._task = task
        self._processes = processes
        self.members = [Member(task)]

    def warm_up(self) -> dict[str, Any]:
        """Start the task in all processes; return the first one's facts once all are warm."""
        (first,) = self.members
        first.order_task()
        facts = first.wait()
        assert facts is not None
        # The others use the precision that the first one has found.
        task = self._task.knowing(facts)
        while len(self.members) < self._processes:
            self.members.append(Member(task))
        others = self.members[1:]
        for other in others:
            other.order_task()
        for other in others:
            other.wait()
        return facts

    def turn(self) -> dict[str, Any] | None:
        """Do the next turn; return what the first process measured, or None at the end."""
        for member in self.members:
            member.order_turn()
        answers = [member.wait() for member in self.members]
        return answers[0]

    def time_turn(self) -> float:
        """Return the seconds of its next turn, from the order to the last answer.

        By the caller's clock, because the times of single processes do not show whether they
        computed at the same time.
        """
        started = time.perf_counter()
        answer = self.turn()
        seconds = time.perf_counter() - started
        assert answer is not None
        return seconds

    def close(self) -> None:
        for member in self.members:
            member.close()


@contextlib.contextmanager
def contending(task: Task, processes: int = 1) -> Iterator[Contender]:
    """A contender whose processes end with the block."""
    contender = Contender(task, processes)
    try:
        yield contender
    finally:
        contender.close()


def take_turns(contenders: dict[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each contender's turns, one after the other: A B A B.

    Before each timed turn there is one that is not timed: a process that has waited starts slowly,
    because the system has moved its memory out of caches.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            contender.turn()
            seconds[name].append(contender.time_turn())
    return seconds
