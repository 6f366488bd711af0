"""The compiled programs of a graphics card: an epoch of training, and predictions.

In: an experiment, a Keras model of its network, and folds' states, stacked along a first axis. Out:
the states after the epoch and its means. What always holds: within a program nothing goes back to
the host, and each fold's result is what the fold alone would have given, except for the last bits.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import lax

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.learn.averaging import EVERY
from digit_recognizer.learn.gpu import augment
from digit_recognizer.learn.training import build_optimizer

_BATCH = 500  # of predictions


class State(NamedTuple):
    """All that training changes. Numbers lie in one row: a step then updates them all at once."""

    weights: Any  # what gradients move
    statistics: Any  # of batch normalisation
    seeds: list[Any]  # of dropout
    optimizer: list[Any]
    averages: tuple[Any, Any]  # of weights and statistics


class Share(NamedTuple):
    """What one fold trains on, as numbers of images."""

    training: Any  # filled up at the end to the length of the longest
    count: Any  # how many of them are to be shown
    curve: Any  # held-out images whose loss draws the curve
    watched: Any  # those that early stopping goes by; may be none


class Means(NamedTuple):
    """Loss and accuracy of an epoch, one of each a fold."""

    training: tuple[Any, Any]
    curve: tuple[Any, Any]
    watched: tuple[Any, Any]


class Program:
    """An experiment's training, compiled when first called for a number of folds."""

    def __init__(self, experiment: Experiment, model: Any, steps: int) -> None:
        self._experiment = experiment
        self._model = model
        self._steps = steps
        self._weights = _Row(model.trainable_variables)
        moving = [each for each in model.non_trainable_variables if _is_float(each)]
        self._statistics = _Row(moving)
        # Keras's optimizer, for one variable that holds every weight: what it does to a weight
        # depends on that weight alone.
        everything = keras.Variable(np.zeros(self._weights.length, np.float32))
        self._optimizer = build_optimizer(experiment)
        self._optimizer.build([everything])
        self._rate_at = next(
            at
            for at, variable in enumerate(self._optimizer.variables)
            if variable is self._optimizer._learning_rate
        )
        self._loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=experiment.label_smoothing
        )
        whole = (0, 0, 0, None, None, None, None, None)
        self.train_epoch = jax.jit(jax.vmap(self._train_epoch, whole), donate_argnums=0)
        self.predict = jax.jit(jax.vmap(self._predict, (0, 0, None, None)), static_argnums=(3,))

    def begin(self, model: Any) -> State:
        """Return the state in which a model is."""
        weights = self._weights.join([each.value for each in model.trainable_variables])
        others = model.non_trainable_variables
        statistics = self._statistics.join([each.value for each in others if _is_float(each)])
        return State(
            weights,
            statistics,
            [each.value for each in others if not _is_float(each)],
            [each.value for each in self._optimizer.variables],
            (weights, statistics),
        )

    def hand_over(self, weights: np.ndarray, statistics: np.ndarray, model: Any) -> None:
        """Give a model what was learnt."""
        for variable, value in zip(
            model.trainable_variables, self._weights.split(weights), strict=True
        ):
            variable.assign(value)
        moving = [each for each in model.non_trainable_variables if _is_float(each)]
        for variable, value in zip(moving, self._statistics.split(statistics), strict=True):
            variable.assign(value)

    def step(
        self, state: State, pixels: Any, labels: Any, rate: Any, number: Any
    ) -> tuple[State, tuple[Any, Any]]:
        """Return one fold's state after a batch, which is the training's `number`th, from 1."""
        targets = jax.nn.one_hot(labels, 10)

        def measure(weights: Any, seeds: list[Any]) -> tuple[Any, Any]:
            seen = state._replace(seeds=seeds)
            logits, statistics, seeds = self._call(weights, seen, pixels, training=True)
            return self._loss(targets, logits), (logits, statistics, seeds)

        differentiate = jax.value_and_grad(measure, has_aux=True)
        (loss, (logits, statistics, seeds)), gradients = differentiate(
            self._weights.split(state.weights), state.seeds
        )
        if radius := self._experiment.sharpness_radius:
            row = self._weights.join(gradients)
            worst = state.weights + row * radius / jnp.maximum(jnp.linalg.norm(row), 1e-12)
            # Other dropout, as on the processor; the statistics of the excursion do not stay.
            (_, (_, _, seeds)), gradients = differentiate(self._weights.split(worst), seeds)
        optimizer = list(state.optimizer)
        optimizer[self._rate_at] = rate
        (moved,), optimizer = self._optimizer.stateless_apply(
            optimizer, [self._weights.join(gradients)], [state.weights]
        )
        averages = self._follow(state.averages, (moved, statistics), number)
        accuracy = (logits.argmax(-1) == labels).mean()
        return State(moved, statistics, seeds, optimizer, averages), (loss, accuracy)

    def _follow(self, averages: tuple[Any, Any], learnt: tuple[Any, Any], number: Any) -> Any:
        """The same average as `WeightAverage` has."""
        if not self._experiment.average_decay:
            return averages
        updates = number // EVERY
        decay = jnp.minimum(self._experiment.average_decay**EVERY, (1 + updates) / (10 + updates))
        decay = jnp.where(number % EVERY, 1.0, decay)
        return jax.tree.map(lambda old, new: old * decay + new * (1 - decay), averages, learnt)

    def _call(self, weights: Any, state: State, pixels: Any, training: bool) -> Any:
        floats, seeds = iter(self._statistics.split(state.statistics)), iter(state.seeds)
        variables = self._model.non_trainable_variables
        others = [next(floats if _is_float(each) else seeds) for each in variables]
        logits, others = self._model.stateless_call(weights, others, pixels, training=training)
        pairs = list(zip(variables, others, strict=True))
        statistics = self._statistics.join([value for each, value in pairs if _is_float(each)])
        return logits, statistics, [value for each, value in pairs if not _is_float(each)]

    def _train_epoch(
        self,
        state: State,
        share: Share,
        key: Any,
        shown: Any,
        padded: Any,
        labels: Any,
        rates: Any,
        epoch: Any,
    ) -> tuple[State, Means]:
        size, steps = self._experiment.batch_size, self._steps
        order_key, draw_key = jax.random.split(jax.random.fold_in(key, epoch))
        shuffled = jax.random.uniform(order_key, share.training.shape)
        places = jnp.arange(len(share.training))
        order = share.training[jnp.argsort(jnp.where(places < share.count, shuffled, 2.0))]
        # The last batch is filled up with the first images.
        order = order[jnp.arange(steps * size) % share.count].reshape(steps, size)
        drawn = augment.draw(self._experiment.augmentation, steps * size, draw_key)
        drawn = jax.tree.map(lambda all_: all_.reshape(steps, size, *all_.shape[1:]), drawn)

        def step(state: State, given: Any) -> tuple[State, Any]:
            batch, draw, rate, number = given
            pixels = augment.move(shown, batch, draw)
            return self.step(state, pixels, labels[batch], rate, epoch * steps + number + 1)

        given = (order, drawn, rates, jnp.arange(steps))
        state, (losses, accuracies) = lax.scan(step, state, given)
        means = Means(
            (losses.mean(), accuracies.mean()),
            self._evaluate(state, padded, labels, share.curve),
            self._evaluate(state, padded, labels, share.watched),
        )
        return state, means

    def _evaluate(self, state: State, padded: Any, labels: Any, which: Any) -> tuple[Any, Any]:
        """Return log loss and accuracy, without test-time shifts and weight average."""
        if not len(which):
            return jnp.nan, jnp.nan
        probabilities = self._predict(state, which, padded, ((0, 0),))
        own = jnp.take_along_axis(probabilities, labels[which][:, None], axis=1)
        loss = -jnp.log(jnp.maximum(own, jnp.finfo(jnp.float32).tiny)).mean()
        return loss, (probabilities.argmax(-1) == labels[which]).mean()

    def _predict(self, state: State, which: Any, padded: Any, moves: tuple[Any, ...]) -> Any:
        """Return probabilities of the images that are numbered: means over so many moves."""
        count = len(which)
        if not count:  # a search has no test images
            return jnp.zeros((0, 10))
        parts = -(-count // _BATCH)
        which = jnp.resize(which, (parts, -(-count // parts)))
        weights = self._weights.split(state.weights)

        def predict(part: Any) -> Any:
            total = jnp.zeros((len(part), 10))
            for down, right in moves:
                pixels = augment.shift(padded, part, down, right)
                logits, _, _ = self._call(weights, state, pixels, training=False)
                total += jax.nn.softmax(logits)
            return total / len(moves)

        return lax.map(predict, which).reshape(-1, 10)[:count]


class _Row:
    """Variables' values, one after the other in one row."""

    def __init__(self, variables: Sequence[Any]) -> None:
        self._shapes = [tuple(each.shape) for each in variables]
        self._ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes]).tolist()
        self.length = self._ends[-1] if self._ends else 0

    def join(self, values: Sequence[Any]) -> Any:
        if not self._shapes:
            return jnp.zeros(0, jnp.float32)
        return jnp.concatenate([jnp.ravel(value) for value in values])

    def split(self, row: Any) -> list[Any]:
        starts = [0, *self._ends][:-1]
        return [
            row[start:end].reshape(shape)
            for start, end, shape in zip(starts, self._ends, self._shapes, strict=True)
        ]


def _is_float(variable: Any) -> bool:
    return str(variable.dtype).startswith("float")
