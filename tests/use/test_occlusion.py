"""Occlusion maps, compared with functions whose explanation is known."""

from typing import Any

import numpy as np
import pytest

from digit_recognizer.use.occlusion import log_odds, occlude, place_windows


class Linear:
    """The log-odds of 7 are a weighted sum of the pixels, plus a constant."""

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights
        self.batches: list[int] = []

    def __call__(self, images: np.ndarray) -> np.ndarray:
        assert images.dtype == np.uint8
        assert images.shape[1:] == (28, 28)
        self.batches.append(len(images))
        odds = np.exp((images * self.weights).sum(axis=(1, 2)) - 1)
        probabilities = np.empty((len(images), 10))
        probabilities[:] = (1 / (1 + odds) / 9)[:, None]
        probabilities[:, 7] = odds / (1 + odds)
        return probabilities.astype(np.float32)


def draw_image(seed: int = 0) -> np.ndarray:
    """Ink of all strengths in the middle."""
    image = np.zeros((28, 28), np.uint8)
    image[5:23, 9:20] = np.random.default_rng(seed).integers(0, 256, (18, 11))
    return image


def draw_weights(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1e-4, (28, 28))


def test_windows_of_one_pixel_give_each_pixels_own_part() -> None:
    image, weights = draw_image(), draw_weights()
    found = occlude(Linear(weights), image, 7, window=1, stride=1)
    assert found.shape == (28, 28)
    assert found.dtype == np.float32
    assert found == pytest.approx(weights * image, abs=1e-4)


@pytest.mark.parametrize(("window", "stride"), [(5, 3), (5, 2), (3, 1), (7, 7)])
def test_ink_that_counts_equally_gives_a_proportional_map(window: int, stride: int) -> None:
    image = draw_image()
    found = occlude(Linear(np.full((28, 28), 2e-4)), image, 7, window, stride)
    assert found == pytest.approx(2e-4 * image, abs=1e-4)


def test_ink_for_and_against_a_digit_has_opposite_signs() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[3:8, 3:8] = image[20:25, 20:25] = 200
    weights = np.zeros((28, 28))
    weights[:14], weights[14:] = 1e-3, -1e-3
    found = occlude(Linear(weights), image, 7)
    assert (found[3:8, 3:8] > 0).all()
    assert (found[20:25, 20:25] < 0).all()
    against = occlude(Linear(weights), image, 2)
    assert (against[3:8, 3:8] < 0).all()


def test_empty_pixels_are_zero_and_empty_windows_are_not_tried() -> None:
    image = draw_image()
    recognizer = Linear(draw_weights())
    found = occlude(recognizer, image, 7)
    assert not found[image == 0].any()
    assert recognizer.batches == [1 + len(place_windows(image, 5, 3))]
    assert recognizer.batches[0] < 1 + len(place_windows(np.ones_like(image), 5, 3))


def test_an_empty_image_is_zero_everywhere_and_needs_no_prediction() -> None:
    recognizer = Linear(draw_weights())
    assert not occlude(recognizer, np.zeros((28, 28), np.uint8), 7).any()
    assert recognizer.batches == []


@pytest.mark.parametrize(("row", "column"), [(0, 0), (27, 27), (0, 13), (27, 3)])
def test_a_dot_is_found_at_its_own_position(row: int, column: int) -> None:
    image = np.zeros((28, 28), np.uint8)
    image[row, column] = 255
    found = occlude(Linear(np.full((28, 28), 1e-2)), image, 7)
    assert np.flatnonzero(found).tolist() == [28 * row + column]
    assert found[row, column] == pytest.approx(2.55, rel=1e-4)


def test_a_map_is_reproducible_and_does_not_change_the_image() -> None:
    image = draw_image()
    before = image.copy()
    first = occlude(Linear(draw_weights()), image, 7)
    assert first.tobytes() == occlude(Linear(draw_weights()), image, 7).tobytes()
    assert np.array_equal(image, before)


@pytest.mark.parametrize(("window", "stride"), [(5, 6), (5, 0), (0, 0)])
def test_windows_that_would_miss_pixels_are_refused(window: int, stride: int) -> None:
    with pytest.raises(ValueError, match="between windows"):
        occlude(Linear(draw_weights()), draw_image(), 7, window, stride)


def test_log_odds_differ_between_very_confident_predictions_and_stay_finite() -> None:
    def sure_by(rest: float) -> Any:
        row = np.zeros((1, 10), np.float32)
        row[0, 3], row[0, 4] = 1, rest
        return log_odds(row, 3)[0]

    assert sure_by(1e-20) - sure_by(1e-10) == pytest.approx(np.log(1e10))
    assert np.isfinite(sure_by(0))
    assert np.isfinite(log_odds(np.eye(10, dtype=np.float32), 0)).all()
    even = np.full((1, 10), 0.1, np.float32)
    assert log_odds(even, 3)[0] == pytest.approx(np.log(1 / 9))
