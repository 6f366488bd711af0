"""The real command: trials until the budget is used, with kills and parallel processes."""

import io
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from digit_recognizer.data.sources import download
from digit_recognizer.experiments.spaces import apply
from digit_recognizer.experiments.text import from_dict
from digit_recognizer.runs.folder import open_run
from digit_recognizer.tune.judging import find_verdict, judged_pair
from digit_recognizer.tune.pruning import STEPS_PER_FOLD
from digit_recognizer.tune.run import tune
from digit_recognizer.tune.study import Trial, ask, find_best_trial, read_trials
from digit_recognizer.workspace import ProjectError, Workspace, read_json
from tests.commands import run_well, start
from tests.processes import assert_group_ends
from tests.tune.studies import (
    EXPERIMENT,
    OWN_PASSES,
    TUNE,
    begin_study,
    counted,
    make_up_study,
    read_study,
    settle_terms,
)

KILLED = -signal.SIGKILL
ONE = ["--jobs", "1"]


@pytest.fixture(scope="module")
def searched(_installed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    """A study of three trials in one process, and the command's output; read only."""
    root = tmp_path_factory.mktemp("searched") / "work space"
    shutil.copytree(_installed, root)
    workspace = Workspace(root)
    return workspace, run_well(workspace, "tune", *TUNE, "--trials", "3", *ONE)


@pytest.fixture
def copied(searched: tuple[Workspace, str], tmp_path: Path) -> Workspace:
    shutil.copytree(searched[0].root, tmp_path / "copied")
    return Workspace(tmp_path / "copied")


def essence(trials: list[Trial]) -> list[tuple[object, ...]]:
    return [(each.number, each.state, each.chosen, each.wrong, each.passes) for each in trials]


def test_a_study_reports_its_trials_and_saves_the_best(searched: tuple[Workspace, str]) -> None:
    workspace, output = searched
    trials = read_study(workspace)
    assert [trial.number for trial in counted(trials)] == [0, 1, 2]
    assert trials[0].is_original
    assert apply(EXPERIMENT, trials[0].chosen) == EXPERIMENT
    assert trials[0].passes == OWN_PASSES
    for trial in trials:
        assert trial.errors == len(trial.wrong) == sum(trial.fold_errors.values())
        epochs = trial.chosen["epochs"]
        assert isinstance(epochs, int)
        assert trial.passes == OWN_PASSES / EXPERIMENT.epochs * epochs
        assert (
            f"trial {trial.number} ({trial.number + 1} of 3) done: {trial.errors} wrong" in output
        )

    best = min(trials, key=lambda trial: (trial.errors, trial.number))
    assert f"Best: trial {best.number}, {best.errors} wrong" in output
    kept = read_json(workspace.studies / "tiny" / "best.json")
    assert kept["trial"] == best.number
    assert from_dict(kept["experiment"]).name == "best-of-tiny"
    assert not list((workspace.studies / "tiny" / "holders").iterdir())
    assert (workspace.reports / "tune-tiny.html").exists()


@pytest.mark.slow
def test_one_or_two_commands_with_the_same_seed_make_the_same_trials(
    searched: tuple[Workspace, str], workspace: Workspace
) -> None:
    run_well(workspace, "tune", *TUNE, "--trials", "2", *ONE)
    run_well(workspace, "tune", *TUNE, "--trials", "3", *ONE)
    assert essence(read_study(workspace)) == essence(read_study(searched[0]))


def test_the_best_is_an_experiment_like_any_other(copied: Workspace) -> None:
    output = run_well(copied, "train", "--experiments", "best-of-tiny", "--folds", "0", *ONE)
    best = read_json(copied.studies / "tiny" / "best.json")["trial"]
    (trial,) = [each for each in read_study(copied) if each.number == best]
    # The same folds and seed as in the study, so the same network, bit for bit.
    assert f"best-of-tiny fold 0: {trial.fold_errors[0]} of 48 held-out images wrong" in output
    varied = ["--set", "seed=1", "--name", "again"]
    run_well(copied, "train", "--experiments", "best-of-tiny", *varied, "--folds", "0", *ONE)
    assert (copied.runs / "again" / "fold-0" / "done.json").exists()


def tune_here(workspace: Workspace, **asked: Any) -> str:
    """Do what the command does, in this process; for what trains nothing."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("study", "trials", "passes", "storage", "folds", "jobs", "judge", "experiment")
    )
    said = io.StringIO()
    console = Console(file=said, soft_wrap=True)
    tune(workspace, **{**nothing, "device": "auto", "sampler": "tpe", **asked}, console=console)
    return said.getvalue()


TINY_STUDY = {"experiment": EXPERIMENT.name, "study": "tiny"}


def test_with_a_used_budget_nothing_is_trained(copied: Workspace) -> None:
    before = essence(read_study(copied))
    assert "nothing is left to do" in tune_here(copied, **TINY_STUDY, trials=3)
    # The last trial may exceed the budget, so more passes than these are used.
    assert "nothing is left to do" in tune_here(copied, **TINY_STUDY, passes=2_000)
    assert essence(read_study(copied)) == before


@pytest.mark.slow
def test_passes_limit_a_study(workspace: Workspace) -> None:
    run_well(workspace, "tune", *TUNE, "--passes", str(OWN_PASSES + 1), *ONE)
    trials = read_study(workspace)
    assert [trial.state for trial in trials] == ["done", "done"], (
        "the second one exceeds the budget"
    )


def test_a_study_with_other_settings_is_refused_with_the_differences(
    copied: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    with pytest.raises(ProjectError, match=r"folds: \[0, 1\] there, \[1, 2\] now"):
        tune_here(copied, **TINY_STUDY, trials=4, folds=[1, 2])
    with pytest.raises(ProjectError, match="sampler: tpe there, random now"):
        tune_here(copied, **TINY_STUDY, trials=4, sampler="random")
    with pytest.raises(ProjectError, match=r"experiment\.name: dense-128-128 there, conv-32 now"):
        tune_here(copied, experiment="conv-32", study="tiny", trials=4)

    changed = tmp_path / "changed"
    shutil.copytree(tiny_source, changed)
    lines = (changed / "train.csv").read_text().splitlines()
    (changed / "train.csv").write_text("\n".join([lines[0], *lines[2:], lines[1]]) + "\n")
    download(copied, str(changed))
    with pytest.raises(ProjectError, match=r"data: \w+\.\.\. there.*\s.*another STUDY name"):
        tune_here(copied, **TINY_STUDY, trials=4)
    with pytest.raises(ProjectError, match="about other data"):
        tune_here(copied, study="tiny", judge=[1])
    assert len(read_study(copied)) == 3


@pytest.mark.parametrize(
    "fault",
    [
        # Each fold has two looks, and the first its end: five reports of a trial, then two more.
        pytest.param("report:7", id="within the second trial"),
        pytest.param("fold:1", id="after the first trial's first fold"),
        pytest.param("asked:1", id="before the first trial has a holder"),
    ],
)
@pytest.mark.slow
def test_a_killed_search_continues_and_tries_the_same_values_again(
    workspace: Workspace, fault: str
) -> None:
    process = start(workspace, "tune", *TUNE, "--trials", "2", *ONE, fault=fault)
    process.communicate(timeout=600)
    assert process.returncode == KILLED
    assert_group_ends(process.pid, 30)

    output = run_well(workspace, "tune", *TUNE, "--trials", "2", *ONE)

    assert "its values are tried again" in output
    trials = read_study(workspace)
    assert len(counted(trials)) == 2
    (killed,) = [trial for trial in trials if trial.state == "failed"]
    assert sum(each.chosen == killed.chosen for each in counted(trials)) == 1
    assert counted(trials)[0].is_original
    for trial in counted(trials):
        epochs = trial.chosen["epochs"]
        assert isinstance(epochs, int)
        # A finished fold is not trained again.
        kept = killed.passes if trial.chosen == killed.chosen else 0
        assert trial.passes + kept == OWN_PASSES / EXPERIMENT.epochs * epochs


@pytest.mark.slow
def test_a_killed_worker_ends_the_search_in_plain_words(workspace: Workspace) -> None:
    process = start(workspace, "tune", *TUNE, "--trials", "2", *ONE, fault="epoch:4")
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 1, output
    assert "worker process was killed" in output
    assert "Traceback" not in output
    assert_group_ends(process.pid, 30)
    run_well(workspace, "tune", *TUNE, "--trials", "2", *ONE)
    states = [trial.state for trial in read_study(workspace)]
    assert states == ["failed", "done", "done"]


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.slow
def test_a_stopped_search_ends_at_once_and_can_continue(
    workspace: Workspace, name: str, code: int
) -> None:
    fault = f"report:2:{name}"
    process = start(workspace, "tune", *TUNE, "--trials", "2", "--jobs", "2", fault=fault)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == code, output
    assert "continues from there" in output
    assert "Traceback" not in output
    assert_group_ends(process.pid, 30)
    assert {trial.state for trial in read_study(workspace)} == {"running"}
    tune_here(workspace, **TINY_STUDY, trials=0)
    assert {trial.state for trial in read_study(workspace)} == {"failed", "waiting"}


@pytest.mark.slow
def test_a_trial_worse_than_all_others_is_pruned_and_cheaper(workspace: Workspace) -> None:
    study, terms = begin_study(workspace)
    for _ in range(6):
        flawless = ask(study, terms, "nobody")
        for step in range(STEPS_PER_FOLD):
            flawless.report(0.0, step)
        study.tell(flawless, 0.0)
    output = run_well(workspace, "tune", *TUNE, "--trials", "7", *ONE)
    trial = read_study(workspace)[-1]
    assert trial.state == "pruned", output
    assert "trial 6 (7 of 7) pruned in its first fold" in output
    epochs = trial.chosen["epochs"]
    assert isinstance(epochs, int)
    full = OWN_PASSES / EXPERIMENT.epochs * epochs
    assert 0.25 <= trial.passes / full < 0.5, "it ends at the first epoch after half of a fold"
    assert trial.errors is None and not trial.wrong


@pytest.mark.slow
def test_the_best_is_compared_on_another_seed(workspace: Workspace) -> None:
    study = make_up_study(workspace)
    output = run_well(workspace, "tune", "--study", "tiny", "--judge", "1", *ONE)
    terms = settle_terms(workspace)
    best = find_best_trial(read_trials(study, terms))
    assert best and not best.is_original
    verdict = find_verdict(workspace, "tiny", terms, best)
    assert verdict and verdict.seeds == [1]
    names = [each.name for each in judged_pair("tiny", terms, best, 1)]
    varied, own = (open_run(workspace, name) for name in names)
    assert (varied.folds == own.folds).all()
    assert [varied.metrics["errors"]] == verdict.best_errors
    assert [own.metrics["errors"]] == verdict.original_errors
    assert (
        f"seed 1: tuned {verdict.best_errors[0]} wrong, original {verdict.original_errors[0]}"
        in output
    )
    with pytest.raises(ProjectError, match="but not 0"):
        tune_here(workspace, study="tiny", judge=[0])


@pytest.mark.slow
def test_two_commands_work_on_one_study(workspace: Workspace) -> None:
    outputs = _run_both(workspace, "--trials", "5")
    trials = read_study(workspace)
    assert [trial.state for trial in trials] == ["done"] * 5, outputs
    assert [trial.number for trial in trials] == list(range(5))
    assert sum(trial.is_original for trial in trials) == 1
    assert all("(1 of 5)" in output or "(2 of 5)" in output for output in outputs)


@pytest.mark.slow
def test_a_database_is_shared_and_survives_a_kill(workspace: Workspace, postgresql: str) -> None:
    stored = [*TUNE, "--storage", postgresql, *ONE]
    first = start(workspace, "tune", *stored, "--trials", "6")
    second = start(workspace, "tune", *stored, "--trials", "6", fault="report:4")
    outputs = [process.communicate(timeout=600)[0] for process in (second, first)]
    assert second.returncode == KILLED, outputs
    assert first.returncode == 0, outputs
    assert_group_ends(second.pid, 30)
    run_well(workspace, "tune", *stored, "--trials", "6")

    trials = read_study(workspace, postgresql)
    assert [trial.number for trial in trials] == list(range(7))
    assert len(counted(trials)) == 6
    (killed,) = [trial for trial in trials if trial.state == "failed"]
    assert sum(each.chosen == killed.chosen for each in counted(trials)) == 1
    assert not (workspace.studies / "tiny" / "journal.log").exists()
    assert not any("geheim" in output for output in outputs)


def _run_both(workspace: Workspace, *arguments: str) -> list[str]:
    both = [start(workspace, "tune", *TUNE, *arguments, *ONE) for _ in range(2)]
    outputs = [process.communicate(timeout=600)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    return outputs


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"experiment": "deotte"}, "no search space"),
        ({"experiment": "nosuch"}, "no experiment 'nosuch'"),
        ({"trials": 3}, "Name what to vary"),
        ({"study": "tiny"}, "A search needs an EXPERIMENT"),
        ({"study": "tiny", "judge": [1]}, "no study 'tiny'"),
        ({**TINY_STUDY, "trials": -1}, "TRIALS=-1"),
        ({**TINY_STUDY, "passes": 0}, "PASSES=0"),
        ({**TINY_STUDY, "folds": [5]}, r"FOLDS=\[5\]"),
        ({**TINY_STUDY, "sampler": "grid"}, "SAMPLER=grid"),
        ({**TINY_STUDY, "jobs": 0}, "JOBS=0"),
        ({"experiment": EXPERIMENT.name, "study": "../up"}, r"STUDY=\.\./up"),
    ],
)
def test_invalid_options_are_refused(
    workspace: Workspace, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(ProjectError, match=said):
        tune_here(workspace, **asked)


@pytest.mark.slow
def test_trials_run_on_a_graphics_card(workspace: Workspace) -> None:
    """JAX's processor stands for the card; in forks, Keras computes by TensorFlow."""
    new = {"imported": False, "JAX_PLATFORMS": "cpu"}
    told = run_well(workspace, "tune", *TUNE, "--trials", "2", "--device", "gpu", **new)
    assert "; cpu\n" in told
    assert all(trial.state in ("done", "pruned") for trial in read_study(workspace))
    assert any((workspace.runs / ".compiled").iterdir())
