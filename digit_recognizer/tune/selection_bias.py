"""How much of the best trial's lead comes from choosing the best of many.

In: the images that each done trial got wrong. Out: an estimate in errors. What always holds: it
takes no trial's word for its own worth, only how far trials differ image by image.
"""

import math
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist, median

from digit_recognizer.tune.study import Trial

_LEAST = 3


@dataclass(frozen=True)
class Luck:
    trials: int
    deviation: float  # of one trial's errors by chance alone
    flattery: float  # by how many errors the best of so many equally good ones looks too good


def estimate_luck(trials: list[Trial]) -> Luck | None:
    """Return the estimate, or None of too few trials.

    Were two trials equally good, the images that only one of the two gets wrong would fall to
    either like a fair coin, so half of their number is the variance of each one's errors. The
    median over pairs of the better half keeps those out that really are worse. The best of n is
    then too good by the mean minimum of n normal deviates.
    """
    done = sorted((each for each in trials if each.errors is not None), key=_errors_of)
    if len(done) < _LEAST:
        return None
    better = done[: max(_LEAST, len(done) // 2)]
    variance = median(len(one.wrong ^ other.wrong) / 2 for one, other in combinations(better, 2))
    deviation = math.sqrt(variance)
    return Luck(len(done), deviation, deviation * mean_maximum(len(done)))


def mean_maximum(count: int) -> float:
    """Return the mean of the largest of so many standard normal deviates, by Blom's formula."""
    return NormalDist().inv_cdf((count - 0.375) / (count + 0.25))


def _errors_of(trial: Trial) -> int:
    assert trial.errors is not None
    return trial.errors
