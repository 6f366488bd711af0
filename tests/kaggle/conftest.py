"""Workspaces for what is tried against the made-up Kaggle: an empty one, and one that can submit.

What always holds: what is slow (the download, reading the files, the run) is made once for all
tests of a run of pytest; a test gets links to it, which nothing that it runs writes to.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.workspace import Workspace
from tests.commands import run_well
from tests.kaggle.fixtures import MadeUpCompetition
from tests.kaggle.made_up import TEST_ROWS
from tests.kaggle.pipeline import PATIENCE
from tests.kaggle.server import KaggleServer
from tests.made_up_runs import FOLDS, make_up_run


@pytest.fixture(scope="session")
def ready_folder(competition: MadeUpCompetition, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Kaggle's data, downloaded as a person does it, and a made-up run of them."""
    folder = competition.archive.parent / "ready"
    with open(folder.with_suffix(".lock"), "w") as lock, pytest.MonkeyPatch.context() as patch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "runs").exists():  # written last, and whole
            for variable in [name for name in os.environ if name.startswith("KAGGLE_")]:
                patch.delenv(variable)
            patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
            _make_ready(Workspace(folder), competition)
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work space")


@pytest.fixture
def ready(empty: Workspace, ready_folder: Path) -> Workspace:
    """A workspace with Kaggle's data and a run that was trained on them."""
    empty.root.mkdir()
    for shared in (empty.data, empty.runs):
        shared.symlink_to(ready_folder / shared.name)
    return empty


@pytest.fixture
def kaggle(kaggle: KaggleServer) -> Iterator[KaggleServer]:
    """The made-up Kaggle, which scores at once: what waits for scores says so."""
    kaggle.pending_polls = 0
    yield kaggle


def _make_ready(workspace: Workspace, competition: MadeUpCompetition) -> None:
    with KaggleServer(competition.archive, competition.answers) as server:
        variables = {**server.environment(server.token), PATIENCE: "60"}
        run_well(workspace, "download", "--source", "kaggle", **variables)
    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    # Elsewhere first, so that a killed test run leaves none that looks ready.
    apart = Workspace(workspace.root / "apart")
    make_up_run(
        apart,
        "made-up",
        labels=train.labels,
        folds=assign_folds(train.labels, FOLDS, seed=0),
        data=fingerprint_of(train, test),
        test_images=TEST_ROWS,
    )
    apart.runs.rename(workspace.runs)
