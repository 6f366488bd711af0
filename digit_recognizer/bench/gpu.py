"""How fast this machine's graphics cards train, and how soon they reach an accuracy.

In: a workspace with data. Out: rows of the table. What always holds: all folds of the experiment
are trained, by the engine and in the processes that `make train` uses; compiling is reported apart.
"""

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from digit_recognizer.bench.ours import lengths
from digit_recognizer.bench.reach import Point, describe_points
from digit_recognizer.bench.table import Row, format_number
from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.learn.engine import Fit
from digit_recognizer.learn.gpu.engine import GpuEngine, compiled_programs, find_gpus
from digit_recognizer.learn.training import FoldData
from digit_recognizer.runs.folder import FoldResult
from digit_recognizer.workspace import Workspace

GROUP = "graphics card"


def measure_gpu(workspace: Workspace, experiment: Experiment, console: Console) -> Iterator[Row]:
    gpus = find_gpus(console)
    if not gpus:
        yield Row(GROUP, "all", "left out", note="no usable graphics card")
        return
    engine = GpuEngine(gpus, compiled_programs(workspace))
    data = _load(workspace, experiment)
    precision = experiment.precision
    if precision == "auto":
        precision = engine.find_fast_precision()
    points: list[Point] = []
    for epochs in lengths(experiment.epochs):
        results = _train(engine, replace(experiment, epochs=epochs), data, precision)
        points.append(_describe(results, data))
    conditions = f"{engine}, {precision}, {experiment.folds} folds, {len(data.labels):,} images"
    yield Row(GROUP, f"our training of {experiment.name}", _tell_rate(results), note=conditions)
    compiling = max(each.facts["compiling_seconds"] for each in results)
    yield Row(
        GROUP,
        "compiling before it",
        f"{format_number(compiling)} s",
        note="0 if the same was trained before, because compiled programs are kept",
    )
    yield from describe_points(f"{experiment.name}, all folds", points, each_anew=True, group=GROUP)


def _load(workspace: Workspace, experiment: Experiment) -> FoldData:
    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    folds = assign_folds(train.labels, experiment.folds, experiment.seed)
    return FoldData(train.images, train.labels, folds, test.images)


def _train(
    engine: GpuEngine, experiment: Experiment, data: FoldData, precision: str
) -> list[FoldResult]:
    with tempfile.TemporaryDirectory() as notes:
        fits = [
            Fit(experiment, fold, data, precision, Path(notes) / f"{fold}.json")
            for fold in range(experiment.folds)
        ]
        quiet = Console(quiet=True)
        return [result for _, result in engine.fit_all(experiment.name, fits, quiet)]


def _describe(results: list[FoldResult], data: FoldData) -> Point:
    """Return the accuracy of all folds together, and their seconds without compiling."""
    wrong = sum(
        int((each.oof.argmax(axis=1) != data.labels[data.folds == each.fold]).sum())
        for each in results
    )
    seconds = sum(each.facts["training_seconds"] for each in results)
    compiling = max(each.facts["compiling_seconds"] for each in results)
    return Point(
        len(results[0].history), max(0.0, seconds - compiling), 1 - wrong / len(data.labels)
    )


def _tell_rate(results: list[FoldResult]) -> str:
    """Return the images/s of all folds together, without the first epoch, which compiles."""
    images = sum(each.facts["images_trained"] / len(each.history) for each in results)
    epochs = np.array([[row["training_seconds"] for row in each.history] for each in results])
    seconds = statistics.median(epochs.sum(axis=0)[1:].tolist() or epochs.sum(axis=0).tolist())
    return f"{format_number(images / seconds)} images/s"
