"""Adopted predictions are a run: blended, reported and submitted, but never trained."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.runs.adopt import judge_claim
from digit_recognizer.runs.folder import open_run
from digit_recognizer.workspace import Workspace
from tests.commands import run, run_well, train_tiny
from tests.made_up_runs import make_probabilities

KILLED = -9


@pytest.fixture(scope="module")
def home(_installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a trained run; the tests here add adopted ones under other names."""
    root = tmp_path_factory.mktemp("adopt") / "home"
    shutil.copytree(_installed, root)
    workspace = Workspace(root)
    train_tiny(workspace)
    return workspace


def write_predictions(
    workspace: Workspace, folder: Path, skill: float = 6.0, seed: int = 5, oof_skill: float = 0.0
) -> list[str]:
    """Write predictions of some skill; return the command's options that name them."""
    labels = load_train(workspace).labels
    assert labels is not None
    truth = pd.read_csv(workspace.data / "solution.csv")["Label"].to_numpy()
    for name, of in (("oof", labels), ("test", truth)):
        own = oof_skill if name == "oof" and oof_skill else skill
        np.save(folder / f"{name}.npy", make_probabilities(of, own, seed))
    return ["--oof", str(folder / "oof.npy"), "--test", str(folder / "test.npy")]


def test_it_blends_reports_and_submits_like_any_other(home: Workspace, tmp_path: Path) -> None:
    options = write_predictions(home, tmp_path)
    told = run_well(home, "adopt", "--name", "unet", *options)
    assert "out of fold, as its owner says" in told
    assert "make submit EXPERIMENTS=" in told

    adopted = open_run(home, "unet")
    labels = load_train(home).labels
    wrong = np.load(tmp_path / "oof.npy").argmax(axis=1) != labels
    assert adopted.metrics["errors"] == wrong.sum()
    assert np.array_equal(adopted.load_test(), np.load(tmp_path / "test.npy"))

    submitted = run_well(home, "submit", "--experiments", "tiny", "unet")
    assert "unet was adopted" in submitted
    mean = (open_run(home, "tiny").load_test() + np.load(tmp_path / "test.npy")) / 2
    written = pd.read_csv(home.submissions / "submission.csv")["Label"].to_numpy()
    assert (written == mean.argmax(axis=1)).mean() > 0.98  # ties in the last bit aside

    reported = run_well(home, "report")
    assert "unet" in reported
    page = (home.reports / "unet.html").read_text()
    assert "these predictions were made elsewhere" in page
    assert "Learning curves" not in page
    assert "make adopt NAME=unet" in page


def test_what_needs_a_network_says_that_there_is_none(home: Workspace, tmp_path: Path) -> None:
    run_well(home, "adopt", "--name", "bare", *write_predictions(home, tmp_path))
    picture = tmp_path / "a.png"
    Image.fromarray(load_test(home).images[0]).save(picture)
    for script, *arguments in (
        ("train", "--experiments", "bare"),
        ("predict", "--experiments", "bare", "--", str(picture)),
        ("export", "--experiments", "bare"),
        ("explain", "--experiments", "bare"),
        ("kernel", "--experiments", "bare", "--push=no"),
    ):
        refused = run(home, script, *arguments)
        assert refused.returncode == 1, refused.stdout
        assert "bare was adopted" in refused.stdout
    assert "no network to load" in run_well(home, "validate", "--experiments", "bare")


def test_weights_are_fitted_where_the_folds_are_those_of_the_others(
    home: Workspace, tmp_path: Path
) -> None:
    options = write_predictions(home, tmp_path)
    run_well(home, "adopt", "--name", "foldless", *options)
    fitted = ("--weights", "fitted", "--experiments", "tiny")
    refused = run(home, "submit", *fitted, "foldless")
    assert refused.returncode == 1
    assert "adopted without its folds" in refused.stdout

    labels = load_train(home).labels
    assert labels is not None
    for name, folds, fits in (
        ("same", 7 - 2 * assign_folds(labels, 3, 0).astype(int), True),  # under other numbers
        ("other", assign_folds(labels, 3, 1), False),
    ):
        pd.DataFrame({"fold": folds}).to_csv(tmp_path / "folds.csv", index=False)
        given = ["--folds", str(tmp_path / "folds.csv")]
        run_well(home, "adopt", "--name", name, *options, *given)
        done = run(home, "submit", *fitted, name)
        assert (done.returncode == 0) == fits, done.stdout
        assert fits or "divided into different folds" in done.stdout


def test_nothing_is_replaced_by_mistake(home: Workspace, tmp_path: Path) -> None:
    options = write_predictions(home, tmp_path)
    for name, told in (
        ("tiny", "was trained here"),
        ("stages", "is an experiment or a line-up"),
        ("a/b", "expected up to 64 letters"),
    ):
        refused = run(home, "adopt", "--name", name, *options, "--fresh")
        assert refused.returncode == 1
        assert told in refused.stdout
    run_well(home, "adopt", "--name", "twice", *options)
    before = open_run(home, "twice").metrics
    assert "adopted before" in run(home, "adopt", "--name", "twice", *options).stdout
    write_predictions(home, tmp_path, skill=8.0)
    run_well(home, "adopt", "--name", "twice", *options, "--fresh")
    assert open_run(home, "twice").metrics != before


@pytest.mark.parametrize("fault", ["write oof.npy:1", "rename config.json:1", "adopt:1"])
def test_killed_it_leaves_nothing_and_succeeds_when_run_again(
    home: Workspace, tmp_path: Path, fault: str
) -> None:
    name = "killed-" + re.sub(r"\W", "-", fault)
    arguments = ["--name", name, *write_predictions(home, tmp_path)]
    assert run(home, "adopt", *arguments, fault=fault).returncode == KILLED
    assert not (home.runs / name).exists()
    run_well(home, "adopt", *arguments)
    assert not list(home.runs.glob(".incoming-*"))


def test_implausible_files_are_refused(home: Workspace, tmp_path: Path) -> None:
    options = write_predictions(home, tmp_path)
    right = np.load(tmp_path / "oof.npy")
    np.save(tmp_path / "oof.npy", right[::-1])
    shuffled = run(home, "adopt", "--name", "shuffled", *options)
    assert "in another order" in shuffled.stdout
    np.save(tmp_path / "oof.npy", np.log(right))
    mixed = run(home, "adopt", "--name", "mixed", *options)
    assert "would not be treated alike" in mixed.stdout
    missing = run(home, "adopt", "--name", "missing", "--oof", "gone.csv", *options[2:])
    assert "OOF=gone.csv cannot be read" in missing.stdout
    for done in (shuffled, mixed, missing, run(home, "adopt", "--name", "half", *options[:2])):
        assert done.returncode == 1
        assert "Traceback" not in done.stdout


def test_training_accuracy_is_suspicious_and_honest_accuracy_is_not(
    home: Workspace, tmp_path: Path
) -> None:
    run_well(home, "adopt", "--name", "honest", *write_predictions(home, tmp_path, skill=5.0))
    reference = open_run(home, "tiny")
    assert not judge_claim(open_run(home, "honest"), reference).is_suspicious

    run_well(home, "adopt", "--name", "good", *write_predictions(home, tmp_path, skill=9.0))
    good = open_run(home, "good")
    options = write_predictions(home, tmp_path, skill=2.0, oof_skill=30.0)
    told = run_well(home, "adopt", "--name", "cheat", *options)
    claim = judge_claim(open_run(home, "cheat"), good)
    assert claim.is_suspicious
    assert claim.test.errors / claim.test.images > claim.labelled.errors / claim.labelled.images
    assert "Suspicious" in told or not judge_claim(open_run(home, "cheat"), reference).is_suspicious


def test_another_clones_run_folder_is_installed_with_its_networks(
    home: Workspace, workspace: Workspace
) -> None:
    told = run_well(workspace, "adopt", "--runs", str(home.runs / "tiny"))
    assert "tiny" in told
    assert "bit-identical" in run_well(workspace, "validate", "--experiments", "tiny")
    assert np.array_equal(open_run(workspace, "tiny").load_oof(), open_run(home, "tiny").load_oof())
    for wrong in (home.runs, home.data / "train.csv"):
        refused = run(workspace, "adopt", "--runs", str(wrong))
        assert refused.returncode == 1
        assert "Traceback" not in refused.stdout
