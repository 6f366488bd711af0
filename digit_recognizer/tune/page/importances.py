"""Which values have most influence on a trial's errors.

In: a study. Out: each value's part of what explains the errors, the greatest first; or why nobody
can say. What always holds: only done trials count, since errors of others are guesses.
"""

from typing import Any

# Forests of fewer trials tell of chance alone.
LEAST = 8


def find_importances(study: Any) -> dict[str, float]:
    """Return them by functional analysis of variance (fANOVA), or nothing of too few trials."""
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import TrialState

    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(done) < LEAST or len({trial.value for trial in done}) < 2:
        return {}
    return dict(get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0)))
