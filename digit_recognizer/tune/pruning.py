"""Which trials to stop early.

In: the held-out errors of a running trial, epoch by epoch. Out: a few values at fixed points, and
whether to continue. What always holds: trials are compared at the same part of their schedules,
whatever their number of epochs; a trial that is not worse than most continues.

Why these points: with a triangular schedule the learning rate is highest after a quarter of the
training. Until half of it, the errors vary by more than the final differences between trials, so
nothing is compared before half of a fold. Within a fold only the worst third ends, because errors
there are measured without the weight average and still fall steeply, most of all with strong
regularisation. The end of a fold is the real score on a part of the images: there the worse half
ends.
"""

from typing import Any

import numpy as np

# The parts of a fold's schedule at which a trial is compared, besides its end.
LOOKS = (0.5, 0.75)
STEPS_PER_FOLD = len(LOOKS) + 1
# The part of trials that may continue after each look and after a fold's end.
_KEPT = (2 / 3, 2 / 3, 1 / 2)
# At least this many others must have come as far; fewer show nothing.
_ENOUGH = 5


class Curve:
    """Held-out error rates of one fold, interpolated between epochs at each look."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._rates: list[float] = []

    def add(self, rate: float) -> list[tuple[int, float]]:
        """Add an epoch's rate; return the looks that are reached now, with the rate at each."""
        before, now = len(self._rates) / self._epochs, (len(self._rates) + 1) / self._epochs
        earlier = self._rates[-1] if self._rates else rate
        self._rates.append(rate)
        return [
            (place, float(np.interp(look, (before, now), (earlier, rate))))
            for place, look in enumerate(LOOKS)
            if before < look <= now
        ]


def make_pruner() -> Any:
    from optuna.pruners import BasePruner

    class WorseThanMost(BasePruner):
        """Ends a trial whose current value is among the worst of all trials that came as far.

        Optuna's PercentilePruner compares the best value that a trial ever had, so that one lucky
        epoch saves it. And it compares only with finished trials, which were not pruned.
        """

        def prune(self, study: Any, trial: Any) -> bool:
            step = trial.last_step
            if step is None:
                return False
            others = [
                each.intermediate_values[step]
                for each in study.get_trials(deepcopy=False)
                if each.number != trial.number and step in each.intermediate_values
            ]
            if len(others) < _ENOUGH:
                return False
            limit = float(np.quantile(others, _KEPT[step % STEPS_PER_FOLD]))
            return bool(trial.intermediate_values[step] > limit)

    return WorseThanMost()
