"""The same network trained by stock Keras: its own layers, `compile` and `fit`.

In: tasks. Out: turns. What always holds: this process does not call `learn.backend.configure`, so
none of our settings slow it down (deterministic operations would make XLA unusable); images are
neither augmented nor converted while it is timed.
"""

import time
from typing import Any

import numpy as np

from digit_recognizer.bench.layers import stock_class
from digit_recognizer.bench.turns import Task, Turns
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.learn.models import build_model
from digit_recognizer.learn.prediction import as_input

_FOR_EVER = 10_000  # epochs: the process ends when no more turns are ordered
_BATCH = 500  # for predictions, as in ours; Keras's default of 32 is slower
_EXAMPLE_BATCH, _EXAMPLE_EPOCHS = 128, 15


def train(task: Task, turns: Turns, jit_compile: str | bool = "auto") -> None:
    """A turn is an epoch of the task's images, after one that warms up by compiling."""
    model = _compile(task.resolved, jit_compile)
    images, labels = task.load()

    def end_epoch(epoch: int, seconds: float) -> None:
        turns.take(**({} if epoch else {"xla": model.jit_compile}))

    model.fit(
        as_input(images),
        labels,
        batch_size=task.resolved.batch_size,
        epochs=_FOR_EVER,
        verbose=0,
        callbacks=[_timing(end_epoch)],
    )


def train_with_xla(task: Task, turns: Turns) -> None:
    train(task, turns, jit_compile=True)


def predict(task: Task, turns: Turns, jit_compile: str | bool = "auto") -> None:
    model = _compile(task.resolved, jit_compile)
    images = as_input(task.load()[0])

    def predict_all() -> None:
        model.predict(images, batch_size=_BATCH, verbose=0)

    predict_all()
    turns.take(xla=model.jit_compile)
    while True:
        predict_all()
        turns.take()


def predict_with_xla(task: Task, turns: Turns) -> None:
    predict(task, turns, jit_compile=True)


def reach_by_epochs(task: Task, turns: Turns) -> None:
    """Train Keras's MNIST example unchanged; a turn is an epoch."""
    import keras
    from keras import layers

    images, labels = task.load()
    held_out = assign_folds(labels, task.resolved.folds, task.resolved.seed) == 0
    images = as_input(images) / 255
    keras.utils.set_random_seed(task.resolved.seed)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    spent = 0.0
    turns.take()

    def end_epoch(epoch: int, seconds: float) -> None:
        nonlocal spent
        spent += seconds
        predicted = model.predict(images[held_out], batch_size=_BATCH, verbose=0).argmax(axis=1)
        accuracy = float(np.mean(predicted == labels[held_out]))
        turns.take(epochs=epoch + 1, seconds=spent, accuracy=accuracy)

    model.fit(
        images[~held_out],
        labels[~held_out],
        batch_size=_EXAMPLE_BATCH,
        epochs=_EXAMPLE_EPOCHS,
        verbose=0,
        callbacks=[_timing(end_epoch)],
    )


def restock(model: Any) -> Any:
    """Return a new copy of the network that has only Keras's own layers."""
    import keras

    def clone(layer: Any) -> Any:
        return stock_class(layer).from_config(layer.get_config())  # type: ignore[attr-defined]

    return keras.models.clone_model(model, clone_function=clone)


def _compile(experiment: Experiment, jit_compile: str | bool) -> Any:
    import keras

    model = restock(build_model(experiment))
    model.compile(
        optimizer=experiment.optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )
    return model


def _timing(end_epoch: Any) -> Any:
    """Return a callback that reports the seconds of each epoch."""
    from keras.callbacks import Callback

    class Timing(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self._started = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            end_epoch(epoch, time.perf_counter() - self._started)

    return Timing()
