"""One small line-up that is really trained, shared by all tests that need trained networks."""

import fcntl
import os
from pathlib import Path

import pytest

from digit_recognizer.workspace import Workspace
from tests.commands import run_well

SMALL = "small"


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the bundled sample and the run "small", of two well-trained networks.

    Read only: tests that write use a copy. Parallel test processes train it once for all.
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
