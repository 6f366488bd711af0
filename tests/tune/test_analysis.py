"""The estimate of luck agrees with simulations of equally good trials."""

import numpy as np

from digit_recognizer.tune.page.analysis import estimate_luck, mean_maximum
from digit_recognizer.tune.study import Trial


def trial(number: int, wrong: np.ndarray) -> Trial:
    rows = frozenset(int(row) for row in np.flatnonzero(wrong))
    return Trial(number, "done", {}, False, {}, len(rows), rows, 0, 0.0, 1.0, "")


def simulate(trials: int, seed: int) -> list[Trial]:
    """Return equally good trials: each image is equally hard for all of them."""
    draw = np.random.default_rng(seed)
    hardness = draw.beta(0.02, 2, size=20_000)
    return [trial(each, draw.random(20_000) < hardness) for each in range(trials)]


def test_the_mean_maximum_is_that_of_normal_values() -> None:
    drawn = np.random.default_rng(0).normal(size=(20_000, 40)).max(axis=1).mean()
    assert abs(mean_maximum(40) - drawn) < 0.03
    assert mean_maximum(1) == 0


def test_the_best_of_equally_good_trials_leads_by_the_estimate() -> None:
    lead, estimates, deviations = [], [], []
    for seed in range(30):
        trials = simulate(16, seed)
        luck = estimate_luck(trials)
        assert luck is not None
        errors = [each.errors or 0 for each in trials]
        lead.append(np.mean(errors) - min(errors))
        estimates.append(luck.optimism)
        deviations.append(np.std(errors, ddof=1) / luck.deviation)
    assert 0.85 < np.mean(estimates) / np.mean(lead) < 1.15
    assert 0.85 < np.mean(deviations) < 1.15


def test_trials_that_really_are_worse_do_not_count_as_luck() -> None:
    trials = simulate(16, 0)
    alone = estimate_luck(trials)
    poor = np.zeros(20_000, bool)
    poor[:5_000] = True
    among_poor = estimate_luck([*trials, *(trial(16 + each, poor) for each in range(14))])
    assert alone and among_poor
    assert among_poor.deviation < 1.2 * alone.deviation


def test_too_few_trials_give_no_estimate() -> None:
    assert estimate_luck(simulate(2, 0)) is None
