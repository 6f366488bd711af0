"""What a run without faults leads to, for those with faults to be held against."""

from pathlib import Path

import pytest

from digit_recognizer.workspace import Workspace
from tests.commands import run_well, submission_hash, train_tiny, trained_folds


@pytest.fixture(scope="session")
def undisturbed(tiny_source: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The sha256 of the submission that a run without faults leads to."""
    workspace = Workspace(tmp_path_factory.mktemp("undisturbed"))
    run_well(workspace, "download", "--source", str(tiny_source))
    assert trained_folds(train_tiny(workspace)) == [0, 1, 2]
    return submission_hash(workspace)
