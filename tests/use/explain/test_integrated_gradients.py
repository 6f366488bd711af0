"""Integrated gradients of functions whose integral is known."""

import numpy as np
import pytest

from digit_recognizer.use.explain.integrated_gradients import TOLERANCE, integrate_gradients

GENERATOR = np.random.default_rng(0)
WEIGHTS = GENERATOR.normal(0, 1e-3, (28, 28)).astype(np.float32)
IMAGE = GENERATOR.integers(0, 256, (28, 28)).astype(np.uint8)
IMAGE[:4] = 0


def test_a_sum_gives_each_pixel_its_own_term() -> None:
    found = integrate_gradients(
        lambda images: (images * WEIGHTS).sum(axis=(1, 2)) - 3,
        lambda images: np.broadcast_to(WEIGHTS, images.shape),
        IMAGE,
    )
    assert found.map == pytest.approx(WEIGHTS * IMAGE, abs=1e-6)
    assert found.change == pytest.approx(float((WEIGHTS * IMAGE).sum()), abs=1e-4)
    assert found.steps == 64, "the first try is exact"
    assert not found.map[:4].any(), "paper is zero"


def test_two_pixels_that_only_matter_together_share_alike() -> None:
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


def test_the_path_is_cut_finer_until_the_sum_comes_right() -> None:
    """A ramp of a tenth of the way, of which 64 steps see six or seven parts of 6.4."""

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


def test_a_sum_that_never_comes_right_is_told() -> None:
    found = integrate_gradients(
        lambda images: np.sign(images.sum(axis=(1, 2))), np.zeros_like, IMAGE
    )
    assert found.shortfall == 1
    assert found.steps == 1024
