"""Integrated gradients of functions with a known integral; whether SHAP can be used."""

import sys
from pathlib import Path

import numpy as np
import pytest

from digit_recognizer.use.explain.gradients import (
    TOLERANCE,
    find_obstacle,
    integrate_gradients,
)

GENERATOR = np.random.default_rng(0)
WEIGHTS = GENERATOR.normal(0, 1e-3, (28, 28)).astype(np.float32)
IMAGE = GENERATOR.integers(0, 256, (28, 28)).astype(np.uint8)
IMAGE[:4] = 0


def test_of_a_sum_each_pixel_gets_its_own_term() -> None:
    found = integrate_gradients(
        lambda images: (images * WEIGHTS).sum(axis=(1, 2)) - 3,
        lambda images: np.broadcast_to(WEIGHTS, images.shape),
        IMAGE,
    )
    assert found.map == pytest.approx(WEIGHTS * IMAGE, abs=1e-6)
    assert found.change == pytest.approx(float((WEIGHTS * IMAGE).sum()), abs=1e-4)
    assert found.steps == 64, "the fewest steps are exact"
    assert not found.map[:4].any(), "empty pixels are zero"


def test_two_pixels_that_only_matter_together_get_equal_shares() -> None:
    def gradients(images: np.ndarray) -> np.ndarray:
        both = np.zeros_like(images)
        both[:, 9, 9], both[:, 9, 10] = images[:, 9, 10], images[:, 9, 9]
        return both

    image = np.zeros((28, 28), np.uint8)
    image[9, 9], image[9, 10] = 4, 5
    found = integrate_gradients(lambda images: images[:, 9, 9] * images[:, 9, 10], gradients, image)
    assert found.map[9, 9] == pytest.approx(10)
    assert found.map[9, 10] == pytest.approx(10)
    assert found.change == 20


def test_more_steps_are_taken_until_the_sum_is_right() -> None:
    """A ramp over a tenth of the path: 6.4 of 64 steps, of which they see six or seven."""

    def along(images: np.ndarray) -> np.ndarray:
        return images[:, 20, 20] / 255

    def odds(images: np.ndarray) -> np.ndarray:
        return np.clip((along(images) - 0.5) * 10, 0, 1) * 2

    def gradients(images: np.ndarray) -> np.ndarray:
        slopes = np.zeros_like(images)
        on_ramp = (along(images) > 0.5) & (along(images) < 0.6)
        slopes[:, 20, 20] = on_ramp * 2 * 10 / 255
        return slopes

    image = np.zeros((28, 28), np.uint8)
    image[20, 20] = 255
    found = integrate_gradients(odds, gradients, image)
    assert found.steps > 64
    assert abs(found.shortfall) <= TOLERANCE
    assert found.map[20, 20] == pytest.approx(2, abs=TOLERANCE)


def test_a_sum_that_never_becomes_right_is_reported() -> None:
    found = integrate_gradients(
        lambda images: np.sign(images.sum(axis=(1, 2))), np.zeros_like, IMAGE
    )
    assert found.shortfall == 1
    assert found.steps == 1024


@pytest.fixture
def _no_shap(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "shap" or name.startswith("shap.")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("_no_shap")
def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shap", None)
    assert find_obstacle() == "The package shap is not installed."


@pytest.mark.usefixtures("_no_shap")
@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("raise ImportError('Numba needs NumPy 2.1 or less')", "Numba needs NumPy 2.1 or less"),
        ("import a_library_that_is_missing", "a_library_that_is_missing is missing"),
    ],
)
def test_a_package_that_does_not_load_is_reported_with_the_reason(
    statement: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shap.py").write_text(statement)
    monkeypatch.syspath_prepend(tmp_path)
    reason = find_obstacle()
    assert reason is not None
    assert told in reason


def test_an_installed_package_can_be_used() -> None:
    pytest.importorskip("shap")
    assert find_obstacle() is None
