"""The trained networks of a line-up, run by Keras.

In: complete runs, uint8 images. Out: the blend's probabilities. What always holds: the networks of
all folds are averaged first, then the experiments, as in `runs`; for the test images the result is
what the runs have recorded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from digit_recognizer.learn.prediction import predict_probabilities
from digit_recognizer.learn.weights import load_model
from digit_recognizer.runs.folder import Run
from digit_recognizer.use.recognizer import require_images


@dataclass(frozen=True)
class Member:
    """One experiment's networks, one for each fold."""

    name: str
    networks: list[Any]
    test_shift: int

    def recognize(self, images: np.ndarray) -> np.ndarray:
        return _mean(
            [predict_probabilities(each, images, self.test_shift) for each in self.networks]
        )


@dataclass(frozen=True)
class KerasRecognizer:
    label: str
    members: list[Member]

    def recognize(self, images: np.ndarray) -> np.ndarray:
        require_images(images)
        return _mean([member.recognize(images) for member in self.members])


def load_as_trained(label: str, runs: list[Run]) -> KerasRecognizer:
    """Load the networks with the recorded precision and threads, to get the same numbers."""
    threads = runs[0].fold_threads(0)
    return KerasRecognizer(label, [_load_member(run, threads, run.fold_precision) for run in runs])


def load_in_float32(label: str, runs: list[Run], threads: int) -> KerasRecognizer:
    """Load the networks to compute in float32, whatever precision they were trained in."""
    return KerasRecognizer(
        label, [_load_member(run, threads, lambda fold: "float32") for run in runs]
    )


def _load_member(run: Run, threads: int, precision_of: Callable[[int], str]) -> Member:
    experiment = run.experiment
    networks = [
        load_model(experiment, run.read_weights(fold), threads, precision_of(fold))
        for fold in range(experiment.folds)
    ]
    return Member(run.name, networks, experiment.test_shift)


def _mean(probabilities: list[np.ndarray]) -> np.ndarray:
    return np.asarray(np.mean(probabilities, axis=0, dtype=np.float64), np.float32)
