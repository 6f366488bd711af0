"""Which runs a command takes, and what it says of better ones."""

import io

import pytest
from rich.console import Console

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.learn.lineup import train_lineup
from digit_recognizer.runs.folder import open_run
from digit_recognizer.runs.selection import (
    Selection,
    choose_trained,
    rank_trained,
    resolve_selection,
)
from digit_recognizer.workspace import ProjectError, Workspace, write_json
from tests.conftest import TEST_ROWS
from tests.made_up_runs import FOLDS, make_up_run


def train_made_up(workspace: Workspace, name: str, skill: float, seed: int = 1) -> None:
    """Make a complete run of the workspace's data, which is then the one that was trained last."""
    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    make_up_run(
        workspace,
        name,
        labels=train.labels,
        folds=assign_folds(train.labels, FOLDS, seed=0),
        data=fingerprint_of(train, test),
        skill=skill,
        seed=seed,
        test_images=TEST_ROWS,
    )
    write_json(workspace.runs / "latest.json", {"label": name, "names": [name]})


def choose(workspace: Workspace, lineup: str | None = None, *names: str) -> tuple[Selection, str]:
    console = Console(file=io.StringIO(), soft_wrap=True)
    selection = choose_trained(workspace, lineup, list(names), console)
    return selection, console.file.getvalue()  # type: ignore[attr-defined]


def test_what_was_trained_last_is_taken_and_a_clearly_better_run_is_named(
    workspace: Workspace,
) -> None:
    train_made_up(workspace, "good", skill=6)
    selection, told = choose(workspace)
    assert selection.names == ("good",)
    assert told == "good was trained last, so it is taken.\n"

    train_made_up(workspace, "bad", skill=0.5, seed=2)
    selection, told = choose(workspace)
    assert selection.names == ("bad",)
    assert "bad was trained last" in told
    assert "good makes fewer errors out of fold" in told
    assert "EXPERIMENTS=good" in told
    assert choose(workspace, None, "bad") == (selection, ""), "a name is a choice"


def test_a_difference_that_chance_would_make_is_not_told(workspace: Workspace) -> None:
    train_made_up(workspace, "one", skill=2, seed=1)
    train_made_up(workspace, "other", skill=2, seed=2)
    first, second = rank_trained(workspace)
    assert first.score.errors != second.score.errors
    write_json(
        workspace.runs / "latest.json",
        {"label": "last", "names": list(second.selection.names)},
    )
    assert "fewer errors" not in choose(workspace)[1]


def test_a_member_that_beats_its_blend_is_named(workspace: Workspace) -> None:
    train_made_up(workspace, "bad", skill=-5, seed=2)
    train_made_up(workspace, "good", skill=3)
    write_json(workspace.runs / "latest.json", {"label": "both", "names": ["bad", "good"]})
    for told in (choose(workspace)[1], choose(workspace, None, "bad", "good")[1]):
        assert "good makes fewer errors out of fold" in told
        assert "one of its members alone" in told


def test_the_top_is_what_makes_the_fewest_errors_on_these_data(workspace: Workspace) -> None:
    with pytest.raises(ProjectError, match="Nothing has been trained"):
        choose(workspace, "top")
    train_made_up(workspace, "good", skill=4)
    train_made_up(workspace, "bad", skill=0.5, seed=2)
    make_up_run(workspace, "of-other-data", skill=9)
    train_made_up(workspace, "damaged", skill=9)
    (workspace.runs / "damaged/fold-0/oof.npy").write_bytes(b"")
    selection, told = choose(workspace, "top")
    assert selection.names == ("good",)
    errors = open_run(workspace, "good").metrics["errors"]
    assert "good scores best: " in told
    assert f" {errors} error" in told


def test_what_cannot_be_trained_or_does_not_fit_is_said(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(file=io.StringIO(), soft_wrap=True)

    def train(lineup: str | None) -> str:
        train_lineup(workspace, lineup, [], [], None, None, None, False, console)
        return console.file.getvalue()  # type: ignore[attr-defined]

    with pytest.raises(ProjectError, match="LINEUP=top is whatever was trained"):
        train("top")
    monkeypatch.setattr(
        "digit_recognizer.learn.lineup.train_experiments", lambda *_: pytest.skip("not reached")
    )
    for lineup, is_told in (("sample", False), ("quick", True)):
        with pytest.raises(pytest.skip.Exception):
            train(lineup)
        told = console.file.getvalue()  # type: ignore[attr-defined]
        assert (f"LINEUP={lineup} is meant for Kaggle's 42,000" in told) == is_told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("conv-23", r"Did you mean conv-32\? There are: "),
        ("conv-32,stages", r"Separate names by spaces: EXPERIMENTS=\"a b\"\. There are: "),
        ("zzz", r"'zzz'\. There are: "),
    ],
)
def test_a_name_that_is_not_known_is_answered_with_what_may_be_meant(
    workspace: Workspace, name: str, told: str
) -> None:
    with pytest.raises(ProjectError, match=told):
        resolve_selection(workspace, Selection(name, (name,)), [], None)


def test_a_run_that_is_not_there_is_answered_with_the_nearest(workspace: Workspace) -> None:
    train_made_up(workspace, "conv-32", skill=1)
    with pytest.raises(ProjectError, match=r"There is no run 'conv-23' .* Did you mean conv-32\?"):
        open_run(workspace, "conv-23")
