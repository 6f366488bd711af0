"""The networks that were not trained on an image, as one function of its pixels.

In: complete runs and, for each, the fold that held the image out. Out: probabilities, the log-odds
of a digit, and their gradient. What always holds: the probabilities are those of the blend, which
averages over shifted images and over experiments. Everything is computed in float32, whatever the
training used: in a map of small differences, rounding would be visible.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.learn.backend import configure, differentiate
from digit_recognizer.learn.models import build_model
from digit_recognizer.learn.prediction import as_input
from digit_recognizer.learn.weights import load_model
from digit_recognizer.runs.folder import Run

# Subtracted from a log-probability to remove it from a sum; larger than any finite one.
_NEVER = 1e9
_BATCH = 256


class HeldOutNetworks:
    """One network of each run; `use_folds` loads the weights of the chosen folds.

    The graph stays the same, so TensorFlow traces it only once, which takes most of the time.
    """

    def __init__(self, runs: list[Run], threads: int) -> None:
        configure(threads)
        from keras import Input, Model, layers

        self._runs, self._threads = runs, threads
        self._networks = [build_model(run.experiment) for run in runs]
        pixels = Input((28, 28, 1))
        pooled = _pool_votes(pixels, self._networks, [run.experiment for run in runs])
        self._choice = layers.Dense(1, use_bias=False, trainable=False)
        self._log_probabilities = Model(pixels, pooled)
        self.model = Model(pixels, self._choice(_log_odds(pooled)))
        self._gradients = differentiate(self.model)

    def use_folds(self, folds: tuple[int, ...]) -> None:
        """Use the networks of these folds, one for each run."""
        for run, network, fold in zip(self._runs, self._networks, folds, strict=True):
            trained = load_model(run.experiment, run.read_weights(fold), self._threads)
            network.set_weights(trained.get_weights())

    def use_random_weights(self, seed: int) -> None:
        """Use untrained networks: random weights, as before training."""
        from keras import utils

        utils.set_random_seed(seed)
        for run, network in zip(self._runs, self._networks, strict=True):
            network.set_weights(build_model(run.experiment).get_weights())

    def recognize(self, images: np.ndarray) -> np.ndarray:
        """Return (n, 10) probabilities of images (n, 28, 28)."""
        return np.exp(_in_batches(self._log_probabilities.predict_on_batch, images))

    def choose_digit(self, digit: int) -> None:
        """From now on `odds`, `gradients` and `model` are about this digit."""
        self._choice.set_weights([np.eye(10, dtype=np.float32)[:, [digit]]])

    def odds(self, images: np.ndarray) -> np.ndarray:
        """Return the log-odds of the digit for n images."""
        return _in_batches(self.model.predict_on_batch, images)[:, 0]

    def gradients(self, images: np.ndarray) -> np.ndarray:
        """Return (n, 28, 28): how much each pixel changes the log-odds of the digit."""
        return _in_batches(self._gradients, images)[..., 0]


def _in_batches(ask: Callable[[np.ndarray], Any], images: np.ndarray) -> np.ndarray:
    parts = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
    return np.concatenate([np.asarray(ask(as_input(part))) for part in parts])


def _pool_votes(pixels: Any, networks: list[Any], experiments: list[Experiment]) -> Any:
    """Return the logarithm of the mean probabilities, each network's averaged over its shifts.

    All in logarithms: for a confident network, 1 - p is 0 in float32 and has no gradient.
    """
    from keras import ops

    votes = []
    for network, experiment in zip(networks, experiments, strict=True):
        shift = experiment.test_shift
        moves = (0, shift, -shift) if shift else (0,)
        share = np.log(len(networks) * len(moves)).astype(np.float32)
        votes += [ops.log_softmax(network(_move(pixels, by))) - share for by in moves]
    return ops.logsumexp(ops.stack(votes), axis=0)


def _move(pixels: Any, by: int) -> Any:
    """Move images down and right by `by` pixels; the new pixels at the edge are empty."""
    from keras import layers

    if not by:
        return pixels
    before, after = max(by, 0), max(-by, 0)
    padded = layers.ZeroPadding2D(((before, after), (before, after)))(pixels)
    return layers.Cropping2D(((after, before), (after, before)))(padded)


def _log_odds(log_probabilities: Any) -> Any:
    """Return log(p / (1 - p)) of the ten digits; 1 - p is the sum of the other nine."""
    from keras import ops

    others = ops.expand_dims(log_probabilities, 1) - _NEVER * np.eye(10, dtype=np.float32)
    return log_probabilities - ops.logsumexp(others, axis=-1)
