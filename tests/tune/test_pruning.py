"""Trials are compared at the same part of their schedules, and only the worst end."""

import optuna
import pytest

from digit_recognizer.tune.pruning import LOOKS, STEPS_PER_FOLD, Curve, make_pruner


def looks_of(rates: list[float]) -> dict[int, float]:
    curve = Curve(len(rates))
    return dict(look for rate in rates for look in curve.add(rate))


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 5, 7, 24, 100])
def test_a_straight_line_gives_the_same_values_with_any_number_of_epochs(epochs: int) -> None:
    seen = looks_of([1 - (epoch + 1) / epochs for epoch in range(epochs)])
    assert seen.keys() == set(range(len(LOOKS)))
    if epochs > 1:
        assert list(seen.values()) == pytest.approx([1 - look for look in LOOKS])


def test_a_look_is_reached_with_the_first_epoch_at_or_after_it() -> None:
    curve = Curve(4)
    assert [[look for look, _ in curve.add(0.5)] for _ in range(4)] == [[], [0], [1], []]


def judge(others: list[float], own: float, step: int, earlier: float | None = None) -> bool:
    study = optuna.create_study(pruner=make_pruner())
    for value in others:
        trial = study.ask()
        trial.report(value, step)
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    trial = study.ask()
    if earlier is not None:
        trial.report(earlier, step - 1)
    trial.report(own, step)
    return trial.should_prune()


@pytest.mark.parametrize(("step", "ended"), [(0, 30), (1, 30), (2, 45), (3, 30), (5, 45)])
def test_the_worst_third_ends_within_a_fold_and_the_worse_half_at_its_end(
    step: int, ended: int
) -> None:
    others = [float(value) for value in range(0, 90)]
    judged = [judge(others, value + 0.5, step) for value in range(0, 90)]
    assert judged == sorted(judged), "a trial that is worse than a pruned one is pruned"
    assert abs(sum(judged) - ended) <= 1
    assert (step + 1) % STEPS_PER_FOLD == 0 or ended == 30


def test_the_first_few_trials_are_not_pruned() -> None:
    assert not judge([1.0, 2.0, 3.0, 4.0], 99.0, 2)
    assert judge([1.0, 2.0, 3.0, 4.0, 5.0], 99.0, 2)


def test_an_earlier_lucky_epoch_does_not_save_a_trial() -> None:
    assert judge([1.0, 2.0, 3.0, 4.0, 5.0], 99.0, 1, earlier=0.0)
