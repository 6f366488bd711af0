"""Run several contenders in turn, so that all meet the same conditions.

In: tasks. Out: what each contender measured, and how long its turns were. What always holds: only
one contender computes at a time, with all its processes together, and when the block ends, however
it does, so have they.
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
    """The measuring process's end of one process."""

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
        """Return its answer to what it was ordered, or None when it has no more to do."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self._stderr.seek(0)
            told = self._stderr.read().decode(errors="replace").strip()
            last = told.splitlines()[-1] if told else "ended without a word"
            error = ContenderError(f"{self._task.role}: {last}")
            error.add_note(told)  # for DEBUG=1
            raise error
        answer: dict[str, Any] = json.loads(line)
        return None if answer.get("over") else answer

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self._stderr.close()

    def _send(self, line: str) -> None:
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):  # why it has ended, the next answer tells
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()


class Contender:
    """One process, or a team of several that do the same at the same time, each all of it."""

    def __init__(self, task: Task, processes: int = 1) -> None:
        self._task = task
        self._processes = processes
        self.members = [Member(task)]

    def warm_up(self) -> dict[str, Any]:
        """Have it do its task; return what it is, once all of it is warm."""
        (first,) = self.members
        first.order_task()
        facts = first.wait()
        assert facts is not None
        # What the first has found out holds for the others: a team is of one mind.
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
        """Have it do its next turn; return what the first measured, or None if that was all."""
        for member in self.members:
            member.order_turn()
        answers = [member.wait() for member in self.members]
        return answers[0]

    def time_turn(self) -> float:
        """Return the seconds of its next turn, from the order to the last one's answer.

        By the caller's clock, because what each member took says nothing of whether they computed
        at the same time.
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
    """A contender's processes, for the length of the block."""
    contender = Contender(task, processes)
    try:
        yield contender
    finally:
        contender.close()


def take_turns(contenders: dict[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each contender's turns, taken one after the other: A B A B.

    Each first takes a turn that is not timed: one that has waited begins slowly, the system having
    put aside what it held.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            contender.turn()
            seconds[name].append(contender.time_turn())
    return seconds
