"""Explain one image by every method.

In: the networks of the folds that held it out, an image and its prediction. Out: maps of the digits
in question, and what hiding a spot changes. What always holds: all methods explain the same
quantity, the log-odds of a digit.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from digit_recognizer.use.explain.agreement import correlate
from digit_recognizer.use.explain.choose import Chosen
from digit_recognizer.use.explain.gradients import Expectation, Integrated, integrate_gradients
from digit_recognizer.use.explain.held_out_networks import HeldOutNetworks
from digit_recognizer.use.occlusion import hide, occlude, place_windows

OCCLUSION, INTEGRATED, SHAP = "occlusion", "integrated gradients", "SHAP"
# The window takes every position, which makes the map smoother than the default stride.
WINDOW, _STRIDE = 5, 1


@dataclass(frozen=True)
class Answer:
    """Why this digit, or why not this digit."""

    digit: int
    log_odds: float
    integrated: Integrated
    maps: dict[str, np.ndarray]  # by method
    expected_change: float | None  # the expected sum of SHAP's map


@dataclass(frozen=True)
class Spot:
    """The prediction when one window is hidden."""

    window: np.ndarray  # (28, 28) bool
    digit: int
    probability: float


@dataclass(frozen=True)
class Explanation:
    chosen: Chosen
    image: np.ndarray
    folds: tuple[int, ...]  # of each run, the fold whose network predicted
    probabilities: np.ndarray  # computed now
    answers: list[Answer]  # the predicted digit's first
    spot: Spot | None  # the one that changes the prediction, if any does

    @property
    def difference(self) -> float:
        """How much the predicted digit's probability differs from the recorded one."""
        return abs(float(self.probabilities[self.chosen.predicted]) - self.chosen.probability)

    @property
    def changes_prediction(self) -> bool:
        """Whether the difference makes another digit the most probable one."""
        return int(self.probabilities.argmax()) != self.chosen.predicted

    def agreements(self) -> dict[tuple[str, str], float]:
        """Return how similar each two methods' maps of the predicted digit are."""
        maps = self.answers[0].maps
        return {
            (one, other): correlate(maps[one], maps[other], self.image)
            for one, other in combinations(maps, 2)
        }


def examine(
    networks: HeldOutNetworks,
    expectation: Expectation | None,
    chosen: Chosen,
    image: np.ndarray,
    folds: tuple[int, ...],
) -> Explanation:
    """Explain the image by the networks of these folds, which are loaded already."""
    return Explanation(
        chosen,
        image,
        folds,
        networks.recognize(image[None])[0],
        [_answer(networks, expectation, image, digit) for digit in chosen.digits],
        find_changing_spot(networks, chosen, image),
    )


def draw_maps(
    networks: HeldOutNetworks, expectation: Expectation | None, image: np.ndarray, digit: int
) -> tuple[dict[str, np.ndarray], Integrated]:
    """Return the map of each method, and the other results of integrated gradients."""
    networks.choose_digit(digit)
    integrated = integrate_gradients(networks.odds, networks.gradients, image)
    maps = {
        OCCLUSION: occlude(networks.recognize, image, digit, WINDOW, _STRIDE),
        INTEGRATED: integrated.map,
    }
    if expectation:
        maps[SHAP] = expectation.explain(image)
    return maps, integrated


def find_changing_spot(networks: HeldOutNetworks, chosen: Chosen, image: np.ndarray) -> Spot | None:
    """Return the window whose hiding changes the prediction most; for an error, to the label."""
    windows = place_windows(image, WINDOW, _STRIDE)
    if not len(windows):
        return None
    probabilities = networks.recognize(hide(image, windows))
    winners = probabilities.argmax(axis=1)
    turned = winners == chosen.label if chosen.is_wrong else winners != chosen.predicted
    if not turned.any():
        return None
    best = int(np.where(turned, probabilities.max(axis=1), -1).argmax())
    return Spot(windows[best], int(winners[best]), float(probabilities[best].max()))


def _answer(
    networks: HeldOutNetworks, expectation: Expectation | None, image: np.ndarray, digit: int
) -> Answer:
    maps, integrated = draw_maps(networks, expectation, image, digit)
    own = float(networks.odds(image[None])[0])
    expected = own - float(networks.odds(expectation.background).mean()) if expectation else None
    return Answer(digit, own, integrated, maps, expected)
