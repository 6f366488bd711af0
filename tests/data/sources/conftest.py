"""Workspaces and sources that the tests of downloads share."""

import shutil
from pathlib import Path

import pytest

from digit_recognizer.data.sources import download
from digit_recognizer.workspace import Workspace


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "empty")


@pytest.fixture
def folder(tiny_source: Path, tmp_path: Path) -> Path:
    """A copy of the tiny source that a test may damage."""
    return Path(shutil.copytree(tiny_source, tmp_path / "source"))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("sample"))
    download(workspace, "sample")
    return workspace
