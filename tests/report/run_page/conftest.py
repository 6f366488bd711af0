from pathlib import Path

import pytest

from digit_recognizer.workspace import Workspace
from tests.report.run_page.made_up_page import Ordinary, make_run, write_page


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work space")


@pytest.fixture(scope="session")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Ordinary:
    """A run with errors and the longest name there is, and its page; only to be read."""
    workspace = Workspace(tmp_path_factory.mktemp("ordinary"))
    run = make_run(workspace, name="a" * 64)
    return run, write_page(workspace, run)
