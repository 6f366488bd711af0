"""Choose the images to explain.

In: labels and out-of-fold probabilities. Out: the hardest images, and a typical one of each class.
What always holds: the choice depends on the predictions alone, never on the maps.
"""

from dataclasses import dataclass

import numpy as np

HARDEST = 12


@dataclass(frozen=True)
class Chosen:
    """An image and its out-of-fold prediction."""

    index: int  # among the training images, counted from 0
    label: int
    predicted: int
    probability: float  # of the predicted digit
    label_probability: float
    runner_up: int

    @property
    def row(self) -> int:
        """Its row in train.csv, counted from 1, as messages and pages do."""
        return self.index + 1

    @property
    def is_wrong(self) -> bool:
        return self.predicted != self.label

    @property
    def digits(self) -> list[int]:
        """The digits to draw maps of: the predicted one and, if that is wrong, the label."""
        return [self.predicted, self.label] if self.is_wrong else [self.predicted]


def choose_hardest(labels: np.ndarray, probabilities: np.ndarray) -> list[Chosen]:
    """Return the most confident errors, then the correct predictions with the least confidence."""
    confidence = probabilities.max(axis=1)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    right = np.flatnonzero(probabilities.argmax(axis=1) == labels)
    ordered = [
        *wrong[np.argsort(-confidence[wrong], kind="stable")],
        *right[np.argsort(confidence[right], kind="stable")],
    ]
    return [_describe(labels, probabilities, int(row)) for row in ordered[:HARDEST]]


def choose_typical(labels: np.ndarray, probabilities: np.ndarray) -> list[Chosen]:
    """Return, for each class, the correct prediction whose confidence is closest to the median."""
    confidence = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == labels
    typical = []
    for digit in range(probabilities.shape[1]):
        own = np.flatnonzero(is_right & (labels == digit))
        if len(own):
            distance = np.abs(confidence[own] - np.median(confidence[own]))
            typical.append(_describe(labels, probabilities, int(own[distance.argmin()])))
    return typical


def _describe(labels: np.ndarray, probabilities: np.ndarray, row: int) -> Chosen:
    own, label = probabilities[row], int(labels[row])
    runner_up, predicted = (int(digit) for digit in np.argsort(own, kind="stable")[-2:])
    # If two digits tie, take the first as the predicted one, as everywhere else.
    if own[runner_up] == own[predicted]:
        predicted, runner_up = sorted((predicted, runner_up))
    return Chosen(row, label, predicted, float(own[predicted]), float(own[label]), runner_up)
