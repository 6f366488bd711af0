"""Trials of dead processes are tried again, once each and not forever."""

import time
from pathlib import Path
from typing import Any

import pytest

from digit_recognizer.experiments.best_of import study_folder
from digit_recognizer.tune import live_processes
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


def test_a_living_process_keeps_its_trials(workspace: Workspace, folder: Path) -> None:
    study, terms = begin_study(workspace)
    with holding(folder) as mine, holding(folder) as other:
        ask(study, terms, mine)
        ask(study, terms, other)
        assert requeue_abandoned(study, folder, shares_folder=True) == []
        assert states(study, terms) == ["running", "running"]


def test_the_trial_of_a_dead_process_is_failed_and_its_values_come_first(
    workspace: Workspace, folder: Path
) -> None:
    study, terms = begin_study(workspace)
    own = ask(study, terms, die(folder))
    assert requeue_abandoned(study, folder, shares_folder=True) == [0]
    assert states(study, terms) == ["failed", "waiting"]
    again = ask(study, terms, "nobody")
    assert again.params == own.params
    assert read_trials(study, terms)[1].is_original
    assert again.user_attrs["again_of"] == 0


def test_after_a_kill_between_queueing_and_failing_the_values_are_queued_once(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, terms = begin_study(workspace)
    ask(study, terms, die(folder))

    def die_here(point: str) -> None:
        assert point == "queued again"
        raise InterruptedError

    monkeypatch.setattr(live_processes, "fault_point", die_here)
    with pytest.raises(InterruptedError):
        requeue_abandoned(study, folder, shares_folder=True)
    assert states(study, terms) == ["running", "waiting"]
    monkeypatch.undo()
    requeue_abandoned(study, folder, shares_folder=True)
    assert states(study, terms) == ["failed", "waiting"]


def test_values_that_always_kill_their_process_are_given_up(
    workspace: Workspace, folder: Path
) -> None:
    study, terms = begin_study(workspace)
    for _ in range(3):
        ask(study, terms, die(folder))
        requeue_abandoned(study, folder, shares_folder=True)
    assert states(study, terms) == ["failed", "failed", "failed"]


@pytest.mark.parametrize(("silent_for", "left"), [(60, []), (3600, [0])])
def test_a_process_on_another_machine_counts_as_dead_after_a_long_silence(
    workspace: Workspace, folder: Path, silent_for: float, left: list[int]
) -> None:
    study, terms = begin_study(workspace)
    trial = ask(study, terms, "of-another-machine")
    trial.set_user_attr("seen", time.time() - silent_for)
    assert requeue_abandoned(study, folder, shares_folder=False) == left


def test_a_trial_without_a_holder_counts_as_left_by_a_killed_process(
    workspace: Workspace, folder: Path
) -> None:
    study, _ = begin_study(workspace)
    study.ask()
    assert requeue_abandoned(study, folder, shares_folder=False) == [], "it has just begun"
    assert requeue_abandoned(study, folder, shares_folder=True) == [0]


def test_files_of_dead_processes_are_deleted(workspace: Workspace, folder: Path) -> None:
    study, terms = begin_study(workspace)
    trial = ask(study, terms, die(folder))
    requeue_abandoned(study, folder, shares_folder=True)
    with holding(folder) as mine:
        requeue_abandoned(study, folder, shares_folder=True)
        assert [path.name for path in (folder / "holders").iterdir()] == [mine]
    assert not list((folder / "holders").iterdir())
    found: list[Trial] = read_trials(study, terms)
    assert found[trial.number].state == "failed"
