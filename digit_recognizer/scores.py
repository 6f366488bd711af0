"""How good predictions are, as counts of errors: a percentage hides how few images decide.

In: labels and probabilities. Out: a `Score`, one for each digit, whether one set of predictions is
better than another, and how far confidence can be trusted. A score is shown with its 95 % interval
by Wilson's method, which does not shrink to nothing where no error was made. Two scores on the same
images are compared pairwise, not by their intervals. What always holds: where nothing can be
divided by, 0 is returned, as scikit-learn does.
"""

import math
from dataclasses import dataclass

import numpy as np

_95_PERCENT = 1.96  # standard deviations of a normal distribution, to either side
LEVEL = 0.05  # a difference is significant where its p value is below
CALIBRATION_BINS = 15  # of equal width, as in Guo et al. (2017)


def format_percent(part: float, digits: int = 0) -> str:
    """Return `99.5 %`: with a space, as everywhere in the project."""
    return f"{100 * part:.{digits}f} %"


def wilson(count: int, images: int) -> tuple[float, float]:
    """Return the 95 % interval of a proportion; unlike the usual one it holds near 0 and 1."""
    squared = _95_PERCENT**2
    middle = (count + squared / 2) / (images + squared)
    spread = count * (images - count) / images + squared / 4
    half = _95_PERCENT * math.sqrt(spread) / (images + squared)
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Score:
    errors: int
    images: int

    @property
    def accuracy(self) -> float:
        return 1 - self.errors / self.images

    @property
    def standard_error(self) -> float:
        """The binomial one of the number of errors; 0 where there is none."""
        return math.sqrt(self.errors * self.accuracy)

    @property
    def accuracy_error(self) -> float:
        """The standard error of the accuracy, from its interval: above 0 even without errors."""
        low, high = self.accuracy_interval
        return (high - low) / (2 * _95_PERCENT)

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        low, high = wilson(self.errors, self.images)
        return 1 - high, 1 - low

    @property
    def errors_interval(self) -> str:
        """The 95 % interval of the number of errors."""
        low, high = (round(self.images * end) for end in wilson(self.errors, self.images))
        return f"{low:,} to {high:,}"

    @property
    def percentage(self) -> str:
        """The accuracy and its 95 % interval."""
        low, high = self.accuracy_interval
        return f"{format_percent(self.accuracy, 3)} ({100 * low:.2f} to {100 * high:.2f})"

    def __str__(self) -> str:
        plural = "" if self.errors == 1 else "s"
        return (
            f"{format_percent(self.accuracy, 3)}, {self.errors:,} error{plural} of "
            f"{self.images:,} (95 % interval {self.errors_interval})"
        )


def score(labels: np.ndarray, probabilities: np.ndarray) -> Score:
    return Score(int((probabilities.argmax(axis=1) != labels).sum()), len(labels))


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean negative log-likelihood, with probabilities no smaller than float32 has."""
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_truth, np.finfo(np.float32).tiny)).mean())


@dataclass(frozen=True)
class Comparison:
    """Two sets of predictions; the arrays hold rows of images."""

    images: int
    only_first_wrong: np.ndarray
    only_second_wrong: np.ndarray
    p: float

    @property
    def difference(self) -> int:
        """How many errors more the first makes."""
        return len(self.only_first_wrong) - len(self.only_second_wrong)


def compare(
    first_wrong: np.ndarray, second_wrong: np.ndarray, judged: np.ndarray | None = None
) -> Comparison:
    """Compare on the images that are `judged`, by McNemar's exact test."""
    if judged is None:
        judged = np.ones(len(first_wrong), bool)
    only_first = np.flatnonzero(judged & first_wrong & ~second_wrong)
    only_second = np.flatnonzero(judged & ~first_wrong & second_wrong)
    p = exact_p(len(only_first), len(only_second))
    return Comparison(int(judged.sum()), only_first, only_second, p)


def exact_p(one: int, other: int) -> float:
    """Return how likely so uneven a split, or a more uneven one, is between two equally good.

    Images that both get right or wrong say nothing. Each other one falls to either side like a
    fair coin, so the probability is the binomial's, on both sides.
    """
    from scipy.special import bdtr  # not at the top: it would slow every command's start

    # An even split lies in both tails, which then make more than 1.
    return min(1.0, 2 * float(bdtr(min(one, other), one + other, 0.5)))


def compare_shares(first: Score, second: Score) -> float:
    """Return how likely so much larger a share of errors in the first is, if both were equal.

    Fisher's exact test, to one side; the images are different ones.
    """
    from scipy.stats import fisher_exact

    table = [[each.errors, each.images - each.errors] for each in (first, second)]
    return float(fisher_exact(table, alternative="greater").pvalue)


@dataclass(frozen=True)
class DigitScore:
    """How well one digit is recognised."""

    images: int  # labelled so
    predicted: int  # predicted to be it
    right: int

    @property
    def precision(self) -> float:
        """The share of the images predicted to be it that are it."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """The share of its images that are recognised."""
        return self.right / self.images if self.images else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of the two."""
        both = self.images + self.predicted
        return 2 * self.right / both if both else 0.0


def count_confusions(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return (10, 10) counts: rows are labels, columns are predictions."""
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
