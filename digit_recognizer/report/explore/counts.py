"""Count the images of each digit.

In: labels. Out: a count and a share for each of the ten digits. What always holds: a digit without
images is listed too.
"""

from dataclasses import dataclass

import numpy as np

CLASSES = 10


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
