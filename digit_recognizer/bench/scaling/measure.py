"""Measure what a line-up takes besides training, for `inputs.py`.

In: nothing. Out: lines of text. What always holds: the best of several times counts, and processor
seconds where these matter, because other work on the machine only adds time.
"""

import os
import time
import timeit
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from digit_recognizer.bench.scaling.inputs import IMAGES, TEST_IMAGES
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.learn.backend import choose_precision
from digit_recognizer.learn.cluster.subprocess_call import call_apart
from digit_recognizer.learn.models import build_model
from digit_recognizer.learn.weights import weights_of
from digit_recognizer.runs.folder import FoldResult
from digit_recognizer.runs.opening import start_run
from digit_recognizer.workspace import Workspace

_TIMES = 3


def measure_inputs() -> Iterator[str]:
    """Yield a line for each value as soon as it is measured."""
    start = _best(
        lambda: call_apart(choose_precision, 1, meanwhile=lambda: None), _seconds_of_children
    )
    yield f"a process, from its start until it knows the fastest precision: {start:.1f} s"
    nothing = _best(lambda: call_apart(len, (), meanwhile=lambda: None), _seconds_of_children)
    dask = _best(lambda: call_apart(_import_dask, meanwhile=lambda: None), _seconds_of_children)
    yield f"importing Dask: {dask - nothing:.1f} s"
    experiment = EXPERIMENTS["stages"]
    result = _make_up_result(experiment)
    yield f"a fold's result: {_size(result) / 1e6:.1f} MB"
    yield f"writing it and scoring the run: {_time_saving(experiment, result):.2f} s"


def _best(act: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    return min(timeit.repeat(act, timer=clock, repeat=_TIMES, number=1))


def _seconds_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _import_dask() -> None:
    import_module("distributed")


def _make_up_result(experiment: Experiment) -> FoldResult:
    model = build_model(experiment, "float32")
    model.build((None, 28, 28, 1))
    held_out = IMAGES // experiment.folds
    record = dict.fromkeys(("epoch", "loss", "accuracy"), 0.5)
    facts = {"images_trained": 1, "training_seconds": 1.0, "seconds": 1.0}
    return FoldResult(
        0,
        weights_of(model),
        np.full((held_out, 10), 0.1, np.float32),
        np.full((TEST_IMAGES, 10), 0.1, np.float32),
        [record] * experiment.epochs,
        facts,
    )


def _size(result: FoldResult) -> int:
    return len(result.weights) + result.oof.nbytes + result.test.nbytes


def _time_saving(experiment: Experiment, result: FoldResult) -> float:
    """Return the seconds to save the last fold, for which all folds are read again."""
    labels = np.arange(IMAGES, dtype=np.uint8) % 10
    folds = assign_folds(labels, experiment.folds, experiment.seed)
    with TemporaryDirectory() as folder:
        run, _ = start_run(Workspace(Path(folder)), experiment, "made up", folds, {}, fresh=False)
        for fold in range(experiment.folds):
            held_out = int((folds == fold).sum())
            run.save_fold(
                FoldResult(
                    fold,
                    result.weights,
                    result.oof[:held_out],
                    result.test,
                    result.history,
                    result.facts,
                )
            )

        def save() -> None:
            run.save_fold(result)
            run.finish(labels)

        return _best(save)
