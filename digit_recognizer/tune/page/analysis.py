"""What the finished trials show: how much luck the best one had, and which values matter.

In: the images that each finished trial got wrong; a study. Out: an estimate in errors, and the
importance of each value. What always holds: pruned trials do not count, because their errors are
only estimates.
"""

import math
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist, median
from typing import Any

from digit_recognizer.tune.study import Trial

_FEWEST_FOR_LUCK = 3
# With fewer trials, a forest shows only noise.
FEWEST_FOR_IMPORTANCES = 8


@dataclass(frozen=True)
class Luck:
    trials: int
    deviation: float  # standard deviation of one trial's errors by chance alone
    optimism: float  # how many errors the best of equally good trials seems better than it is


def estimate_luck(trials: list[Trial]) -> Luck | None:
    """Return the estimate, or None for too few trials.

    If two trials are equally good, an image that only one of them gets wrong is equally likely to
    be wrong in either. So half of the number of such images is the variance of each trial's errors.
    The median over pairs of the better half leaves out trials that really are worse. The best of n
    trials then looks too good by the mean maximum of n normal values.
    """
    done = sorted((each for each in trials if each.errors is not None), key=_errors_of)
    if len(done) < _FEWEST_FOR_LUCK:
        return None
    better = done[: max(_FEWEST_FOR_LUCK, len(done) // 2)]
    variance = median(len(one.wrong ^ other.wrong) / 2 for one, other in combinations(better, 2))
    deviation = math.sqrt(variance)
    return Luck(len(done), deviation, deviation * mean_maximum(len(done)))


def mean_maximum(count: int) -> float:
    """Return the mean of the largest of `count` standard normal values, by Blom's formula."""
    return NormalDist().inv_cdf((count - 0.375) / (count + 0.25))


def find_importances(study: Any) -> dict[str, float]:
    """Return the values' importance by fANOVA, the largest first; empty for too few trials."""
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import TrialState

    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(done) < FEWEST_FOR_IMPORTANCES or len({trial.value for trial in done}) < 2:
        return {}
    return dict(get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0)))


def _errors_of(trial: Trial) -> int:
    assert trial.errors is not None
    return trial.errors
