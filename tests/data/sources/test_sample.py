"""The sample: every one of its digits, drawn as MNIST's are, and the same bytes every time."""

from pathlib import Path

import numpy as np
import pytest

from digit_recognizer.data.answers import read_answers
from digit_recognizer.data.dataset import Digits, load_test, load_train
from digit_recognizer.data.sources.sample import write_sample
from digit_recognizer.workspace import Workspace
from tests.data.sources.files import FILES


@pytest.fixture(scope="module")
def sample_digits(sample: Workspace) -> tuple[Digits, Digits]:
    return load_train(sample), load_test(sample)


def test_the_sample_has_all_of_its_digits_cut_three_to_two(
    sample: Workspace, sample_digits: tuple[Digits, Digits]
) -> None:
    train, test = sample_digits
    assert (len(train), len(test)) == (1078, 719)
    _, answers = read_answers(sample.data / "solution.csv")
    assert len(answers) == len(test)
    assert train.labels is not None
    assert np.allclose(np.bincount(train.labels) / 1078, np.bincount(answers) / 719, atol=0.002)
    pictures = {image.tobytes() for image in (*train.images, *test.images)}
    assert len(pictures) == 1797


def test_the_samples_digits_lie_in_a_box_of_20_centred_by_mass(
    sample_digits: tuple[Digits, Digits],
) -> None:
    images = np.concatenate([digits.images for digits in sample_digits])
    for axis in (1, 2):
        inked = images.any(axis=3 - axis)
        first, last = inked.argmax(axis=1), 27 - inked[:, ::-1].argmax(axis=1)
        assert (last - first).max() < 20
        mass = images.sum(axis=3 - axis, dtype=float)
        centre = (mass * np.arange(28)).sum(axis=1) / mass.sum(axis=1)
        assert np.abs(centre - 13.5).max() < 1
    assert images.max() == 255
    assert images.min() == 0


def test_the_sample_is_the_same_bytes_every_time(sample: Workspace, tmp_path: Path) -> None:
    np.random.seed(99)  # the global state plays no part
    write_sample(tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (sample.data / name).read_bytes()
