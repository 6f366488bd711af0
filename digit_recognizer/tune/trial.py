"""Run one trial fold by fold, until it is finished or pruned.

In: a trial from Optuna, a process that trains. Out: what the study stores about the trial. What
always holds: image passes count however the trial ends, and the original experiment is never
pruned, because the best trial is compared with it.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.spaces import apply
from digit_recognizer.faults import fault_point
from digit_recognizer.tune.fitter import Fitted, Fitter
from digit_recognizer.tune.live_processes import SAY_ALIVE_EVERY
from digit_recognizer.tune.pruning import LOOKS, STEPS_PER_FOLD, Curve
from digit_recognizer.tune.study import Terms, read_choice
from digit_recognizer.workspace import ProjectError

# Called with the image passes so far, and the errors of the finished folds.
Show = Callable[[int, int | None], None]


def run_trial(
    study: Any,
    trial: Any,
    terms: Terms,
    fold_sizes: np.ndarray,
    precision: str,
    fitter: Fitter,
    show: Show,
) -> None:
    """Train and score; store the result in the study."""
    from optuna.trial import TrialState

    running = _Running(trial, terms, fold_sizes, show)
    try:
        experiment = apply(terms.experiment, read_choice(trial, terms.space))
    except ProjectError as error:
        running.save(note=str(error))
        study.tell(trial, state=TrialState.PRUNED)
        return
    for place, fold in enumerate(terms.folds):
        fitted = running.fit(place, fold, experiment, precision, fitter)
        is_last = place == len(terms.folds) - 1
        if fitted.wrong is None or (not is_last and running.end_fold(place)):
            running.save(note=fitted.failure)
            study.tell(trial, state=TrialState.PRUNED)
            return
    running.save()
    study.tell(trial, float(running.errors))


class _Running:
    """The state of a running trial."""

    def __init__(self, trial: Any, terms: Terms, fold_sizes: np.ndarray, show: Show) -> None:
        # Folds that an earlier try of the same values has finished; they are not trained again.
        self._wrong: dict[str, list[int]] = dict(trial.user_attrs.get("wrong", {}))
        self._trial, self._terms, self._show = trial, terms, show
        self._is_original = bool(trial.user_attrs.get("own"))
        self._sizes = [int(fold_sizes[fold]) for fold in terms.folds]
        self._passes_before = self._passes = 0
        self._started = self._said = time.monotonic()

    def fit(
        self, place: int, fold: int, experiment: Experiment, precision: str, fitter: Fitter
    ) -> Fitted:
        if str(fold) in self._wrong:
            return Fitted(self._wrong[str(fold)])
        curve = Curve(experiment.epochs)
        self._passes_before = self._passes

        def watch(news: dict[str, Any]) -> bool:
            self._note_passes(self._passes_before + news["images"])
            if "epoch" not in news:
                return True
            # With few epochs both looks may come at once; both are reported, even if the first
            # prunes.
            judged = [self._look(place, look, rate) for look, rate in curve.add(news["rate"])]
            return not any(judged)

        fitted = fitter.fit(experiment, fold, precision, watch)
        if fitted.wrong is not None:
            # The real number of passes: early stopping may have skipped some.
            self._note_passes(self._passes_before + fitted.images)
            self._wrong[str(fold)] = fitted.wrong
            self._trial.set_user_attr("passes", self._passes)
            self._trial.set_user_attr("wrong", self._wrong)
            fault_point("fold")
            self._show(self._passes, self.errors)
        return fitted

    @property
    def errors(self) -> int:
        """How many images are wrong so far, in the finished folds."""
        return sum(map(len, self._wrong.values()))

    def end_fold(self, place: int) -> bool:
        """Report the fold's real errors; return whether the trial is pruned here."""
        return self._report(place * STEPS_PER_FOLD + len(LOOKS), self.errors, place)

    def save(self, note: str = "") -> None:
        facts = {
            "passes": self._passes,
            "seconds": round(time.monotonic() - self._started, 1),
            **({"note": note} if note else {}),
        }
        for key, value in facts.items():
            self._trial.set_user_attr(key, value)

    def _look(self, place: int, look: int, rate: float) -> bool:
        expected = self.errors + rate * self._sizes[place]
        return self._report(place * STEPS_PER_FOLD + look, expected, place)

    def _report(self, step: int, errors: float, place: int) -> bool:
        """Report errors, scaled to all folds; return whether the trial is pruned."""
        self._trial.report(errors * sum(self._sizes) / sum(self._sizes[: place + 1]), step)
        fault_point("report")
        return not self._is_original and self._trial.should_prune()

    def _note_passes(self, passes: int) -> None:
        self._passes = passes
        self._show(passes, self.errors if self._wrong else None)
        if time.monotonic() - self._said > SAY_ALIVE_EVERY:
            self._said = time.monotonic()
            self._trial.set_user_attr("seen", time.time())
            # So that a killed trial counts with the passes it used.
            self._trial.set_user_attr("passes", passes)
