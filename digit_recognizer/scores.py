"""How good predictions are, as counts of errors: a percentage hides how few images decide.

In: labels and probabilities. Out: a `Score`. The standard error is the binomial one of a single
score; two scores on the same images are compared pairwise, not by these.
"""

import math
from dataclasses import dataclass

import numpy as np


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
