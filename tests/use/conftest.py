"""One small line-up, really trained, that all tests of trained networks share."""

import fcntl
import os
from pathlib import Path

import pytest

from digit_recognizer.workspace import Workspace
from tests.commands import run_well

SMALL = "small"


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the bundled sample and the run "small": two networks that know their digits.

    For reading: tests that write take a copy of it. Processes that test side by side train it once.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "small-home"
    with open(shared.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "runs/latest.json").exists():
            workspace = Workspace(shared)
            run_well(workspace, "download", "--source", "sample")
            # fmt: off
            run_well(
                workspace, "train", "--experiments", "sample-stages", "--name", SMALL, "--set",
                "folds=2", "epochs=14", "precision=float32",
            )
            # fmt: on
    return shared
