"""A third of the labelled digits is held back, always the same, and none is in both parts."""

from pathlib import Path

import numpy as np
import pytest

from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.data.sources import download
from digit_recognizer.data.split import write_split
from digit_recognizer.workspace import ProjectError, Workspace
from tests.conftest import TRAIN_ROWS
from tests.limits import largest_file


def read_solution(workspace: Workspace) -> np.ndarray:
    return np.loadtxt(workspace.data / "solution.csv", int, delimiter=",", skiprows=1)[:, 1]


def as_rows(images: np.ndarray, labels: np.ndarray) -> list[bytes]:
    return [bytes([label]) + image.tobytes() for image, label in zip(images, labels, strict=True)]


def test_the_two_parts_are_a_source_and_together_what_was_there(
    workspace: Workspace, tmp_path: Path
) -> None:
    whole = load_train(workspace)
    assert whole.labels is not None
    elsewhere = Workspace(tmp_path / "elsewhere")
    assert f"{TRAIN_ROWS // 3} unlabelled" in download(elsewhere, str(write_split(workspace)))

    kept, held_back, answers = load_train(elsewhere), load_test(elsewhere), read_solution(elsewhere)
    assert kept.labels is not None
    parts = as_rows(kept.images, kept.labels) + as_rows(held_back.images, answers)
    assert sorted(parts) == sorted(as_rows(whole.images, whole.labels))

    shares = np.bincount(answers, minlength=10) / np.bincount(whole.labels)
    assert abs(shares - 1 / 3).max() < 0.05


def test_it_is_the_same_part_each_time(workspace: Workspace) -> None:
    folder = write_split(workspace)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(before) == 4
    write_split(workspace)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_full_disk_keeps_the_earlier_parts(workspace: Workspace) -> None:
    folder = write_split(workspace)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with largest_file(20_000), pytest.raises(ProjectError, match="Cannot write"):
        write_split(workspace)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert not list(workspace.data.glob(".incoming-*"))
