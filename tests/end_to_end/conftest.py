"""A run without faults, for runs with faults to be compared with and to begin from."""

import shutil
from pathlib import Path

import pytest

from digit_recognizer.workspace import Workspace
from tests.commands import run_well, submission_hash, train_tiny, trained_folds


@pytest.fixture(scope="session")
def _undisturbed(tiny_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("undisturbed"))
    run_well(workspace, "download", "--source", str(tiny_source))
    assert trained_folds(train_tiny(workspace)) == [0, 1, 2]
    return workspace


@pytest.fixture(scope="session")
def undisturbed(_undisturbed: Workspace) -> str:
    """The sha256 of the submission that a run without faults leads to."""
    return submission_hash(_undisturbed)


@pytest.fixture
def trained(_undisturbed: Workspace, workspace: Workspace) -> Workspace:
    """A workspace of its own with the trained run."""
    shutil.copytree(_undisturbed.runs, workspace.runs)
    return workspace
