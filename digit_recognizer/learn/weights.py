"""Save a network's weights as bytes, and load a network from them.

What always holds: the architecture comes from our own code and only weights come from the bytes.
Whatever else Keras can save may run code when it is loaded.
"""

import contextlib
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.learn.backend import configure
from digit_recognizer.learn.models import build_model
from digit_recognizer.runs.environment import find_older_keras
from digit_recognizer.workspace import ProjectError

_NAME = "model.weights.h5"


class _WeightsFile(io.BytesIO):
    """A file in memory: HDF5 brings the process down when one on disk cannot be written."""

    def __str__(self) -> str:
        return _NAME  # Keras goes by the ending


def weights_of(model: Any) -> bytes:
    if find_older_keras():
        with _path_on_disk() as path:
            model.save_weights(path)
            return path.read_bytes()
    file = _WeightsFile()
    model.save_weights(file)
    return file.getvalue()


def load_model(
    experiment: Experiment, weights: bytes, threads: int, precision: str = "float32"
) -> Any:
    """Rebuild a trained network from its description and its weights."""
    configure(threads)
    model = build_model(experiment, precision)
    try:
        if find_older_keras():
            with _path_on_disk() as path:
                path.write_bytes(weights)
                model.load_weights(path)
        else:
            model.load_weights(_WeightsFile(weights))
    # What Keras and HDF5 raise at a file that is no such one, or links to others.
    except (OSError, ValueError, KeyError) as error:
        problem = " ".join(str(error).split())[:300]
        raise ProjectError(
            f"{experiment.name}: its weights are not those of its network, and none were loaded. "
            f"Train it again (FRESH=1). Keras says: {problem}"
        ) from error
    return model


@contextlib.contextmanager
def _path_on_disk() -> Iterator[Path]:
    """A path for older versions of Keras: they take a file in memory for the name that it shows."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / _NAME
