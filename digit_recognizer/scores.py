"""How good predictions are, as counts of errors: a percentage hides how few images decide.

In: labels and probabilities. Out: a `Score`, one for each digit, and how far confidence can be
trusted. The standard error is the binomial one of a single score; two scores on the same images
are compared pairwise, not by these. What always holds: where nothing can be divided by, 0 is
returned, as scikit-learn does.
"""

import math
from dataclasses import dataclass

import numpy as np

CALIBRATION_BINS = 15  # of equal width, as in Guo et al. (2017)


@dataclass(frozen=True)
class Score:
    errors: int
    images: int

    @property
    def accuracy(self) -> float:
        return 1 - self.errors / self.images

    @property
    def standard_error(self) -> float:
        """Of the number of errors."""
        return math.sqrt(self.errors * self.accuracy)

    @property
    def accuracy_error(self) -> float:
        """The standard error of the accuracy."""
        return self.standard_error / self.images

    @property
    def percentage(self) -> str:
        return f"{self.accuracy:.3%} ± {self.accuracy_error:.3%}"

    def __str__(self) -> str:
        return (
            f"{self.percentage} "
            f"({self.errors:,} ± {self.standard_error:.0f} of {self.images:,} wrong)"
        )


def score(labels: np.ndarray, probabilities: np.ndarray) -> Score:
    return Score(int((probabilities.argmax(axis=1) != labels).sum()), len(labels))


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean negative log-likelihood, with probabilities no smaller than float32 has."""
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_truth, np.finfo(np.float32).tiny)).mean())


@dataclass(frozen=True)
class DigitScore:
    """How well one digit is recognised."""

    images: int  # labelled so
    predicted: int  # taken for it
    right: int

    @property
    def precision(self) -> float:
        """Which part of those taken for it are it."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Which part of its images are recognised."""
        return self.right / self.images if self.images else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of the two."""
        both = self.images + self.predicted
        return 2 * self.right / both if both else 0.0


def count_confusions(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return (10, 10) counts: what the row's digit was taken for."""
    pairs = labels.astype(np.int64) * 10 + predicted
    return np.bincount(pairs, minlength=100).reshape(10, 10)


def score_digits(confusions: np.ndarray) -> list[DigitScore]:
    return [
        DigitScore(int(images), int(predicted), int(right))
        for images, predicted, right in zip(
            confusions.sum(axis=1), confusions.sum(axis=0), np.diag(confusions), strict=True
        )
    ]


@dataclass(frozen=True)
class ConfidenceBin:
    """The predictions whose confidence lies above `low` and not above `high`."""

    low: float
    high: float
    images: int
    right: int
    confidence: float  # on average; 0 where there are no images

    @property
    def accuracy(self) -> float:
        return self.right / self.images if self.images else 0.0


def bin_by_confidence(labels: np.ndarray, probabilities: np.ndarray) -> list[ConfidenceBin]:
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    edges = np.arange(CALIBRATION_BINS + 1) / CALIBRATION_BINS
    # Only the inner edges: a sum of float32 may come out a little above 1.
    places = np.searchsorted(edges[1:-1], confidence, side="left")
    images = np.bincount(places, minlength=CALIBRATION_BINS)
    total = np.bincount(places, confidence, minlength=CALIBRATION_BINS)
    hits = np.bincount(places, right, minlength=CALIBRATION_BINS)
    return [
        ConfidenceBin(
            float(edges[place]),
            float(edges[place + 1]),
            int(images[place]),
            int(hits[place]),
            float(total[place] / max(images[place], 1)),
        )
        for place in range(CALIBRATION_BINS)
    ]


def expected_calibration_error(bins: list[ConfidenceBin]) -> float:
    """Return how far confidence is from the accuracy that goes with it, on average over images."""
    gaps = sum(each.images * abs(each.accuracy - each.confidence) for each in bins)
    return gaps / sum(each.images for each in bins)
