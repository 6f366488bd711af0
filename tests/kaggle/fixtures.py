"""The made-up Kaggle as fixtures: `kaggle` in full size, and `tiny_kaggle` for a second's work.

What always holds: the full data is made once for all tests of a run, whatever the number of
processes they are spread over, and a failure of the server itself fails the test that used it.
"""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from digit_recognizer.data.answers import read_answers
from tests.kaggle.made_up import FILES, write_competition_zip, zip_files
from tests.kaggle.server import KaggleServer


@dataclass(frozen=True)
class MadeUpCompetition:
    archive: Path  # digit-recognizer.zip, as Kaggle serves it
    answers: np.ndarray  # what it keeps to itself: the labels of images 1, 2, 3 ...


@pytest.fixture(scope="session")
def competition(tmp_path_factory: pytest.TempPathFactory) -> MadeUpCompetition:
    """42,000 labelled and 28,000 other digits."""
    base = tmp_path_factory.getbasetemp()
    # Each of xdist's workers has a folder of its own within the one of the run.
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    archive, answers = folder / "made-up-digit-recognizer.zip", folder / "made-up-answers.npy"
    with open(folder / "made-up.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answers.exists():  # written last
            np.save(answers, write_competition_zip(archive))
    return MadeUpCompetition(archive, np.load(answers))


@pytest.fixture(scope="session")
def tiny_competition(
    tiny_source: Path, tmp_path_factory: pytest.TempPathFactory
) -> MadeUpCompetition:
    """The tiny source, 240 and 60 digits, as Kaggle would serve it."""
    archive = tmp_path_factory.mktemp("tiny-competition") / "digit-recognizer.zip"
    zip_files([tiny_source / name for name in FILES], archive)
    return MadeUpCompetition(archive, read_answers(tiny_source / "solution.csv")[1])


@pytest.fixture
def kaggle(competition: MadeUpCompetition) -> Iterator[KaggleServer]:
    yield from _serve(competition)


@pytest.fixture
def tiny_kaggle(tiny_competition: MadeUpCompetition) -> Iterator[KaggleServer]:
    yield from _serve(tiny_competition)


def _serve(data: MadeUpCompetition) -> Iterator[KaggleServer]:
    with KaggleServer(data.archive, data.answers) as server:
        yield server
    assert not server.crashes, server.crashes
