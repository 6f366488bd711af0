"""What a kernel is to do is what a person would type, and refused at home where that fails."""

import re

import pytest

from digit_recognizer.experiments import LINEUPS
from digit_recognizer.kernel.build import plan_job
from digit_recognizer.workspace import ProjectError

DOWNLOAD = ["download.py", "--source", "auto"]


def test_long_labels_stay_apart() -> None:
    members = ["stages", "deotte", "conv-32", "dense-128-64", "dense-128-128"]
    slugs = {plan_job(None, members[:count], [], None).slug for count in range(1, 6)}
    assert len(slugs) == 5


def test_a_job_is_the_commands_that_a_person_would_type() -> None:
    assert plan_job("quick", [], [], None).commands == [
        DOWNLOAD,
        ["train.py", "--jobs", "1", "--lineup", "quick"],
        ["submit.py", "--upload", "no", "--lineup", "quick"],
    ]
    two = plan_job(None, ["stages", "deotte"], [], None)
    assert two.names == ["stages", "deotte"]
    assert two.commands[1:] == [
        ["train.py", "--jobs", "1", "--experiments", "stages", "deotte"],
        ["submit.py", "--upload", "no", "--experiments", "stages", "deotte"],
    ]
    assert plan_job(None, [], [], None).names == list(LINEUPS["standard"])
    varied = plan_job(None, ["stages"], ["seed=3", "epochs=2"], "mine")
    assert varied.names == ["mine"]
    assert varied.commands[1][3:] == [
        *("--experiments", "stages", "--set", "seed=3", "epochs=2", "--name", "mine")
    ]
    assert varied.commands[2][-2:] == ["--experiments", "mine"]


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
    arguments: tuple[str | None, list[str], list[str], str | None], message: str
) -> None:
    with pytest.raises(ProjectError, match=re.escape(message)):
        plan_job(*arguments)
