"""The images of each digit: how many there are, samples, mean and variation.

In: labelled images. Out: a `ClassCount` for each of the ten digits, and a `Look` for each digit
that occurs. What always holds: the same images give the same samples.
"""

from dataclasses import dataclass

import numpy as np

CLASSES = 10
SAMPLES = 10
_SEED = 0


@dataclass(frozen=True)
class ClassCount:
    digit: int
    images: int
    share: float

    @property
    def against_even(self) -> float:
        """How much more, or less, than an even share, as a part of that share."""
        return self.share * CLASSES - 1


def count_classes(labels: np.ndarray) -> list[ClassCount]:
    counts = np.bincount(labels, minlength=CLASSES)
    return [
        ClassCount(digit, int(images), float(images / len(labels)))
        for digit, images in enumerate(counts)
    ]


@dataclass(frozen=True)
class Look:
    digit: int
    images: list[int]  # of the samples, in the order of their rows
    mean: np.ndarray  # (28, 28) uint8
    spread: np.ndarray  # the standard deviation, twice as bright: it cannot be above 127.5


def look_at_classes(images: np.ndarray, labels: np.ndarray) -> list[Look]:
    looks = []
    for digit in np.unique(labels):
        own = np.flatnonzero(labels == digit)
        random = np.random.default_rng([_SEED, int(digit)])
        chosen = np.sort(random.choice(own, min(SAMPLES, len(own)), replace=False))
        mean, spread = _mean_and_spread(images[own])
        looks.append(
            Look(
                int(digit),
                chosen.tolist(),
                np.rint(mean).astype(np.uint8),
                np.rint(2 * spread).astype(np.uint8),
            )
        )
    return looks


def _mean_and_spread(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both from whole-number sums, which no order of adding changes."""
    count = len(images)
    total = images.sum(axis=0, dtype=np.int64)
    # A square of a byte fits into 16 bits; 64-bit squares of all images would not fit into much.
    squares = np.square(images, dtype=np.uint16).sum(axis=0, dtype=np.int64)
    mean = total / count
    return mean, np.sqrt(np.maximum(squares / count - mean**2, 0))
