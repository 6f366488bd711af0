"""Contenders that take turns.

In: tasks. Out: what each contender measured. What always holds: only one of them computes at a
time, and when the block ends, however it does, so have they.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from digit_recognizer.bench.turns import Task
from digit_recognizer.workspace import ProjectError, project_root


class ContenderError(ProjectError):
    """A contender's process ended with an error; the text is its last line."""


class Contender:
    """The measuring process's end."""

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

    def warm_up(self) -> dict[str, Any]:
        """Give it its task; return what it is, once it is warm."""
        self._send(json.dumps(asdict(self._task)))
        answer = self._receive()
        assert answer is not None
        return answer

    def turn(self) -> dict[str, Any] | None:
        """Have it do its next turn; return what it measured, or None when it has no more to do."""
        self._send("")
        return self._receive()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self._stderr.close()

    def _send(self, line: str) -> None:
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):  # why it has ended, the next answer tells
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def _receive(self) -> dict[str, Any] | None:
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


@contextlib.contextmanager
def contending(task: Task) -> Iterator[Contender]:
    """A contender's process, for the length of the block."""
    contender = Contender(task)
    try:
        yield contender
    finally:
        contender.close()


def take_turns(contenders: dict[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each contender's turns, taken one after the other: A B A B."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            answer = contender.turn()
            assert answer is not None
            seconds[name].append(answer["seconds"])
    return seconds
