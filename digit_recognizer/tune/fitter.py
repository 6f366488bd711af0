"""Start a process that trains trials, and talk to it.

In: an experiment and a fold. Out: the images that it got wrong, or why there is no result. What
always holds: at the end of the block, even after an error, the process has ended.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.text import to_dict
from digit_recognizer.learn.gpu.engine import variables_for
from digit_recognizer.workspace import ProjectError, Workspace, project_root

# Called with the number of images shown so far and, after an epoch, also with its number and error
# rate; then the returned value says whether to continue.
Watch = Callable[[dict[str, Any]], bool]


# Memory that is never freed: TensorFlow keeps about 20 MB for each trained network, JAX each
# compiled program.
_FITS_OF_ONE, _FITS_ON_GPU = 6, 200


@dataclass(frozen=True)
class Fitted:
    """How a training ended: with the images it got wrong, or without a result."""

    wrong: list[int] | None
    images: int = 0
    failure: str = ""


class Fitter:
    def __init__(self, workspace: Workspace, threads: int, gpu: int | None = None) -> None:
        """Start the process; with `gpu`, it trains on the graphics card of that number."""
        self._setting = {"root": str(workspace.root), "threads": threads, "on_gpu": gpu is not None}
        self._variables = {} if gpu is None else variables_for(gpu)
        self._most_fits = _FITS_OF_ONE if gpu is None else _FITS_ON_GPU
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process has failed
        self._changing = threading.Lock()
        self._is_closed = False
        self._start()

    def __enter__(self) -> "Fitter":
        return self

    def __exit__(self, *error: object) -> None:
        """End the process; a thread that waits for its training gets an error."""
        with self._changing:
            self._is_closed = True
            self._end()
        self._stderr.close()

    def find_fast_precision(self) -> str:
        self._send(asks="precision")
        return str(self._receive()["precision"])

    def fit(self, experiment: Experiment, fold: int, precision: str, watch: Watch) -> Fitted:
        if self._fits == self._most_fits:
            self._start_anew()
        self._fits += 1
        self._send(experiment=to_dict(experiment), fold=fold, precision=precision)
        while True:
            news = self._receive()
            if "over" in news:
                return Fitted(
                    **(news["over"] or {"wrong": None}),
                    failure=news.get("failed", ""),
                )
            goes_on = watch(news)
            if "epoch" in news:
                self._send(go_on=goes_on)

    def _start(self) -> None:
        self._fits = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "digit_recognizer.tune.worker"],
            cwd=project_root(),
            env=os.environ | self._variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        self._send(**self._setting)

    def _start_anew(self) -> None:
        with self._changing:
            if not self._is_closed:  # otherwise `_receive` reports that there is no process
                self._end()
                self._start()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()

    def _send(self, **order: Any) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # `_receive` reports why the process ended
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if line:
            news: dict[str, Any] = json.loads(line)
            return news
        code = self._process.wait()
        if code < 0:
            raise ProjectError(
                "A worker process was killed while it trained a trial, most likely because memory "
                "ran out. Finished trials are kept: run the same command again, with a smaller "
                "JOBS if this was memory."
            )
        self._stderr.seek(0)
        output = self._stderr.read().decode(errors="replace").strip()
        error = ProjectError(
            "A worker process ended with an error: "
            + (output.splitlines()[-1] if output else f"exit code {code}")
        )
        error.add_note(output)  # for DEBUG=1
        raise error
