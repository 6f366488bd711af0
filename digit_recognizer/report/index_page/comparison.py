"""Whether one set of predictions is better than another, and how far several fail together.

In: which images each gets wrong. Out: counts and p values. What always holds: two are compared on
the images that both were judged on, image by image, and p values are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# A p value below this is taken for a difference.
LEVEL = 0.05


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
    fair coin, so the probability is the binomial's, on both sides. Whole numbers hold it exactly,
    however many images there are.
    """
    total = one + other
    ways, tail = 1, 0
    for count in range(min(one, other) + 1):
        tail += ways
        ways = ways * (total - count) // (count + 1)
    # An even split lies in both tails, which then make more than 1.
    return min(1.0, 2 * tail / 2**total)


def adjust(p_values: Sequence[float]) -> list[float]:
    """Return Holm's p values: any of them below 5 % is a difference among all at 5 %."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


@dataclass(frozen=True)
class Overlap:
    """Images that so many of the members get wrong."""

    members: int
    images: int
    blend_right: int


def count_overlaps(wrong: np.ndarray, blend_wrong: np.ndarray) -> list[Overlap]:
    """Return them for one member, two, ... all; `wrong` is (members, images)."""
    by_image = wrong.sum(axis=0)
    return [
        Overlap(members, int(those.sum()), int((those & ~blend_wrong).sum()))
        for members in range(1, len(wrong) + 1)
        for those in [by_image == members]
    ]


def count_shared(wrong: np.ndarray) -> np.ndarray:
    """Return (members, members): how many images both get wrong."""
    counts = wrong.astype(np.int64)
    shared: np.ndarray = counts @ counts.T
    return shared


def jaccard(wrong: np.ndarray) -> np.ndarray:
    """Return (members, members): the part of the images wrong in either that is wrong in both."""
    shared = count_shared(wrong)
    own = np.diag(shared)
    either = own[:, None] + own - shared
    # Two that make no error at all fail on the very same images.
    return np.where(either == 0, 1.0, shared / np.maximum(either, 1))
