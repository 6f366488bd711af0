"""The networks of a line-up in one exported file, run by ONNX Runtime.

In: a file that `make export` wrote, uint8 images. Out: the blend's probabilities. What always
holds: no training library is needed, and only checked files are run.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from digit_recognizer.runs.environment import available_cores
from digit_recognizer.use.model_file import INPUT, OUTPUT, ModelFile, read_model
from digit_recognizer.use.recognizer import require_images
from digit_recognizer.workspace import ProjectError, first_line

# Larger batches are not faster and take more memory.
_AT_ONCE = 32


class OnnxRecognizer:
    """Each thread gets its own images: threads that share one operator wait for each other."""

    def __init__(self, model: ModelFile, threads: int | None = None) -> None:
        import onnxruntime

        self.facts = model.facts
        self._threads = threads or available_cores()
        self._workers = ThreadPoolExecutor(self._threads)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # errors are raised as exceptions as well
        with _explaining():
            self._session = onnxruntime.InferenceSession(
                model.contents, options, providers=["CPUExecutionProvider"]
            )
        self.recognize(np.zeros((1, 28, 28), np.uint8))  # a model that cannot run fails here

    @property
    def label(self) -> str:
        return self.facts["label"]

    def recognize(self, images: np.ndarray) -> np.ndarray:
        require_images(images)
        size = max(1, min(_AT_ONCE, -(-len(images) // self._threads)))
        parts = [images[start : start + size] for start in range(0, len(images), size)]
        nothing = np.zeros((0, 10), np.float32)
        return np.concatenate([nothing, *self._workers.map(self._run, parts)])

    def _run(self, images: np.ndarray) -> np.ndarray:
        with _explaining():
            (probabilities,) = self._session.run([OUTPUT], {INPUT: images})
        if probabilities.shape != (len(images), 10):
            raise ProjectError(
                f"The model returned {probabilities.shape} for {len(images)} images; expected "
                f"{(len(images), 10)}. It was not written by `make export`."
            )
        return np.asarray(probabilities)


@contextlib.contextmanager
def _explaining() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # ONNX Runtime's exceptions have no other common class
        problem = first_line(error)
        raise ProjectError(f"ONNX Runtime cannot run the model: {problem}") from error


def load_onnx(path: Path) -> OnnxRecognizer:
    return OnnxRecognizer(read_model(path))
