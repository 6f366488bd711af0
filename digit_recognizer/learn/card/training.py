"""Train several folds of an experiment side by side on a card.

In: an experiment, the data, the numbers of the folds to hold out. Out: a `FoldResult` of each. What
always holds is what `learn/training.py` says; this is the same training for another machine.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.learn.averaging import EVERY
from digit_recognizer.learn.card import augment
from digit_recognizer.learn.card.program import Means, Program, Share, State
from digit_recognizer.learn.models import build_model
from digit_recognizer.learn.prediction import list_moves
from digit_recognizer.learn.schedule import learning_rate
from digit_recognizer.learn.training import CURVE_IMAGES, FoldData, hold_out_for_stopping


class Stack:
    """Folds of one experiment in training, all at the same epoch."""

    def __init__(
        self, experiment: Experiment, folds: Sequence[int], data: FoldData, precision: str
    ) -> None:
        self.experiment = experiment
        self._padded = jnp.asarray(augment.pad(data.images))
        self._labels = jnp.asarray(data.labels.astype(np.int32))
        self._padded_test = jnp.asarray(augment.pad(data.test_images))
        self.images_of_test = len(data.test_images)
        shares, keys, models, self.held_out = [], [], [], []
        for fold in folds:
            seeds = np.random.SeedSequence([experiment.seed, fold])
            seed = int(seeds.generate_state(1)[0])
            keras.utils.set_random_seed(seed)
            keys.append(jax.random.key(seed))
            models.append(build_model(experiment, precision))
            held_out = data.folds == fold
            generator = np.random.default_rng(seeds)
            training, watched = hold_out_for_stopping(
                experiment, np.flatnonzero(~held_out), generator
            )
            self.held_out.append(np.flatnonzero(held_out))
            shares.append((training, self.held_out[-1][:CURVE_IMAGES], watched))
        self.counts = [len(training) for training, _, _ in shares]
        self._steps = -(-max(self.counts) // experiment.batch_size)
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

    def train_epoch(self, epoch: int) -> Means:
        """Return the means of the epoch, still on the card."""
        steps = range(self._steps)
        rates = [learning_rate(self.experiment, epoch, step, self._steps) for step in steps]
        self.state, means = self.program.train_epoch(
            self.state,
            self._share,
            self._keys,
            self._padded,
            self._labels,
            jnp.asarray(rates, jnp.float32),
            epoch,
        )
        return means

    def predict(self) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the probabilities of each fold's held-out images, and of the test images."""
        state = self.state
        if self.experiment.average_decay and self.experiment.epochs * self._steps >= EVERY:
            weights, statistics = state.averages
            state = state._replace(weights=weights, statistics=statistics)
        moves = tuple(list_moves(self.experiment.test_shift))
        own = self.program.predict(state, _to_same_length(self.held_out), self._padded, moves)
        every = jnp.tile(jnp.arange(self.images_of_test), (len(self.held_out), 1))
        test = self.program.predict(state, every, self._padded_test, moves)
        cut = [
            each[: len(images)] for each, images in zip(np.asarray(own), self.held_out, strict=True)
        ]
        return cut, np.asarray(test)


def _stack(states: list[State]) -> Any:
    return jax.tree.map(lambda *values: jnp.stack(values), *states)


def _to_same_length(parts: list[np.ndarray]) -> Any:
    """Return lists of numbers as one array, the shorter ones filled up from their beginnings."""
    longest = max(len(part) for part in parts)
    return jnp.asarray(np.stack([np.resize(part, longest) for part in parts]).astype(np.int32))
