"""`make explain` as a user runs it, with trained networks."""

import importlib.util
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from digit_recognizer.data.dataset import load_train
from digit_recognizer.runs.folder import open_run
from digit_recognizer.workspace import Workspace, read_json, write_json
from tests.browser import open_file
from tests.commands import run, run_well

TINY_CONVOLUTION = [
    "--experiments", "conv-32", "--name", "tiny", "--set", "network.filters=4", "pixels=unit",
    "network.hidden_units=16", "epochs=3", "batch_size=16", "folds=3", "test_shift=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def _trained(_installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained") / "home"
    shutil.copytree(_installed, root)
    run_well(Workspace(root), "train", *TINY_CONVOLUTION)
    return root


@pytest.fixture
def trained(_trained: Path, tmp_path: Path) -> Workspace:
    root = tmp_path / "trained home"
    shutil.copytree(_trained, root)
    return Workspace(root)


@pytest.mark.slow
def test_it_explains_the_hardest_and_typical_images_by_out_of_fold_networks(
    trained: Workspace, tab: Page
) -> None:
    printed = run_well(trained, "explain")
    assert "12 hardest and " in printed
    assert "Written: reports/explain.html" in printed
    open_file(tab, trained.reports / "explain.html")

    labels = load_train(trained).labels
    assert labels is not None
    tiny = open_run(trained, "tiny")
    probabilities, folds = tiny.load_oof(), tiny.folds
    predicted = probabilities.argmax(axis=1)
    cases = tab.locator("article").all()
    rows = []
    for case in cases:
        said = case.locator("img").first.get_attribute("alt") or ""
        row, label, taken = (int(figure) for figure in re.findall(r"\d+", said))
        row -= 1  # rows are counted from 1
        assert (label, taken) == (labels[row], predicted[row])
        assert f"predicted by tiny fold {folds[row]}." in case.inner_text()
        rows.append(row)
    wrong = np.flatnonzero(predicted != labels)
    assert wrong.size, "a network trained for a second makes some errors"
    surest = wrong[probabilities[wrong].max(axis=1).argmax()]
    assert rows[0] == surest
    assert labels[rows[12:]].tolist() == sorted(set(labels[predicted == labels].tolist()))

    # The explained probability is the recorded one, and the maps sum to it.
    text = tab.inner_text("#figures")
    assert float(re.findall(r"at most (0\.\d+)", text)[0]) < 0.001
    short = tab.locator("#figures tbody td:nth-child(7)").all()
    assert all(abs(float(each.get_attribute("data-value") or "")) <= 0.1 for each in short)

    has_shap = importlib.util.find_spec("shap") is not None
    assert ("SHAP, sum" in tab.inner_text("#hardest")) == has_shap
    assert ("make explain SHAP=1" in printed) == (not has_shap)

    first = (trained.reports / "explain.html").read_bytes()
    run_well(trained, "explain", "--experiments", "tiny")
    assert (trained.reports / "explain.html").read_bytes() == first, "the same bytes again"
    assert [path.name for path in trained.reports.iterdir()] == ["explain.html"]


def test_missing_files_are_reported_in_plain_words(trained: Workspace, tmp_path: Path) -> None:
    def complain(workspace: Workspace, *arguments: str) -> str:
        done = run(workspace, "explain", *arguments)
        assert done.returncode == 1
        assert "Traceback" not in done.stdout
        assert not (workspace.reports / "explain.html").exists()
        return done.stdout

    assert "make download" in complain(Workspace(tmp_path / "nothing"))
    assert "There is no run 'stages'" in complain(trained, "--experiments", "stages")
    (trained.runs / "tiny" / "fold-1" / "done.json").unlink()
    assert "fold 1 of 3 is missing" in complain(trained)
    config = read_json(trained.runs / "tiny" / "config.json")
    write_json(trained.runs / "tiny" / "config.json", {**config, "data": "b" * 64})
    assert "other data" in complain(trained)
    (trained.runs / "latest.json").write_text(json.dumps({}))
    assert "make train" in complain(trained)
