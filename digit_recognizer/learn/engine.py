"""Train folds on this machine's processor, one after another or in several processes.

In: fits and an engine. Out: their results, as soon as each is there. What always holds: no worker
outlives the process that called it, and each fold's result depends on the number of threads of its
process alone, not on what else is trained at the same time.
"""

import contextlib
import os
import signal
import threading
import time
import warnings
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.console import Console

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.learn.backend import choose_precision
from digit_recognizer.learn.progress import FoldReporter, Watched, read_state, showing, write_note
from digit_recognizer.learn.training import FoldData, fit_fold
from digit_recognizer.runs.checkpoint import Checkpoint
from digit_recognizer.runs.environment import available_cores, has_graphics_card, physical_memory
from digit_recognizer.runs.folder import FoldResult
from digit_recognizer.workspace import ProjectError

# A worker takes some seconds to start; fewer images than this are trained in that time.
_WORTH_A_PROCESS = 50_000
_MEMORY_OF_ONE = 2 * 2**30  # bytes, twice what a process was seen to take


@dataclass(frozen=True)
class Fit:
    """One fold of one experiment, to be trained."""

    experiment: Experiment
    fold: int
    data: FoldData
    precision: str
    note: Path  # where it notes how far it is
    checkpoint: Checkpoint | None = None
    epochs_done: int = 0  # by the checkpoint

    @property
    def label(self) -> str:
        return f"{self.experiment.name} fold {self.fold}"

    @property
    def watched(self) -> Watched:
        passes = int((self.data.folds != self.fold).sum()) * self.experiment.epochs
        return Watched(self.label, self.note, passes)


@dataclass(frozen=True)
class Engine:
    """On what the folds are trained."""

    jobs: int  # processes
    threads: int  # of each process

    backend = None  # whichever Keras is set to
    saves_checkpoints = True

    @classmethod
    def with_jobs(cls, jobs: int) -> "Engine":
        if jobs < 1:
            raise ProjectError(f"JOBS={jobs}; expected 1 or more processes.")
        return cls(jobs, max(1, available_cores() // jobs))

    @classmethod
    def that_suits(cls, fits: int, image_passes: int) -> "Engine":
        """Return one process for each core where there is work and memory for them.

        Two processes of one thread train more images together than one of two, whose threads
        wait for each other after every operation.
        """
        if has_graphics_card() or image_passes < _WORTH_A_PROCESS:
            return cls.with_jobs(1)
        fitting = physical_memory() // _MEMORY_OF_ONE
        return cls.with_jobs(max(1, min(available_cores(), fits, fitting)))

    @property
    def cards(self) -> list[int | None]:
        """For each process the number of its graphics card: none has any."""
        return [None] * self.jobs

    def __str__(self) -> str:
        processes = f"{self.jobs} processes of " if self.jobs > 1 else ""
        return f"{processes}{self.threads} thread{'s' * (self.threads > 1)}"

    def fit_all(
        self, title: str, fits: list[Fit], console: Console
    ) -> Generator[tuple[Fit, FoldResult], None, None]:
        """Yield each result as soon as it is there, in whatever order they end."""
        if not fits:
            return
        with showing(title, [fit.watched for fit in fits], console), _naming_dead_workers(fits):
            jobs = min(self.jobs, len(fits))
            if jobs == 1:
                # Right here, and whatever joblib is installed: Kaggle's may be too old.
                for fit in fits:
                    yield fit, _train(fit, self.threads)
            else:
                # loky starts its workers afresh (no fork: TensorFlow's threads do not survive one).
                results = Parallel(return_as="generator_unordered", **_describe_workers(jobs))(
                    delayed(_train_numbered)(number, fit, self.threads)
                    for number, fit in enumerate(fits)
                )
                with closing_quietly(results):
                    for number, result in results:
                        yield fits[number], result

    def find_fast_precision(self) -> str:
        """Return the precision that is fast where the folds will be trained."""
        if self.jobs == 1:
            return choose_precision(self.threads)
        # This process stays without TensorFlow.
        (chosen,) = Parallel(**_describe_workers(self.jobs))(
            [delayed(choose_precision)(self.threads)]
        )
        return str(chosen)


def _train(fit: Fit, threads: int) -> FoldResult:
    reporter = FoldReporter(partial(write_note, fit.note))
    return fit_fold(
        fit.experiment,
        fit.fold,
        fit.data,
        threads,
        reporter,
        fit.precision,
        checkpoint=fit.checkpoint,
    )


def _train_numbered(number: int, fit: Fit, threads: int) -> tuple[int, FoldResult]:
    return number, _train(fit, threads)


def _describe_workers(jobs: int) -> dict[str, Any]:
    return {"n_jobs": jobs, "initializer": tie_to_caller, "initargs": (os.getpid(),)}


def tie_to_caller(caller: int) -> None:
    """Tie a worker process to the process that called it."""
    # Ctrl-C reaches every process of the terminal; the caller alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_caller() -> None:
        # A killed caller cannot end its workers, and loky's may wait for it forever.
        while os.getppid() == caller:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=end_with_caller, daemon=True).start()


@contextlib.contextmanager
def closing_quietly(results: Generator[Any, None, None]) -> Iterator[None]:
    """Close joblib's results at the end of the block, without its advice to those that stop early.

    Left to the garbage collector, they would print a warning if the command is stopped between two.
    """
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            results.close()


@contextlib.contextmanager
def _naming_dead_workers(fits: list[Fit]) -> Iterator[None]:
    try:
        yield
    except TerminatedWorkerError:
        states = {fit.label: read_state(fit.note) for fit in fits}
        running = [label for label, state in states.items() if state and not state.get("done")]
        raise ProjectError(
            f"A worker process was killed while training {', '.join(running or states)}, most "
            "likely because memory ran out. The finished folds are kept: run the same command "
            "again, with a smaller JOBS if this was memory."
        ) from None
