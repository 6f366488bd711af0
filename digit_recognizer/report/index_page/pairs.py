"""Compare every candidate with every other, on the images that both predicted.

In: candidates with predictions. Out: pairs, with p values that allow for how many they are. What
always holds: a candidate is compared only with those of the same data, and each pair once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from digit_recognizer.report.index_page.candidates import Candidate
from digit_recognizer.scores import LEVEL, Comparison, compare

# A matrix of more is not read any more, and its tiles would make the page too big.
MOST = 20


@dataclass(frozen=True)
class Pair:
    """Two candidates by their places in the list that was compared."""

    first: int
    second: int
    comparison: Comparison
    adjusted_p: float

    @property
    def is_difference(self) -> bool:
        return self.adjusted_p < LEVEL


def choose_compared(candidates: list[Candidate]) -> list[Candidate]:
    """Return the best of those that can be compared."""
    return [each for each in candidates if each.predictions][:MOST]


def compare_all(compared: list[Candidate]) -> list[Pair]:
    found = []
    for (i, first), (j, second) in combinations(enumerate(compared), 2):
        assert first.predictions and second.predictions
        judged = first.predictions.judged & second.predictions.judged
        # Two that were trained on other folds of an unfinished run may share no image at all.
        if judged.any():
            comparison = compare(first.predictions.wrong, second.predictions.wrong, judged)
            found.append((i, j, comparison))
    adjusted = adjust([comparison.p for _, _, comparison in found])
    return [Pair(*each, p) for each, p in zip(found, adjusted, strict=True)]


def level_with(place: int, compared: list[Candidate], pairs: list[Pair]) -> list[Candidate]:
    """Return those without a significant difference from the one at that place."""
    return [
        compared[pair.second if pair.first == place else pair.first]
        for pair in pairs
        if place in (pair.first, pair.second) and not pair.is_difference
    ]


def adjust(p_values: Sequence[float]) -> list[float]:
    """Return Holm's p values: any of them below 5 % is a difference among all at 5 %."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
