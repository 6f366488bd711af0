"""What a kernel is to do is what a person would type, refused here where it would fail there."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from digit_recognizer.experiments.best_of import save_best
from digit_recognizer.experiments.experiment import Augmentation, Dense, Experiment
from digit_recognizer.experiments.named import EXPERIMENTS, LINEUPS
from digit_recognizer.experiments.text import vary
from digit_recognizer.kernel.build import plan_job
from digit_recognizer.workspace import ProjectError, Workspace

DOWNLOAD = ["download.py", "--source", "auto"]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_long_labels_stay_apart(workspace: Workspace) -> None:
    members = ["stages", "deotte", "conv-32", "dense-128-64", "dense-128-128"]
    slugs = {plan_job(workspace, None, members[:count], [], None).slug for count in range(1, 6)}
    assert len(slugs) == 5


def test_a_job_is_the_commands_that_a_person_would_type(workspace: Workspace) -> None:
    assert plan_job(workspace, "quick", [], [], None).commands == [
        DOWNLOAD,
        ["train.py", "--lineup", "quick"],
        ["submit.py", "--upload", "no", "--lineup", "quick"],
    ]
    two = plan_job(workspace, None, ["stages", "deotte"], [], None)
    assert two.names == ["stages", "deotte"]
    assert two.commands[1:] == [
        ["train.py", "--experiments", "stages", "deotte"],
        ["submit.py", "--upload", "no", "--experiments", "stages", "deotte"],
    ]
    assert plan_job(workspace, None, [], [], None).names == list(LINEUPS["standard"])
    varied = plan_job(workspace, None, ["stages"], ["seed=3", "epochs=2"], "mine")
    assert varied.names == ["mine"]
    assert varied.commands[1][1:] == [
        *("--experiments", "stages", "--set", "epochs=2", "seed=3", "--name", "mine")
    ]
    assert varied.commands[2][-2:] == ["--experiments", "mine"]
    # A line-up of one is varied like its experiment, and so is the one that nobody named.
    for lineup in ("standard", None):
        of_one = plan_job(workspace, lineup, [], ["seed=3", "epochs=2"], "mine")
        assert of_one == varied


def test_what_only_this_workspace_knows_by_name_is_spelt_out(workspace: Workspace) -> None:
    found = replace(EXPERIMENTS["stages-short"], epochs=9, augmentation=Augmentation(rotation=5.5))
    save_best(workspace, "wide", 12, found)
    job = plan_job(workspace, None, ["stages", "best-of-wide"], [], None)
    assert job.names == ["stages", "best-of-wide"]
    assert job.commands[1] == ["train.py", "--experiments", "stages"]
    base, settings = job.commands[2][2], job.commands[2][4:-2]
    assert vary(EXPERIMENTS[base], settings, "best-of-wide") == replace(found, name="best-of-wide")
    assert job.commands[2][-2:] == ["--name", "best-of-wide"]
    assert job.commands[3][-3:] == ["--experiments", "stages", "best-of-wide"]

    again = plan_job(workspace, None, ["best-of-wide"], ["seed=3"], "again")
    assert again.names == ["again"]
    assert {"seed=3", "epochs=9"} < set(again.commands[1])

    save_best(workspace, "none", 0, Experiment("any", Dense(())))
    with pytest.raises(ProjectError, match="No settings of any experiment make best-of-none"):
        plan_job(workspace, None, ["best-of-none"], [], None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fast", [], [], None), "no line-up 'fast'"),
        (("quick", ["stages"], [], None), "not both"),
        ((None, ["mine"], [], None), "no experiment 'mine'"),
        ((None, ["stages", "deotte"], ["seed=3"], "x"), "exactly one"),
        ((None, ["stages"], ["seed=3"], None), "both SET"),
        ((None, ["stages"], ["sed=3"], "x"), "no key 'sed'"),
    ],
)
def test_what_would_fail_over_there_is_refused_here(
    workspace: Workspace,
    arguments: tuple[str | None, list[str], list[str], str | None],
    message: str,
) -> None:
    with pytest.raises(ProjectError, match=re.escape(message)):
        plan_job(workspace, *arguments)
