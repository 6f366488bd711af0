"""The dead are told from the living; what they left is tried again, once each and not for ever."""

import time
from pathlib import Path
from typing import Any

import pytest

from digit_recognizer.experiments.best_of import study_folder
from digit_recognizer.tune import live_processes as holders
from digit_recognizer.tune.live_processes import holding, requeue_abandoned
from digit_recognizer.tune.study import Terms, Trial, ask, read_trials
from digit_recognizer.workspace import Workspace
from tests.tune.studies import begin_study


@pytest.fixture
def folder(workspace: Workspace) -> Path:
    return study_folder(workspace, "tiny")


def states(study: Any, terms: Terms) -> list[str]:
    return [trial.state for trial in read_trials(study, terms)]


def die(folder: Path) -> str:
    """Return the name of a holder that was killed: its file is there, without a lock."""
    (folder / "holders" / "dead").touch()
    return "dead"


def test_a_living_holder_keeps_its_trials(workspace: Workspace, folder: Path) -> None:
    study, terms = begin_study(workspace)
    with holding(folder) as mine, holding(folder) as other:
        ask(study, terms, mine)
        ask(study, terms, other)
        assert requeue_abandoned(study, folder, shares_folder=True) == []
        assert states(study, terms) == ["running", "running"]


def test_a_dead_one_s_trial_is_failed_and_its_values_come_first(
    workspace: Workspace, folder: Path
) -> None:
    study, terms = begin_study(workspace)
    own = ask(study, terms, die(folder))
    assert requeue_abandoned(study, folder, shares_folder=True) == [0]
    assert states(study, terms) == ["failed", "waiting"]
    again = ask(study, terms, "nobody")
    assert again.params == own.params
    assert read_trials(study, terms)[1].is_own
    assert again.user_attrs["again_of"] == 0


def test_a_kill_between_queueing_and_failing_queues_once(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, terms = begin_study(workspace)
    ask(study, terms, die(folder))

    def die_here(point: str) -> None:
        assert point == "queued again"
        raise InterruptedError

    monkeypatch.setattr(holders, "fault_point", die_here)
    with pytest.raises(InterruptedError):
        requeue_abandoned(study, folder, shares_folder=True)
    assert states(study, terms) == ["running", "waiting"]
    monkeypatch.undo()
    requeue_abandoned(study, folder, shares_folder=True)
    assert states(study, terms) == ["failed", "waiting"]


def test_values_that_always_kill_are_given_up(workspace: Workspace, folder: Path) -> None:
    study, terms = begin_study(workspace)
    for _ in range(3):
        ask(study, terms, die(folder))
        requeue_abandoned(study, folder, shares_folder=True)
    assert states(study, terms) == ["failed", "failed", "failed"]


@pytest.mark.parametrize(("silent_for", "left"), [(60, []), (3600, [0])])
def test_another_machine_is_known_dead_by_its_silence_alone(
    workspace: Workspace, folder: Path, silent_for: float, left: list[int]
) -> None:
    study, terms = begin_study(workspace)
    trial = ask(study, terms, "of-another-machine")
    trial.set_user_attr("seen", time.time() - silent_for)
    assert requeue_abandoned(study, folder, shares_folder=False) == left


def test_a_trial_without_a_holder_was_left_between_two_steps(
    workspace: Workspace, folder: Path
) -> None:
    study, _ = begin_study(workspace)
    study.ask()
    assert requeue_abandoned(study, folder, shares_folder=False) == [], "it has just begun"
    assert requeue_abandoned(study, folder, shares_folder=True) == [0]


def test_what_dead_holders_leave_is_swept(workspace: Workspace, folder: Path) -> None:
    study, terms = begin_study(workspace)
    trial = ask(study, terms, die(folder))
    requeue_abandoned(study, folder, shares_folder=True)
    with holding(folder) as mine:
        requeue_abandoned(study, folder, shares_folder=True)
        assert [path.name for path in (folder / "holders").iterdir()] == [mine]
    assert not list((folder / "holders").iterdir())
    found: list[Trial] = read_trials(study, terms)
    assert found[trial.number].state == "failed"
