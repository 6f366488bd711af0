"""How far several sets of predictions fail together, and p values of many comparisons.

In: which images each gets wrong, or p values. Out: counts, or p values that allow for their number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


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
