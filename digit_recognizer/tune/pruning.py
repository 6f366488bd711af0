"""Which trials to stop early.

In: the held-out errors of a running trial, epoch by epoch. Out: a few figures at fixed points, and
whether to go on. What always holds: trials are compared at the same part of their schedules,
however many epochs they have, and a trial that nobody has overtaken goes on.

Why these points: with a triangular schedule the rate has its tip after a quarter of the training,
and until half of it the errors go up and down by more than what trials differ in the end. So
nothing is judged before half of a fold, and within a fold only the worst third ends, since errors
there are still without the average of weights and fall steeply later, with strong regularisation
most of all. The end of a fold is the real measure on a part of the images: there the worse half
ends.
"""

from typing import Any

import numpy as np

# The parts of a fold's schedule at which a trial is looked at, besides its end.
LOOKS = (0.5, 0.75)
STEPS_PER_FOLD = len(LOOKS) + 1
# The part of all that came as far that may go on from each look and from a fold's end.
_KEPT = (2 / 3, 2 / 3, 1 / 2)
# So many others must have come as far; before, nobody knows what is usual.
_ENOUGH = 5


class Curve:
    """Held-out error rates of one fold, read off at the looks between two epochs where needed."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._rates: list[float] = []

    def add(self, rate: float) -> list[tuple[int, float]]:
        """Take one more epoch's rate; return the looks that it reaches, and the rate at each."""
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
        """Ends what is, just now, among the worst of all trials that came as far.

        Optuna's own percentiles compare the best that a trial was ever like, so that one lucky
        epoch saves it, and with the finished trials alone, which are the ones that were not pruned.
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
