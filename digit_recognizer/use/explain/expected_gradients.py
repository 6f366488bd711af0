"""What each pixel adds on the way to the image from other images: SHAP's GradientExplainer.

In: a Keras model of one output, images to compare with. Out: a map. What always holds: the package
shap is optional; where it is not there, or does not work, that is said and never replaced.
"""

import importlib
import warnings
from typing import Any

import numpy as np

from digit_recognizer.learn.prediction import as_input

SAMPLES = 200
_SEED = 0


def find_obstacle() -> str | None:
    """Return why there can be no such maps here, or None."""
    try:
        importlib.import_module("shap")
    except ModuleNotFoundError as error:
        missing = "" if error.name == "shap" else f" whole (it lacks {error.name})"
        return f"The package shap is not installed{missing}."
    except ImportError as error:  # another library is too old or too new for it
        return f"The package shap is installed but does not load: {error}"
    return None


class Expectation:
    """SHAP's explainer: the gradient's mean over points between an image and others, at random."""

    def __init__(self, model: Any, background: np.ndarray) -> None:
        from shap import GradientExplainer

        self.background = background
        self._explainer = GradientExplainer(model, as_input(background), batch_size=SAMPLES)

    def explain(self, image: np.ndarray) -> np.ndarray:
        """Return the map of one image (28, 28)."""
        with warnings.catch_warnings():
            # It hands Keras its input in a list, of which Keras warns each time.
            warnings.filterwarnings("ignore", "The structure of `inputs`", UserWarning)
            values = self._explainer.shap_values(
                as_input(image[None]), nsamples=SAMPLES, rseed=_SEED
            )
        return np.asarray(values, np.float32).reshape(image.shape)
