"""Train every fold of the experiments that is not finished yet.

In: experiments, the data, an engine or a cluster. Out: complete run folders. What always holds: a
fold that was finished is never trained again, only the calling process writes to the run folders,
and one process at a time does.
"""

import contextlib
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape

from digit_recognizer.data.dataset import Digits, fingerprint_of
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.learn.cluster.connection import Cluster
from digit_recognizer.learn.cluster.engine import Crew, hire
from digit_recognizer.learn.engine import Engine, Fit
from digit_recognizer.learn.gpu.engine import GpuEngine, choose_gpus
from digit_recognizer.learn.training import FoldData
from digit_recognizer.runs.checkpoint import Checkpoint, Saved, UnusableError
from digit_recognizer.runs.environment import describe_environment, name_backend, warn_of_old_keras
from digit_recognizer.runs.folder import FoldResult, Run
from digit_recognizer.runs.opening import start_run
from digit_recognizer.scores import score
from digit_recognizer.workspace import ProjectError, Workspace, locked, require_writable


def train_experiments(
    workspace: Workspace,
    label: str,
    experiments: list[Experiment],
    train: Digits,
    test: Digits,
    jobs: int | None,
    console: Console,
    only_folds: list[int] | None = None,
    fresh: bool = False,
    cluster: Cluster | None = None,
    device: str = "auto",
) -> list[Run]:
    """Train what is missing of the experiments' folds; return the runs, scored.

    The folds of all of them are one queue, so that no process waits for an experiment's last fold.
    """
    labels = train.labels
    assert labels is not None
    wanted = {each.name: _choose_folds(each, only_folds) for each in experiments}
    require_writable(workspace.runs)
    with contextlib.ExitStack() as stack:
        engine: Engine | GpuEngine | Crew
        if cluster:
            if jobs is not None:
                raise ProjectError("JOBS= is for this machine; a cluster trains one fold a worker.")
            if device != "auto":
                raise ProjectError(
                    'DEVICE= is for this machine. On a cluster, RESOURCES="GPU=1" takes the '
                    "workers that have a graphics card."
                )
            # First of all: no run is started over for a cluster that is not there.
            engine = stack.enter_context(hire(cluster, console))
        else:
            engine = choose_gpus(workspace, device, jobs, console) or _choose_engine(
                experiments, wanted, len(train), jobs
            )
        fast_precision = cache(engine.find_fast_precision)
        runs: dict[str, Run] = {}
        fits: list[Fit] = []
        for each in experiments:
            run = _open_run(stack, workspace, each, train, test, engine, fresh, console)
            runs[each.name] = run
            pending = [fold for fold in wanted[each.name] if not run.is_finished(fold)]
            if pending:
                checkpoints = _place_checkpoints(run, pending, engine)
                precision = _find_precision(each, run)
                done = _load_checkpoints(checkpoints, precision, console)
                precision = precision or _precision_of(done) or fast_precision()
                fits += _list_fits(stack, run, pending, train, test, precision, checkpoints, done)
                plural = "s" * (len(pending) > 1)
                console.print(
                    f"{each.name}: {len(pending)} fold{plural} to train, {engine}, {precision}"
                )
                for fold, saved in done.items():
                    console.print(
                        f"  fold {fold} continues after epoch {saved.epochs} of {each.epochs}"
                    )
        if fits and (warning := warn_of_old_keras()):
            console.print(f"[yellow]{warning}[/]")
        for fit, result in stack.enter_context(
            contextlib.closing(engine.fit_all(label, fits, console))
        ):
            run = runs[fit.experiment.name]
            run.save_fold(result)
            run.finish(labels)
            console.print(_describe(fit, result, labels))
            if problem := result.facts.get("checkpoint_problem"):
                console.print(
                    f"[yellow]No checkpoint of it was saved at last:[/] {escape(problem)}"
                )
        for run in runs.values():
            run.finish(labels)
    return list(runs.values())


def _open_run(
    stack: contextlib.ExitStack,
    workspace: Workspace,
    experiment: Experiment,
    train: Digits,
    test: Digits,
    engine: Engine | GpuEngine | Crew,
    fresh: bool,
    console: Console,
) -> Run:
    """Return the experiment's run, which is this process's alone until the stack is left."""
    folder = workspace.runs / experiment.name
    stack.enter_context(locked(workspace.runs / f".{experiment.name}.lock", folder))
    assert train.labels is not None
    run, differences = start_run(
        workspace,
        experiment,
        fingerprint_of(train, test),
        assign_folds(train.labels, experiment.folds, experiment.seed),
        describe_environment(engine.threads, engine.backend),
        fresh,
    )
    begun = run.finished_folds or any(folder.glob("fold-*/checkpoint"))
    if differences and begun and not run.is_complete:
        console.print(
            f"[yellow]{run.name}: what it has was trained under other conditions; each fold's "
            "done.json has its own:[/]"
        )
        for line in differences:
            console.print(f"  {line}", markup=False)
    return run


def _place_checkpoints(
    run: Run, pending: list[int], engine: Engine | GpuEngine | Crew
) -> dict[int, Checkpoint]:
    """Return each fold's checkpoint, where the engine saves some."""
    if not engine.saves_checkpoints:
        return {}
    device = "gpu" if isinstance(engine, GpuEngine) else "cpu"
    training = {
        "experiment": run.config["experiment"],
        "data": run.config["data"],
        "engine": f"{device}, {name_backend(engine.backend)}",
    }
    return {
        fold: Checkpoint(run.checkpoint_path(fold), {**training, "fold": fold}) for fold in pending
    }


def _load_checkpoints(
    checkpoints: dict[int, Checkpoint], precision: str | None, console: Console
) -> dict[int, Saved]:
    """Return what was saved of the folds; delete what cannot be continued from, and say so."""
    found: dict[int, Saved] = {}
    for fold, checkpoint in checkpoints.items():
        try:
            saved = checkpoint.load()
            wanted = precision or _precision_of(found)
            if saved and wanted and saved.values["precision"] != wanted:
                raise UnusableError(f"it was trained in {saved.values['precision']}")
        except UnusableError as error:
            console.print(
                f"[yellow]{checkpoint.path.parent}: the checkpoint is not used, because {error}. "
                "The fold is trained from the beginning.[/]"
            )
            checkpoint.delete()
            continue
        if saved:
            found[fold] = saved
    return found


def _list_fits(
    stack: contextlib.ExitStack,
    run: Run,
    pending: list[int],
    train: Digits,
    test: Digits,
    precision: str,
    checkpoints: dict[int, Checkpoint],
    done: dict[int, Saved],
) -> list[Fit]:
    require_writable(run.folder)
    notes = stack.enter_context(_empty_folder(run.folder / ".notes"))
    assert train.labels is not None
    data = FoldData(train.images, train.labels, run.folds, test.images)
    experiment = run.experiment
    return [
        Fit(
            experiment,
            fold,
            data,
            precision,
            notes / f"{fold}.json",
            checkpoints.get(fold),
            done[fold].epochs if fold in done else 0,
        )
        for fold in pending
    ]


def _choose_folds(experiment: Experiment, only: list[int] | None) -> list[int]:
    wanted = sorted(set(range(experiment.folds) if only is None else only))
    if not set(wanted) <= set(range(experiment.folds)):
        raise ProjectError(f"FOLDS={wanted}; {experiment.name} has 0 to {experiment.folds - 1}.")
    return wanted


def _choose_engine(
    experiments: list[Experiment], wanted: dict[str, list[int]], images: int, jobs: int | None
) -> Engine:
    """Return what was asked for, or what suits the whole work.

    Not what is left of it: a resumed command trains with as many threads as it began with.
    """
    if jobs is not None:
        return Engine.with_jobs(jobs)
    fits = sum(len(folds) for folds in wanted.values())
    passes = sum(len(wanted[each.name]) * images * each.epochs for each in experiments)
    return Engine.that_suits(fits, passes)


def _find_precision(experiment: Experiment, run: Run) -> str | None:
    """Return what the experiment names, or what its finished folds have."""
    if experiment.precision != "auto":
        return experiment.precision
    if run.finished_folds:
        return run.fold_precision(run.finished_folds[0])
    return None


def _precision_of(checkpoints: dict[int, Saved]) -> str | None:
    return next((str(saved.values["precision"]) for saved in checkpoints.values()), None)


@contextlib.contextmanager
def _empty_folder(folder: Path) -> Iterator[Path]:
    """A folder for the length of the block; what a killed command left in it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _describe(fit: Fit, result: FoldResult, labels: np.ndarray) -> str:
    own = score(labels[fit.data.folds == fit.fold], result.oof)
    return (
        f"{fit.label}: {own.errors:,} of {own.images:,} held-out images "
        f"wrong, {result.facts['seconds']:.0f} s"
    )
