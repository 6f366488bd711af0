"""Where submissions differ, and what that can mean for their scores.

In: labels of the same images. Out: counts, and bounds that follow from them. What always holds: no
more is said than follows; which of two different labels is right is not known here.
"""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from digit_recognizer.scores import LEVEL, exact_p


@dataclass(frozen=True)
class Difference:
    """Two submissions, by their places in the list."""

    first: int
    second: int
    images: np.ndarray  # indices from 0, where the labels differ
    kinds: list[tuple[int, int, int]]  # label of the first, of the second, how often
    of: int  # images in all

    @property
    def count(self) -> int:
        return len(self.images)

    @property
    def counts(self) -> list[list[int]]:
        """How often, by the label of the first and that of the second."""
        table = [[0] * 10 for _ in range(10)]
        for one, other, count in self.kinds:
            table[one][other] = count
        return table

    @property
    def most_of_score(self) -> float:
        """How far the scores over all test images can be apart."""
        return self.count / self.of

    @property
    def needed(self) -> int | None:
        """How many of the differing labels one must have right to be significantly better.

        That is if exactly one of both is right each time; None where even all are not enough.
        """
        right = range(self.count // 2 + 1, self.count + 1)
        return next((n for n in right if exact_p(self.count - n, n) < LEVEL), None)


@dataclass(frozen=True)
class Bounds:
    """What public scores say of two submissions, if the board counts all test images."""

    lead: int  # how many images more the first has right
    first: tuple[int, int]  # how many of the differing labels the first can have right
    second: tuple[int, int]

    @property
    def is_possible(self) -> bool:
        """Whether the scores fit the labels; if not, the board counts other images."""
        return self.first[0] <= self.first[1] and self.second[0] <= self.second[1]


def compare_labels(labels: list[np.ndarray]) -> list[Difference]:
    """Return every pair."""
    found = []
    for second in range(len(labels)):
        for first in range(second):
            images = np.flatnonzero(labels[first] != labels[second])
            pairs = zip(
                labels[first][images].tolist(), labels[second][images].tolist(), strict=True
            )
            kinds = [(*pair, count) for pair, count in Counter(pairs).items()]
            kinds.sort(key=lambda kind: (-kind[2], kind))
            found.append(Difference(first, second, images, kinds, len(labels[first])))
    return found


def bound(difference: Difference, first_score: float, second_score: float) -> Bounds:
    """Return how many of the differing labels each can have right, by two public scores.

    Of n differing labels the first has x right and the second y, with x + y <= n, since of two
    different labels one is right at most; and the scores' difference is x - y images.
    """
    n = difference.count
    lead = round((first_score - second_score) * difference.of)
    first = max(0, lead), math.floor((n + lead) / 2)
    second = max(0, -lead), math.floor((n - lead) / 2)
    return Bounds(lead, first, second)


def list_divided(labels: list[np.ndarray]) -> np.ndarray:
    """Return the images on which not all agree, those with the smallest majority first."""
    stacked = np.stack(labels)
    divided = np.flatnonzero((stacked != stacked[0]).any(axis=0))
    majority = [np.bincount(stacked[:, image], minlength=10).max() for image in divided]
    order = np.argsort(majority, kind="stable")
    chosen: np.ndarray = divided[order]
    return chosen


def group_alike(differences: list[Difference], count: int) -> tuple[list[int], list[list[int]]]:
    """Return an order with similar ones side by side, and groups of similar ones.

    Groups are cut where merging two of them (average linkage) takes the largest step.
    """
    if count < 3:
        return list(range(count)), [list(range(count))]
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
    from scipy.spatial.distance import squareform

    square = np.zeros((count, count))
    for each in differences:
        square[each.first, each.second] = square[each.second, each.first] = each.count
    merges = linkage(squareform(square), "average")
    order = leaves_list(merges).tolist()
    heights = merges[:, 2]
    steps = np.diff(heights)
    if not steps.size or not steps.max():
        return order, [order]
    cut = heights[steps.argmax()] + steps.max() / 2
    numbers = fcluster(merges, cut, "distance")
    groups = [
        [place for place in order if numbers[place] == n] for n in dict.fromkeys(numbers[order])
    ]
    return order, groups
