"""A study starts with the original experiment, once, and its draws depend only on the seed."""

from typing import Any

import pytest

from digit_recognizer.experiments.spaces import apply
from digit_recognizer.tune import study as module
from digit_recognizer.tune.budget import Budget
from digit_recognizer.tune.study import Terms, ask, read_choice, read_terms, read_trials
from digit_recognizer.workspace import ProjectError, Workspace
from tests.tune.studies import EXPERIMENT, OWN_PASSES, begin_study, make_up_study, settle_terms


def draw(study: Any, terms: Terms, count: int) -> list[dict[str, Any]]:
    return [read_choice(ask(study, terms, "nobody"), terms.space) for _ in range(count)]


def test_after_a_kill_before_the_terms_are_stored_there_is_one_first_trial(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die_here(point: str) -> None:
        assert point == "study"
        raise InterruptedError

    monkeypatch.setattr(module, "fault_point", die_here)
    with pytest.raises(InterruptedError):
        begin_study(workspace)
    monkeypatch.undo()
    study, terms = begin_study(workspace)
    assert [trial.is_original for trial in read_trials(study, terms)] == [True]
    first, second = draw(study, terms, 2)
    assert apply(EXPERIMENT, first) == EXPERIMENT
    assert apply(EXPERIMENT, second) != EXPERIMENT


def test_terms_are_read_as_they_were_stored(workspace: Workspace) -> None:
    study, terms = begin_study(workspace)
    assert read_terms(study) == terms == settle_terms(workspace)


def test_values_are_rounded_and_give_a_valid_experiment(workspace: Workspace) -> None:
    study, terms = begin_study(workspace)
    for chosen in draw(study, terms, 20):
        experiment = apply(EXPERIMENT, chosen)
        for key, value in chosen.items():
            assert not isinstance(value, float) or float(f"{value:.3g}") == value, key
        assert experiment.epochs == chosen["epochs"]


def test_pruned_trials_keep_their_passes(workspace: Workspace) -> None:
    terms = settle_terms(workspace)
    trials = read_trials(make_up_study(workspace), terms)
    pruned = [trial for trial in trials if trial.state == "pruned"]
    assert pruned
    assert all(0 < trial.passes < OWN_PASSES and trial.errors is None for trial in pruned)
    assert Budget(None, sum(trial.passes for trial in trials)).done_part(trials) == 1


def test_a_budget_counts_running_trials_in_full(workspace: Workspace) -> None:
    study, terms = begin_study(workspace)
    budget = Budget.of(None, OWN_PASSES + 1)
    assert budget.allows(read_trials(study, terms), OWN_PASSES)
    ask(study, terms, "nobody")
    assert budget.allows(read_trials(study, terms), OWN_PASSES), "one pass is left"
    ask(study, terms, "nobody")
    assert not budget.allows(read_trials(study, terms), OWN_PASSES)
    assert not Budget.of(2, None).allows(read_trials(study, terms), OWN_PASSES)
    assert Budget.of(3, None).allows(read_trials(study, terms), OWN_PASSES)


@pytest.mark.parametrize(("trials", "passes"), [(-1, None), (None, 0), (3, -5)])
def test_an_empty_budget_is_refused(trials: int | None, passes: int | None) -> None:
    with pytest.raises(ProjectError, match="expected"):
        Budget.of(trials, passes)
