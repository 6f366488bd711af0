"""Our own training, as `make train` runs it.

In: tasks. Out: turns. What always holds: `fit_fold`'s own loop is timed, with augmentation,
schedule and weight average; nothing is left out to look faster. Each process of a team does the
whole task, as the processes that train folds do.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from digit_recognizer.bench.layers import describe_layers
from digit_recognizer.bench.turns import Task, Turns
from digit_recognizer.data.dataset import COMPETITION_ROWS
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.learn.backend import choose_precision, configure
from digit_recognizer.learn.engine import Engine
from digit_recognizer.learn.models import build_model
from digit_recognizer.learn.prediction import predict_probabilities
from digit_recognizer.learn.training import FoldData, fit_fold
from digit_recognizer.scores import score

_FOR_EVER = 10_000  # epochs: the process ends when no more turns are ordered


def suiting_engine(experiment: Experiment, folds: int) -> Engine:
    """Return the engine that `make train` uses for this many folds of the competition's data."""
    return Engine.that_suits(folds, folds * COMPETITION_ROWS["train.csv"] * experiment.epochs)


def describe_engine(engine: Engine) -> str:
    return str(engine) if engine.jobs > 1 else f"one process of {engine}"


def train(task: Task, turns: Turns) -> None:
    """A turn is an epoch of the task's images, after one that warms up by tracing."""
    experiment, precision = task.resolved, _settle_precision(task)
    layers = describe_layers(build_model(experiment, precision))
    images, labels = task.load()
    # Trains on fold 0; fold 1 has a single image, because something must be held out.
    folds = np.zeros(len(images) + 1, np.int8)
    folds[-1] = 1
    data = FoldData(_and_one(images), _and_one(labels), folds, images[:1])

    def report(news: dict[str, Any]) -> None:
        if news.get("epoch") == 1:
            turns.take(layers=layers, precision=precision)
        elif "epoch" in news:
            turns.take()

    for_ever = replace(experiment, epochs=_FOR_EVER, patience=0)
    fit_fold(for_ever, 1, data, task.threads, report, precision)


def predict(task: Task, turns: Turns) -> None:
    experiment, precision = task.resolved, _settle_precision(task)
    model = build_model(experiment, precision)
    images, _ = task.load()
    predict_probabilities(model, images, 0)
    turns.take(precision=precision)
    while True:
        predict_probabilities(model, images, 0)
        turns.take()


def reach_by_length(task: Task, turns: Turns) -> None:
    """A turn is a whole training, each longer than the one before.

    With a learning rate that falls to zero and averaged weights, only the end of a training has its
    full accuracy.
    """
    experiment, precision = task.resolved, _settle_precision(task)
    data = _whole_data(task)
    turns.take(precision=precision)
    for epochs in lengths(experiment.epochs):
        result = fit_fold(
            replace(experiment, epochs=epochs), 0, data, task.threads, lambda news: None, precision
        )
        seconds = sum(record["training_seconds"] for record in result.history)
        accuracy = score(data.labels[data.folds == 0], result.oof).accuracy
        turns.take(epochs=epochs, seconds=seconds, accuracy=accuracy)


def lengths(epochs: int) -> list[int]:
    """Return 1, 2, 4, ... and the experiment's own number of epochs."""
    doubled = [2**power for power in range(epochs.bit_length())]
    return [*(length for length in doubled if length < epochs), epochs]


def reach_by_epochs(task: Task, turns: Turns) -> None:
    """A turn is an epoch of one training."""
    experiment, precision = task.resolved, _settle_precision(task)
    data = _whole_data(task)
    seconds = 0.0
    turns.take(precision=precision)

    def report(news: dict[str, Any]) -> None:
        nonlocal seconds
        if "epoch" in news:
            seconds += news["training_seconds"]
            turns.take(epochs=news["epoch"], seconds=seconds, accuracy=news["held_out_accuracy"])

    # Learning curves usually use a part of the held-out images; here all of them count.
    everything = len(data.images)
    fit_fold(experiment, 0, data, task.threads, report, precision, curve_images=everything)


def _settle_precision(task: Task) -> str:
    configure(task.threads)
    precision = task.precision or task.resolved.precision
    return choose_precision(task.threads) if precision == "auto" else precision


def _whole_data(task: Task) -> FoldData:
    images, labels = task.load()
    folds = assign_folds(labels, task.resolved.folds, task.resolved.seed)
    return FoldData(images, labels, folds, images[:1])


def _and_one(array: np.ndarray) -> np.ndarray:
    return np.concatenate([array, array[:1]])
