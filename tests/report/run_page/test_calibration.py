"""The direction of miscalibration is computed, and chance is not reported as one."""

import numpy as np
import pytest

from digit_recognizer.report.run_page.calibration import describe, judge


def networks_that_say(
    confidence: float, accuracy: float, images: int = 2_000
) -> tuple[np.ndarray, np.ndarray]:
    labels = np.zeros(images, np.uint8)
    probabilities = np.full((images, 10), (1 - confidence) / 9, np.float32)
    right = np.arange(images) < accuracy * images
    probabilities[np.arange(images), np.where(right, 0, 1)] = confidence
    return labels, probabilities


@pytest.mark.parametrize(
    ("confidence", "accuracy", "direction"),
    [
        (0.95, 0.99, "under-confident"),
        (0.99, 0.9, "over-confident"),
        (0.9, 0.905, "well calibrated"),
    ],
)
def test_the_direction_follows_from_the_figures(
    confidence: float, accuracy: float, direction: str
) -> None:
    verdict = judge(*networks_that_say(confidence, accuracy))
    assert verdict.direction == direction
    assert verdict.gap == pytest.approx(confidence - accuracy, abs=1e-6)
    assert direction in describe(verdict, 0.0)


def test_label_smoothing_is_named_only_where_it_explains_something() -> None:
    under = judge(*networks_that_say(0.95, 0.99))
    over = judge(*networks_that_say(0.99, 0.9))
    assert "95.50 %" in describe(under, 0.05)
    assert "smoothing" not in describe(under, 0.0)
    assert "smoothing" not in describe(over, 0.05)
