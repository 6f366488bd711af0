"""A network's weights as bytes, and a network from them.

What always holds: the architecture comes from our own code and only weights come from the bytes.
Whatever else Keras can save may run code when it is loaded.
"""

import io
from typing import Any

from digit_recognizer.experiments import Experiment
from digit_recognizer.learn.backend import configure
from digit_recognizer.learn.models import build_model


class _WeightsFile(io.BytesIO):
    """A file in memory: HDF5 brings the process down when one on disk cannot be written."""

    def __str__(self) -> str:
        return "model.weights.h5"  # Keras goes by the ending


def weights_of(model: Any) -> bytes:
    file = _WeightsFile()
    model.save_weights(file)
    return file.getvalue()


def load_model(experiment: Experiment, weights: bytes, threads: int) -> Any:
    """Rebuild a trained network from its description and its weights."""
    configure(threads)
    model = build_model(experiment)
    model.load_weights(_WeightsFile(weights))
    return model
