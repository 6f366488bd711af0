"""Train several folds of an experiment side by side on a graphics card.

In: an experiment, the data, the numbers of the folds to hold out. Out: a `FoldResult` of each. What
always holds is the same as in `learn/training.py`; besides, a fold's result does not depend on
which folds are trained beside it, except for the last bits.
"""

import statistics
import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.faults import fault_point
from digit_recognizer.learn.averaging import EVERY
from digit_recognizer.learn.backend import describe_device
from digit_recognizer.learn.gpu import augment
from digit_recognizer.learn.gpu.program import Means, Program, Share, State
from digit_recognizer.learn.models import prepare_for_training
from digit_recognizer.learn.prediction import list_moves
from digit_recognizer.learn.schedule import learning_rate
from digit_recognizer.learn.training import (
    CURVE_IMAGES,
    FoldData,
    Report,
    build_or_explain,
    describe_part,
    hold_out_for_stopping,
    require_finite,
    seconds_of,
)
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


def fit_folds(
    experiment: Experiment,
    folds: Sequence[int],
    data: FoldData,
    threads: int,
    reports: Sequence[Report],
    precision: str = "float32",
    curve_images: int | None = None,
    checkpoints: Sequence[Checkpoint | None] = (),
) -> list[FoldResult]:
    """Train the folds and return their results, in the same order.

    Checkpoints, where there are some, are all of the same epoch.
    """
    started = time.perf_counter()
    stack = Stack(experiment, folds, data, precision, curve_images or CURVE_IMAGES)
    histories: list[list[dict[str, float]]] = [[] for _ in folds]
    earlier: list[list[dict[str, Any]]] = [[] for _ in folds]
    stopper = _Stopper(experiment.patience, stack.state, len(folds))
    places = [each for each in checkpoints if each]
    saved = [each for checkpoint in places if (each := checkpoint.load())]
    problems: list[str | None] = [None for _ in folds]
    timer = SaveTimer()
    if saved:
        _continue(stack, stopper, saved, places, reports)
        histories = [each.values["history"] for each in saved]
        earlier = [each.values["parts"] for each in saved]
    first = saved[0].epochs if saved else 0
    for epoch in range(first, experiment.epochs):
        epoch_started = time.perf_counter()
        means = jax.tree.map(np.asarray, stack.train_epoch(epoch))
        seconds = time.perf_counter() - epoch_started
        for place, fold in enumerate(folds):
            if stopper.is_over[place]:
                continue
            require_finite(experiment, fold, means.training[0][place])
            record = {
                "epoch": epoch + 1,
                "learning_rate": stack.rate_at_end_of(epoch),
                **_name("", means.training, place),
                **_name("held_out_", means.curve, place),
                "training_seconds": seconds / len(folds),
            }
            if experiment.patience:
                record |= _name("watched_", means.watched, place)
            histories[place].append(record)
            reports[place]({"images": stack.counts[place], "epochs": experiment.epochs, **record})
        fault_point("epoch")
        if experiment.patience and stopper.end_after(stack.state, means.watched[0]):
            break
        if places and epoch + 1 < experiment.epochs and timer.is_over():
            part = describe_part(epoch + 1, started, threads, "jax")
            part["seconds"] /= len(folds)
            values = [
                {
                    "epochs": epoch + 1,
                    "precision": precision,
                    "history": histories[place],
                    "parts": [*earlier[place], part],
                }
                for place in range(len(folds))
            ]
            problems = _save(stack, stopper, values, places)
            timer.restart()
    if experiment.patience:
        stack.state = stopper.best
    trained = time.perf_counter()
    own, test = stack.predict()
    weights = stack.pack_weights()
    ended = time.perf_counter()
    results = []
    for place, fold in enumerate(folds):
        history = histories[place]
        before = seconds_of(earlier[place])
        require_finite(experiment, fold, own[place], test[place])
        reports[place]({"done": True})
        results.append(
            FoldResult(
                fold=fold,
                weights=weights[place],
                oof=own[place],
                test=test[place],
                history=history,
                facts={
                    "images_trained": stack.counts[place] * len(history),
                    # Each fold's share, so that the folds' sum is the time that all took.
                    "training_seconds": round(before + (trained - started) / len(folds), 3),
                    "seconds": round(before + (ended - started) / len(folds), 3),
                    **({"earlier_parts": earlier[place]} if earlier[place] else {}),
                    **({"checkpoint_problem": problems[place]} if problems[place] else {}),
                    "folds_side_by_side": len(folds),
                    "compiling_seconds": round(_compiling_seconds(history) * len(folds), 3),
                    "device": describe_device(),
                    "precision": precision,
                    "environment": describe_environment(threads, "jax"),
                },
            )
        )
    return results


def _continue(
    stack: "Stack",
    stopper: "_Stopper",
    saved: list[Saved],
    checkpoints: list[Checkpoint],
    reports: Sequence[Report],
) -> None:
    """Bring the stack to where its folds' checkpoints are."""
    stack.state = _restore(stack.state, saved, checkpoints, "state")
    if stack.experiment.patience:
        stopper.restore(saved, _restore(stopper.best, saved, checkpoints, "best"))
    for report, each, count in zip(reports, saved, stack.counts, strict=True):
        restored = count * each.epochs
        news = {"images": restored, "restored": restored, "epochs": stack.experiment.epochs}
        report({**news, **each.values["history"][-1]})


def _save(
    stack: "Stack",
    stopper: "_Stopper",
    values: list[dict[str, Any]],
    checkpoints: list[Checkpoint],
) -> list[str | None]:
    """Write a checkpoint of each fold; return what kept one from being written."""
    problems = []
    has_best = stack.experiment.patience > 0
    state, best = jax.device_get((stack.state, stopper.best if has_best else None))
    for place, checkpoint in enumerate(checkpoints):
        arrays = _arrays_of(state, place, "state")
        if has_best:
            arrays |= _arrays_of(best, place, "best")
            values[place] |= stopper.values_of(place)
        problems.append(checkpoint.save(Saved(values[place], arrays)))
    return problems


def _arrays_of(state: State, place: int, group: str) -> dict[str, np.ndarray]:
    """Return one fold's part of the state, as a checkpoint holds it."""
    return numbered(group, [np.asarray(leaf[place]) for leaf in jax.tree.leaves(state)])


def _restore(state: State, saved: list[Saved], checkpoints: list[Checkpoint], group: str) -> State:
    """Return a state of this form with what was saved of each fold."""
    leaves, form = jax.tree.flatten(state)
    own = [each.arrays_of(group) for each in saved]
    for arrays, checkpoint in zip(own, checkpoints, strict=True):
        require_fitting(arrays, [leaf[0] for leaf in leaves], checkpoint)
    restored: State = jax.tree.unflatten(
        form, [jnp.stack(parts) for parts in zip(*own, strict=True)]
    )
    return restored


def _name(prefix: str, loss_and_accuracy: tuple[Any, Any], place: int) -> dict[str, float]:
    loss, accuracy = (float(each[place]) for each in loss_and_accuracy)
    return {f"{prefix}loss": loss, f"{prefix}accuracy": accuracy}


def _compiling_seconds(history: list[dict[str, float]]) -> float:
    """Return how much longer the first epoch took, which is when the program is compiled."""
    first, *others = (record["training_seconds"] for record in history)
    return max(0.0, first - statistics.median(others)) if others else 0.0


class _Stopper:
    """Early stopping, for each fold of a stack on its own."""

    def __init__(self, patience: int, state: State, folds: int) -> None:
        self._patience = patience
        self._best_loss = np.full(folds, np.inf)
        self._waited = np.zeros(folds, int)
        self.is_over = np.zeros(folds, bool)
        # A copy: the next epoch reuses the memory of the state that it is given.
        self.best: State = jax.tree.map(jnp.copy, state) if patience else state

    def end_after(self, state: State, losses: np.ndarray) -> bool:
        """Note the epoch's losses and the states that are the best so far; say if all are over."""
        better = ~self.is_over & (losses < self._best_loss)
        self._best_loss = np.where(better, losses, self._best_loss)
        self._waited = np.where(better, 0, self._waited + 1)
        self.best = _choose(jnp.asarray(better), state, self.best)
        self.is_over |= self._waited >= self._patience
        return bool(self.is_over.all())

    def values_of(self, place: int) -> dict[str, Any]:
        """Return what a checkpoint holds of one fold, besides its best state."""
        return {
            "best_loss": float(self._best_loss[place]),
            "waited": int(self._waited[place]),
            "is_over": bool(self.is_over[place]),
        }

    def restore(self, saved: list[Saved], best: State) -> None:
        self._best_loss = np.array([each.values["best_loss"] for each in saved])
        self._waited = np.array([each.values["waited"] for each in saved])
        self.is_over = np.array([each.values["is_over"] for each in saved])
        self.best = best


@jax.jit
def _choose(which: Any, new: State, old: State) -> State:
    def choose(new: Any, old: Any) -> Any:
        return jnp.where(which.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    chosen: State = jax.tree.map(choose, new, old)
    return chosen


class Stack:
    """Folds of one experiment in training, all at the same epoch."""

    def __init__(
        self,
        experiment: Experiment,
        folds: Sequence[int],
        data: FoldData,
        precision: str,
        curve_images: int = CURVE_IMAGES,
    ) -> None:
        self.experiment = experiment
        self._padded = self._shown = jnp.asarray(augment.pad(data.images))
        shown = prepare_for_training(experiment, data.images)
        if shown is not data.images:  # otherwise the card holds them once
            self._shown = jnp.asarray(augment.pad(shown))
        self._labels = jnp.asarray(data.labels.astype(np.int32))
        self._padded_test = jnp.asarray(augment.pad(data.test_images))
        self.images_of_test = len(data.test_images)
        shares, keys, models, self.held_out = [], [], [], []
        for fold in folds:
            seeds = np.random.SeedSequence([experiment.seed, fold])
            seed = int(seeds.generate_state(1)[0])
            keras.utils.set_random_seed(seed)
            keys.append(jax.random.key(seed))
            models.append(build_or_explain(experiment, precision))
            held_out = data.folds == fold
            generator = np.random.default_rng(seeds)
            training, watched = hold_out_for_stopping(
                experiment, np.flatnonzero(~held_out), generator
            )
            self.held_out.append(np.flatnonzero(held_out))
            shares.append((training, self.held_out[-1][:curve_images], watched))
        self.counts = [len(training) for training, _, _ in shares]
        # As many as the largest of all folds needs, whichever are in this stack.
        held_back = experiment.patience > 0
        most = len(data.folds) - int(np.bincount(data.folds).min())
        most -= max(1, most // 10) if held_back else 0
        self._steps = -(-most // experiment.batch_size)
        self.model = models[0]
        self.program = Program(experiment, self.model, self._steps)
        self.state: State = _stack([self.program.begin(model) for model in models])
        self._share = Share(
            _to_same_length([training for training, _, _ in shares]),
            jnp.asarray(self.counts),
            _to_same_length([curve for _, curve, _ in shares]),
            _to_same_length([watched for _, _, watched in shares]),
        )
        self._keys = jnp.stack(keys)

    def rate_at_end_of(self, epoch: int) -> float:
        return learning_rate(self.experiment, epoch, self._steps - 1, self._steps)

    def train_epoch(self, epoch: int) -> Means:
        """Return the means of the epoch, still on the device."""
        steps = range(self._steps)
        rates = [learning_rate(self.experiment, epoch, step, self._steps) for step in steps]
        self.state, means = self.program.train_epoch(
            self.state,
            self._share,
            self._keys,
            self._shown,
            self._padded,
            self._labels,
            jnp.asarray(rates, jnp.float32),
            epoch,
        )
        return means

    def predict(self) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the probabilities of each fold's held-out images, and of the test images."""
        weights, moving = self._learnt()
        state = self.state._replace(weights=weights, statistics=moving)
        moves = tuple(list_moves(self.experiment.test_shift))
        own = self.program.predict(state, _to_same_length(self.held_out), self._padded, moves)
        every = jnp.tile(jnp.arange(self.images_of_test), (len(self.held_out), 1))
        test = self.program.predict(state, every, self._padded_test, moves)
        cut = [
            each[: len(images)] for each, images in zip(np.asarray(own), self.held_out, strict=True)
        ]
        return cut, np.asarray(test)

    def pack_weights(self) -> list[bytes]:
        """Return each fold's weights as Keras saves them, whichever backend loads them."""
        packed = []
        for weights, moving in zip(*map(np.asarray, self._learnt()), strict=True):
            self.program.hand_over(weights, moving, self.model)
            packed.append(weights_of(self.model))
        return packed

    def _learnt(self) -> tuple[Any, Any]:
        """Return what counts in the end: the averages, where there are some."""
        if self.experiment.average_decay and self.experiment.epochs * self._steps >= EVERY:
            return self.state.averages
        return self.state.weights, self.state.statistics


def _stack(states: list[State]) -> Any:
    return jax.tree.map(lambda *values: jnp.stack(values), *states)


def _to_same_length(parts: list[np.ndarray]) -> Any:
    """Return lists of numbers as one array, the shorter ones filled up from their beginnings."""
    longest = max(len(part) for part in parts)
    return jnp.asarray(np.stack([np.resize(part, longest) for part in parts]).astype(np.int32))
