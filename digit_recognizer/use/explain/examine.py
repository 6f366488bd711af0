"""Explain one image by every method.

In: a jury, an image and what was made of it. Out: maps of the digits in question, and what hiding a
spot changes. What always holds: all methods explain the same quantity, the log-odds of a digit.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from digit_recognizer.use.explain.agreement import correlate
from digit_recognizer.use.explain.choose import Chosen
from digit_recognizer.use.explain.expected_gradients import Expectation
from digit_recognizer.use.explain.held_out_networks import Jury
from digit_recognizer.use.explain.integrated_gradients import Integrated, integrate_gradients
from digit_recognizer.use.occlusion import hide, occlude, place_windows

OCCLUSION, INTEGRATED, SHAP = "occlusion", "integrated gradients", "SHAP"
# Every place for the window: twenty times the work of its default steps, for a smoother map.
WINDOW, _STRIDE = 5, 1


@dataclass(frozen=True)
class Answer:
    """Why this digit, or why not."""

    digit: int
    log_odds: float
    integrated: Integrated
    maps: dict[str, np.ndarray]  # by method
    expected_change: float | None  # what the map of SHAP should sum to


@dataclass(frozen=True)
class Spot:
    """What is said when one window is hidden."""

    window: np.ndarray  # (28, 28) bool
    digit: int
    probability: float


@dataclass(frozen=True)
class Explanation:
    chosen: Chosen
    image: np.ndarray
    folds: tuple[int, ...]  # of each run, the one whose network judged
    probabilities: np.ndarray  # as the jury gives them now
    answers: list[Answer]  # the predicted digit's first
    spot: Spot | None  # the one that turns the answer, if any does

    @property
    def difference(self) -> float:
        """How far the predicted digit's probability is from the one on record."""
        return abs(float(self.probabilities[self.chosen.predicted]) - self.chosen.probability)

    @property
    def is_turned(self) -> bool:
        """Whether that makes another digit the likeliest."""
        return int(self.probabilities.argmax()) != self.chosen.predicted

    def agreements(self) -> dict[tuple[str, str], float]:
        """Return how alike each two methods' maps of the predicted digit are."""
        maps = self.answers[0].maps
        return {
            (one, other): correlate(maps[one], maps[other], self.image)
            for one, other in combinations(maps, 2)
        }


def examine(
    jury: Jury,
    expectation: Expectation | None,
    chosen: Chosen,
    image: np.ndarray,
    folds: tuple[int, ...],
) -> Explanation:
    """Explain the image by the networks that are seated."""
    return Explanation(
        chosen,
        image,
        folds,
        jury.recognize(image[None])[0],
        [_answer(jury, expectation, image, digit) for digit in chosen.digits],
        find_turning_spot(jury, chosen, image),
    )


def draw_maps(
    jury: Jury, expectation: Expectation | None, image: np.ndarray, digit: int
) -> tuple[dict[str, np.ndarray], Integrated]:
    """Return the map by each method, and what integrated gradients tell besides."""
    jury.turn_to(digit)
    integrated = integrate_gradients(jury.odds, jury.gradients, image)
    maps = {
        OCCLUSION: occlude(jury.recognize, image, digit, WINDOW, _STRIDE),
        INTEGRATED: integrated.map,
    }
    if expectation:
        maps[SHAP] = expectation.explain(image)
    return maps, integrated


def find_turning_spot(jury: Jury, chosen: Chosen, image: np.ndarray) -> Spot | None:
    """Return the window without which the answer is another: the label, where it was wrong."""
    windows = place_windows(image, WINDOW, _STRIDE)
    if not len(windows):
        return None
    probabilities = jury.recognize(hide(image, windows))
    winners = probabilities.argmax(axis=1)
    turned = winners == chosen.label if chosen.is_wrong else winners != chosen.predicted
    if not turned.any():
        return None
    best = int(np.where(turned, probabilities.max(axis=1), -1).argmax())
    return Spot(windows[best], int(winners[best]), float(probabilities[best].max()))


def _answer(jury: Jury, expectation: Expectation | None, image: np.ndarray, digit: int) -> Answer:
    maps, integrated = draw_maps(jury, expectation, image, digit)
    own = float(jury.odds(image[None])[0])
    expected = own - float(jury.odds(expectation.background).mean()) if expectation else None
    return Answer(digit, own, integrated, maps, expected)
