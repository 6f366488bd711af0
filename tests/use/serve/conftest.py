"""The real server in a thread, with a model that needs no training; and with trained networks."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from sklearn.datasets import load_digits

from digit_recognizer.data.sources.sample import enlarge
from digit_recognizer.use.recognizer import Recognizer
from digit_recognizer.use.serve.access import allowed_hosts
from digit_recognizer.use.serve.app import make_app
from digit_recognizer.use.serve.messages import find_facts
from digit_recognizer.use.serve.run import make_server, take_port
from digit_recognizer.use.serve.timeouts import TimeoutProtocol
from digit_recognizer.workspace import Workspace
from tests.use.conftest import SMALL
from tests.use.serve.asking import Process, ask, ask_json, serving

BLANK = [[0] * 28 for _ in range(28)]
# Seconds that the server waits for a request in these tests.
REQUEST_TIMEOUT = 2.0


class NearestMeans:
    """Compares an image with the mean of each digit."""

    label = "nearest means"

    def __init__(self) -> None:
        small, labels = load_digits(return_X_y=True)
        images = enlarge(small.reshape(-1, 8, 8) / 16) / 255
        self._means = np.stack([images[labels == digit].mean(axis=0) for digit in range(10)])

    def recognize(self, images: np.ndarray) -> np.ndarray:
        differences = images[:, None] / 255 - self._means
        closeness = np.exp(-(differences**2).sum(axis=(2, 3)) / 10)
        return np.asarray(closeness / closeness.sum(axis=1, keepdims=True), np.float32)


@dataclass
class Served:
    port: int
    errors: list[str] = field(default_factory=list)  # as the terminal would show them


@contextmanager
def serving_in_thread(recognizer: Recognizer) -> Iterator[Served]:
    with take_port(0) as listener, pytest.MonkeyPatch.context() as patch:
        patch.setattr(TimeoutProtocol, "request_seconds", REQUEST_TIMEOUT)
        served = Served(listener.getsockname()[1])

        def report(what: str, error: Exception) -> None:
            served.errors.append(f"{what}: {error}")

        app = make_app(recognizer, find_facts(recognizer), allowed_hosts(served.port), report)
        server = make_server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield served
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving_in_thread(NearestMeans()) as served:
        yield served


@pytest.fixture
def alive_afterwards(served: Served) -> Iterator[None]:
    """After the test the server still answers, and had no errors."""
    yield
    assert ask(served.port, "GET", "/api/model").status == 200
    assert ask_json(served.port, "/api/digit", {"pixels": BLANK}).status == 200
    assert served.errors == []


@pytest.fixture(scope="session")
def home(small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of the small line-up, because the first server writes an export."""
    own = tmp_path_factory.mktemp("serve") / "home"
    shutil.copytree(small_home, own)
    return Workspace(own)


@pytest.fixture(scope="module")
def server(home: Workspace) -> Iterator[Process]:
    """The server as a process, with well-trained networks."""
    with serving(home, "--experiments", SMALL) as process:
        yield process
    assert not [line for line in process.lines if "Error" in line]


@pytest.fixture
def page(tab: Page, server: Process) -> Page:
    """The page in a browser."""
    tab.goto(f"http://127.0.0.1:{server.port}/")
    expect(tab.locator("#model")).to_contain_text(SMALL)
    return tab
