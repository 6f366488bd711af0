"""Train one fold.

In: an experiment, the data, the number of the fold to hold out, the place for its checkpoint. Out:
a `FoldResult`, all in memory; the caller writes it. What always holds: the held-out fold is only
ever predicted, never learnt from and never used to choose, everything random follows from the
experiment's seed and the fold, and a training that continues from its checkpoint ends with the
same bits as one that was never stopped.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.faults import fault_point
from digit_recognizer.learn.augment import augment
from digit_recognizer.learn.averaging import WeightAverage
from digit_recognizer.learn.backend import Step, choose_step, configure, describe_device
from digit_recognizer.learn.models import build_model, prepare_for_training
from digit_recognizer.learn.prediction import as_input, predict_probabilities
from digit_recognizer.learn.schedule import learning_rate
from digit_recognizer.learn.weights import weights_of
from digit_recognizer.runs.checkpoint import (
    Checkpoint,
    Saved,
    SaveTimer,
    numbered,
    require_fitting,
)
from digit_recognizer.runs.environment import describe_environment
from digit_recognizer.runs.folder import FoldResult
from digit_recognizer.workspace import ProjectError, first_line

# For the learning curve only: enough held-out images to see its shape, few enough to cost nothing.
CURVE_IMAGES = 2_000

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class FoldData:
    """What training is given: all labelled images, the fold of each, and the test part."""

    images: np.ndarray
    labels: np.ndarray
    folds: np.ndarray
    test_images: np.ndarray


def fit_fold(
    experiment: Experiment,
    fold: int,
    data: FoldData,
    threads: int,
    report: Report,
    precision: str = "float32",
    curve_images: int | None = None,
    checkpoint: Checkpoint | None = None,
) -> FoldResult:
    configure(threads)
    import keras

    started = time.perf_counter()
    seeds = np.random.SeedSequence([experiment.seed, fold])
    keras.backend.clear_session()
    keras.utils.set_random_seed(int(seeds.generate_state(1)[0]))
    generator = np.random.default_rng(seeds)

    held_out = data.folds == fold
    training, watched = hold_out_for_stopping(experiment, np.flatnonzero(~held_out), generator)
    model = build_or_explain(experiment, precision)
    compile_for_training(model, experiment)
    train = choose_step(model, experiment.sharpness_radius)
    shown = replace(data, images=prepare_for_training(experiment, data.images))
    average = WeightAverage(model, experiment.average_decay) if experiment.average_decay else None
    stopper = _Stopper(experiment.patience)
    curve = np.flatnonzero(held_out)[: curve_images or CURVE_IMAGES]

    training_state = _State(model, generator, average, stopper)
    timer = SaveTimer()
    history: list[dict[str, float]] = []
    earlier: list[dict[str, Any]] = []
    problem: str | None = None
    if checkpoint and (saved := checkpoint.load()):
        training_state.restore(saved, checkpoint)
        history, earlier = saved.values["history"], saved.values["parts"]
        report(_describe_restored(saved, len(training), experiment))
    for epoch in range(len(history), experiment.epochs):
        epoch_started = time.perf_counter()
        loss, accuracy = _train_epoch(
            model, train, experiment, shown, training, epoch, generator, average, report
        )
        require_finite(experiment, fold, loss)
        training_seconds = time.perf_counter() - epoch_started
        curve_loss, curve_accuracy = _evaluate(model, data, curve)
        record = {
            "epoch": epoch + 1,
            "learning_rate": float(np.asarray(model.optimizer.learning_rate)),
            "loss": loss,
            "accuracy": accuracy,
            "held_out_loss": curve_loss,
            "held_out_accuracy": curve_accuracy,
            "training_seconds": training_seconds,
        }
        if len(watched):
            record["watched_loss"], record["watched_accuracy"] = _evaluate(model, data, watched)
        history.append(record)
        report({"epoch": epoch + 1, "epochs": experiment.epochs, **record})
        fault_point("epoch")
        if len(watched) and stopper.is_over(record["watched_loss"], model):
            break
        if checkpoint and epoch + 1 < experiment.epochs and timer.is_over():
            values = {
                "epochs": epoch + 1,
                "precision": precision,
                "history": history,
                "parts": [*earlier, describe_part(epoch + 1, started, threads)],
            }
            problem = checkpoint.save(training_state.collect(values))
            timer.restart()
    stopper.restore_best(model)
    if average:
        average.apply()
    trained = time.perf_counter()
    oof = predict_probabilities(model, data.images[held_out], experiment.test_shift)
    test = predict_probabilities(model, data.test_images, experiment.test_shift)
    require_finite(experiment, fold, oof, test)
    report({"done": True})
    return FoldResult(
        fold=fold,
        weights=weights_of(model),
        oof=oof,
        test=test,
        history=history,
        facts={
            "images_trained": len(training) * len(history),
            "training_seconds": round(seconds_of(earlier) + trained - started, 3),
            "seconds": round(seconds_of(earlier) + time.perf_counter() - started, 3),
            **({"earlier_parts": earlier} if earlier else {}),
            **({"checkpoint_problem": problem} if problem else {}),
            "device": describe_device(),
            "precision": precision,
            "environment": describe_environment(threads),
        },
    )


def _describe_restored(saved: Saved, images: int, experiment: Experiment) -> dict[str, Any]:
    restored = images * saved.epochs
    news = {"images": restored, "restored": restored, "epochs": experiment.epochs}
    return {**news, **saved.values["history"][-1]}


def describe_part(
    epochs: int, started: float, threads: int, backend: str | None = None
) -> dict[str, Any]:
    """Return what goes on record of a training up to a checkpoint, in case it is stopped."""
    return {
        "up_to_epoch": epochs,
        "seconds": round(time.perf_counter() - started, 3),
        "environment": describe_environment(threads, backend),
    }


def seconds_of(parts: list[dict[str, Any]]) -> float:
    """Return how long the parts of a training took that were ended by a stop."""
    return float(sum(part["seconds"] for part in parts))


def require_finite(experiment: Experiment, fold: int, *values: float | np.ndarray) -> None:
    if not all(np.isfinite(value).all() for value in values):
        raise ProjectError(
            f"{experiment.name} fold {fold}: the training has diverged, there are values that are "
            "not finite. Nothing of this fold was kept. Lower the learning_rate."
        )


def compile_for_training(model: Any, experiment: Experiment) -> None:
    import keras

    model.compile(
        optimizer=build_optimizer(experiment),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=experiment.label_smoothing
        ),
        metrics=["accuracy"],
        jit_compile=False,  # XLA's convolutions are several times slower on CPU than oneDNN's
    )


def build_or_explain(experiment: Experiment, precision: str) -> Any:
    try:
        return build_model(experiment, precision)
    except ValueError as error:
        problem = first_line(error)
        raise ProjectError(f"{experiment.name}: no such network can be built: {problem}") from error


def _train_epoch(
    model: Any,
    train: Step,
    experiment: Experiment,
    data: FoldData,
    training: np.ndarray,
    epoch: int,
    generator: np.random.Generator,
    average: WeightAverage | None,
    report: Report,
) -> tuple[float, float]:
    """Show the model every training image once; return mean loss and accuracy on the way."""
    one_hot = np.eye(10, dtype=np.float32)
    steps = -(-len(training) // experiment.batch_size)
    seen, loss, correct = 0, 0.0, 0.0
    for step, batch in enumerate(_shuffled_batches(training, experiment.batch_size, generator)):
        model.optimizer.learning_rate = learning_rate(experiment, epoch, step, steps)
        images = augment(as_input(data.images[batch]), experiment.augmentation, generator)
        batch_loss, batch_accuracy = train(images, one_hot[data.labels[batch]])
        if average:
            average.update()
        seen += len(batch)
        loss += batch_loss * len(batch)
        correct += batch_accuracy * len(batch)
        report({"images": len(batch)})
        fault_point("batch")
    return loss / seen, correct / seen


def _shuffled_batches(
    indices: np.ndarray, size: int, generator: np.random.Generator
) -> Iterator[np.ndarray]:
    order = generator.permutation(indices)
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _evaluate(model: Any, data: FoldData, indices: np.ndarray) -> tuple[float, float]:
    """Return log loss and accuracy, without test-time shifts and weight average."""
    from digit_recognizer.scores import log_loss, score

    probabilities = predict_probabilities(model, data.images[indices], 0)
    labels = data.labels[indices]
    return log_loss(labels, probabilities), score(labels, probabilities).accuracy


def hold_out_for_stopping(
    experiment: Experiment, training: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a tenth off the training part for early stopping to watch, where that is on."""
    if not experiment.patience:
        return training, training[:0]
    order = generator.permutation(training)
    count = max(1, len(order) // 10)
    return order[count:], order[:count]


class _Stopper:
    """Remembers the best weights so far, and says when nothing better has come for long enough."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self.waited = 0
        self.best_loss = np.inf
        self.best_weights: list[np.ndarray] = []

    def is_over(self, loss: float, model: Any) -> bool:
        if loss < self.best_loss:
            self.best_loss, self.best_weights, self.waited = loss, model.get_weights(), 0
        else:
            self.waited += 1
        return self.waited >= self._patience

    def restore_best(self, model: Any) -> None:
        if self.best_weights:
            model.set_weights(self.best_weights)


@dataclass(frozen=True)
class _State:
    """All that training changes, as a checkpoint holds it."""

    model: Any
    generator: np.random.Generator
    average: WeightAverage | None
    stopper: _Stopper

    def collect(self, values: dict[str, Any]) -> Saved:
        from keras import ops

        arrays = {
            # Dropout's random state is among the model's variables.
            **numbered("model", [ops.convert_to_numpy(v) for v in self.model.variables]),
            **numbered("optimizer", [ops.convert_to_numpy(v) for v in self._optimizer_variables]),
            **numbered("best", self.stopper.best_weights),
        }
        values = {**values, "generator": self.generator.bit_generator.state}
        if self.average:
            arrays |= numbered("average", self.average.averages)
            values["averaged_steps"] = self.average.steps
        if self.stopper.best_weights:
            values |= {"best_loss": self.stopper.best_loss, "waited": self.stopper.waited}
        return Saved(values, arrays)

    def restore(self, saved: Saved, checkpoint: Checkpoint) -> None:
        for group, variables in (
            ("model", self.model.variables),
            ("optimizer", self._optimizer_variables),
        ):
            arrays = saved.arrays_of(group)
            require_fitting(arrays, variables, checkpoint)
            for variable, array in zip(variables, arrays, strict=True):
                variable.assign(array)
        self.generator.bit_generator.state = saved.values["generator"]
        if self.average:
            averages = saved.arrays_of("average")
            require_fitting(averages, self.average.averages, checkpoint)
            self.average.averages, self.average.steps = averages, saved.values["averaged_steps"]
        if best := saved.arrays_of("best"):
            self.stopper.best_weights = best
            self.stopper.best_loss = saved.values["best_loss"]
            self.stopper.waited = saved.values["waited"]

    @property
    def _optimizer_variables(self) -> list[Any]:
        if not self.model.optimizer.built:  # before the first step
            self.model.optimizer.build(self.model.trainable_variables)
        variables: list[Any] = self.model.optimizer.variables
        return variables


def build_optimizer(experiment: Experiment) -> Any:
    from keras import optimizers

    if experiment.optimizer == "adamw":
        return optimizers.AdamW(experiment.learning_rate, weight_decay=experiment.weight_decay)
    return optimizers.Adam(experiment.learning_rate)
