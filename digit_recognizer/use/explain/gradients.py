"""Two methods that follow the network's gradient from another image to the explained one.

In: integrated gradients takes functions that return a digit's log-odds and their gradient; SHAP
takes a Keras model with one output and images to compare with. Out: maps. What always holds: with
integrated gradients an empty pixel is exactly zero, and the error of the sum is reported; SHAP is
optional, and if it is missing or does not load, the reason is reported.
"""

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from digit_recognizer.learn.prediction import as_input

# The largest error of the sum, in log-odds, before more steps are taken. Maps are of the order of
# 1.
TOLERANCE = 0.1
_FEWEST, _MOST = 64, 1024
SAMPLES = 200
_SEED = 0


@dataclass(frozen=True)
class Integrated:
    map: np.ndarray  # (28, 28) float32
    change: float  # log-odds of the image minus those of a black image
    steps: int

    @property
    def shortfall(self) -> float:
        """How much the sum differs from the change, because the path has finitely many steps."""
        return self.change - float(self.map.sum(dtype=np.float64))


def integrate_gradients(
    odds: Callable[[np.ndarray], np.ndarray],
    gradients: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
) -> Integrated:
    """Return the map of one image (28, 28) by Sundararajan, Taly and Yan (2017).

    It starts from a black image and takes as many steps as the sum needs to be right.
    """
    image = image.astype(np.float32)
    black, own = odds(np.stack([np.zeros_like(image), image])).tolist()
    steps = _FEWEST
    while True:
        # The middle of each step: gradients jump, so a rule of higher order gains nothing.
        along = (np.arange(steps, dtype=np.float32) + 0.5) / steps
        mean = gradients(along[:, None, None] * image).mean(axis=0)
        found = Integrated(mean * image, own - black, steps)
        if abs(found.shortfall) <= TOLERANCE or steps == _MOST:
            return found
        steps *= 2


class Expectation:
    """SHAP's GradientExplainer: gradients at random points between the image and other images."""

    def __init__(self, model: Any, background: np.ndarray) -> None:
        from shap import GradientExplainer

        self.background = background
        self._explainer = GradientExplainer(model, as_input(background), batch_size=SAMPLES)

    def explain(self, image: np.ndarray) -> np.ndarray:
        """Return the map of one image (28, 28)."""
        with warnings.catch_warnings():
            # SHAP passes Keras its input in a list, and Keras warns of that each time.
            warnings.filterwarnings("ignore", "The structure of `inputs`", UserWarning)
            values = self._explainer.shap_values(
                as_input(image[None]), nsamples=SAMPLES, rseed=_SEED
            )
        return np.asarray(values, np.float32).reshape(image.shape)


def find_obstacle() -> str | None:
    """Return why SHAP cannot be used here, or None if it can."""
    try:
        importlib.import_module("shap")
    except ModuleNotFoundError as error:
        missing = "" if error.name == "shap" else f" completely ({error.name} is missing)"
        return f"The package shap is not installed{missing}."
    except ImportError as error:  # another library is too old or too new for it
        return f"The package shap is installed but does not load: {error}"
    return None
