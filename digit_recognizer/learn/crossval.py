"""Train an experiment k-fold: every fold that is not finished, on one process or several.

In: an experiment, the data, how many processes. Out: a complete run folder. What always holds: a
fold that was finished is never trained again, only the calling process writes to the run folder,
and one process at a time does.
"""

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.console import Console

from digit_recognizer.data.dataset import Digits, fingerprint_of
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.environment import available_cores, describe_environment, doubt_keras
from digit_recognizer.experiments import Experiment
from digit_recognizer.learn.backend import choose_precision
from digit_recognizer.learn.progress import FoldReporter, read_states, showing
from digit_recognizer.learn.training import FoldData, fit_fold
from digit_recognizer.resume import start_run
from digit_recognizer.runs import FoldResult, Run
from digit_recognizer.scores import score
from digit_recognizer.workspace import ProjectError, Workspace, locked, require_writable


@dataclass(frozen=True)
class Engine:
    """On what the folds are trained."""

    jobs: int  # processes
    threads: int  # of each process

    @classmethod
    def with_jobs(cls, jobs: int) -> "Engine":
        if jobs < 1:
            raise ProjectError(f"JOBS={jobs}; expected 1 or more processes.")
        return cls(jobs, max(1, available_cores() // jobs))


def train_experiment(
    workspace: Workspace,
    experiment: Experiment,
    train: Digits,
    test: Digits,
    engine: Engine,
    console: Console,
    only_folds: list[int] | None = None,
    fresh: bool = False,
) -> Run:
    """Train what is missing of the experiment's folds; return the run, scored."""
    assert train.labels is not None
    wanted = sorted(set(range(experiment.folds) if only_folds is None else only_folds))
    if not set(wanted) <= set(range(experiment.folds)):
        raise ProjectError(f"FOLDS={wanted}; {experiment.name} has 0 to {experiment.folds - 1}.")
    require_writable(workspace.runs)
    folder = workspace.runs / experiment.name
    with locked(workspace.runs / f".{experiment.name}.lock", folder):
        folds = assign_folds(train.labels, experiment.folds, experiment.seed)
        run, differences = start_run(
            workspace,
            experiment,
            fingerprint_of(train, test),
            folds,
            describe_environment(engine.threads),
            fresh,
        )
        pending = [fold for fold in wanted if not run.is_finished(fold)]
        if pending and differences and run.finished_folds:
            console.print(
                f"[yellow]{experiment.name}: its finished folds were trained under other "
                "conditions; each fold's done.json has its own:[/]"
            )
            for line in differences:
                console.print(f"  {line}", markup=False)
        if pending:
            if doubt := doubt_keras():
                console.print(f"[yellow]{doubt}[/]")
            require_writable(folder)
            data = FoldData(train.images, train.labels, folds, test.images)
            precision = _settle_precision(experiment, run, engine)
            console.print(_announce(experiment, pending, engine, precision))
            fits = _fit_folds(
                experiment, pending, data, engine, precision, folder / ".notes", console
            )
            with contextlib.closing(fits):
                for result in fits:
                    run.save_fold(result)
                    run.finish(train.labels)
                    console.print(_describe(experiment, result, train.labels[folds == result.fold]))
        run.finish(train.labels)
    return run


def _fit_folds(
    experiment: Experiment,
    folds: list[int],
    data: FoldData,
    engine: Engine,
    precision: str,
    notes: Path,
    console: Console,
) -> Generator[FoldResult, None, None]:
    """Yield each fold's result as soon as it is there, in whatever order they end."""
    images_per_fold = {fold: int((data.folds != fold).sum()) * experiment.epochs for fold in folds}
    with (
        _empty_folder(notes),
        showing(experiment.name, notes, folds, images_per_fold, console),
        _naming_dead_workers(notes, folds),
    ):
        calls = [
            (experiment, fold, data, engine.threads, FoldReporter(notes, fold), precision)
            for fold in folds
        ]
        jobs = min(engine.jobs, len(folds))
        if jobs == 1:
            # Right here, and whatever joblib is installed: Kaggle's may be too old for the other.
            for call in calls:
                yield fit_fold(*call)
        else:
            # loky starts its workers afresh (no fork: TensorFlow's threads do not survive one).
            yield from Parallel(return_as="generator_unordered", **_describe_workers(jobs))(
                delayed(fit_fold)(*call) for call in calls
            )


def _describe_workers(jobs: int) -> dict[str, Any]:
    return {"n_jobs": jobs, "initializer": _prepare_worker, "initargs": (os.getpid(),)}


def _settle_precision(experiment: Experiment, run: Run, engine: Engine) -> str:
    """Return what the experiment names, or what its finished folds have, or what is fast here."""
    if experiment.precision != "auto":
        return experiment.precision
    if run.finished_folds:
        return run.fold_precision(run.finished_folds[0])
    if engine.jobs == 1:
        return choose_precision(engine.threads)
    # Where the folds will be trained: this process stays without TensorFlow.
    (chosen,) = Parallel(**_describe_workers(engine.jobs))(
        [delayed(choose_precision)(engine.threads)]
    )
    return str(chosen)


def _announce(experiment: Experiment, folds: list[int], engine: Engine, precision: str) -> str:
    work = f"{len(folds)} fold{'s' * (len(folds) > 1)} to train"
    processes = f"{engine.jobs} processes of " if engine.jobs > 1 else ""
    threads = f"{processes}{engine.threads} thread{'s' * (engine.threads > 1)}"
    return f"{experiment.name}: {work}, {threads}, {precision}"


def _prepare_worker(caller: int) -> None:
    """Tie a worker process to the process that called it."""
    # Ctrl-C reaches every process of the terminal; the caller alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_caller() -> None:
        # A killed caller cannot end its workers, and loky's can wait for it for ever.
        while os.getppid() == caller:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=end_with_caller, daemon=True).start()


@contextlib.contextmanager
def _empty_folder(folder: Path) -> Iterator[None]:
    """A folder for the length of the block; what a killed command left in it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _naming_dead_workers(notes: Path, folds: list[int]) -> Iterator[None]:
    try:
        yield
    except TerminatedWorkerError:
        begun = sorted(read_states(notes, folds)) or folds
        raise ProjectError(
            f"A worker process was killed while training fold {', '.join(map(str, begun))}, most "
            "likely because memory ran out. The finished folds are kept: run the same command "
            "again, with a smaller JOBS if this was memory."
        ) from None


def _describe(experiment: Experiment, result: FoldResult, labels: np.ndarray) -> str:
    own = score(labels, result.oof)
    return (
        f"{experiment.name} fold {result.fold}: {own.errors:,} of {own.images:,} held-out images "
        f"wrong, {result.facts['seconds']:.0f} s"
    )
