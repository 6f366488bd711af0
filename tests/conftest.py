"""Small data and the ways into the project that most tests share; what was skipped, and why."""

import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.datasets import load_digits

from digit_recognizer.data.sources import download
from digit_recognizer.data.sources.made import write_competition
from digit_recognizer.data.sources.sample import enlarge
from digit_recognizer.faults import VARIABLE
from digit_recognizer.kaggle_api.client import PATIENCE
from digit_recognizer.workspace import Workspace
from tests.kaggle.server import unreachable

pytest_plugins = ["tests.kaggle.fixtures", "tests.browser"]

_OWN_VARIABLES = (
    VARIABLE,
    PATIENCE,
    "DIGIT_RECOGNIZER_HOME",
    "DIGIT_RECOGNIZER_INPUT",
    "DEBUG",
    "VERBOSE",
    "VERBOSE_OUTPUT",
)
TRAIN_ROWS, TEST_ROWS = 240, 60


def pytest_configure() -> None:
    # A shell starts what runs in its background without them, and so would be all that tests start.
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGQUIT, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
    # What XLA compiles runs once or twice here, so it need not be fast.
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No test may find the developer's own credentials, faults or workspace, nor the real site."""
    for variable in [name for name in os.environ if name.startswith("KAGGLE_")]:
        monkeypatch.delenv(variable)
    for variable in _OWN_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in unreachable().items():
        monkeypatch.setenv(variable, value)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    yield


@pytest.fixture(scope="session")
def tiny_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the competition's files: 240 labelled digits, 60 others, and the answers."""
    folder = tmp_path_factory.mktemp("tiny-source")
    small, labels = load_digits(return_X_y=True)
    images = enlarge(small[: TRAIN_ROWS + TEST_ROWS].reshape(-1, 8, 8) / 16)
    labels = labels[: len(images)]
    write_competition(
        folder, images[:TRAIN_ROWS], labels[:TRAIN_ROWS], images[TRAIN_ROWS:], labels[TRAIN_ROWS:]
    )
    return folder


@pytest.fixture(scope="session")
def _installed(tiny_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("installed")
    download(Workspace(root), str(tiny_source))
    return root


@pytest.fixture
def workspace(_installed: Path, tmp_path: Path) -> Workspace:
    """A workspace of its own whose `data/` holds the tiny data."""
    root = tmp_path / "work space"
    shutil.copytree(_installed, root)
    return Workspace(root)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say last which tests were skipped, why, and what to install for them."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    if not reasons:
        return
    terminalreporter.section("skipped")
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count} test{'s' * (count > 1)}: {reason}")
    packages = sorted(set(re.findall(r"apt install (\S+)", " ".join(reasons))))
    if packages:
        command = f"apt install {' '.join(packages)}"
        terminalreporter.write_line(f"To run them, on Debian or Ubuntu: {command}")
