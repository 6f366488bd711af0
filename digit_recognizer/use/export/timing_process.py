"""A process that loads a model and measures its speed.

In: `python -m digit_recognizer.use.export.timing_process` gets, as JSON, what to load, the file of
images and the number of threads. Out: on the last line of stdout, the time of
the first prediction, and the seconds for one image and for all.
"""

import json
import statistics
import sys
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from digit_recognizer.use.recognizer import Recognizer

_ROUNDS, _SINGLE_IMAGES = 3, 90  # the medians are of this many


def _load(task: dict[str, Any]) -> Recognizer:
    """Load the engine, and import no more than it needs."""
    threads = task["threads"]
    match task:
        case {"runs": names}:
            from digit_recognizer.runs.folder import open_run
            from digit_recognizer.use.keras_recognizer import load_in_float32
            from digit_recognizer.workspace import Workspace

            workspace = Workspace(Path(task["root"]))
            return load_in_float32("", [open_run(workspace, name) for name in names], threads)
        case {"path": path} if path.endswith(".onnx"):
            from digit_recognizer.use.onnx_recognizer import load_onnx

            return load_onnx(Path(path))
    from digit_recognizer.use.export.litert import LiteRtRecognizer

    return LiteRtRecognizer("", Path(task["path"]).read_bytes(), threads)


def _median_time(action: Callable[[], object], times: int) -> float:
    return statistics.median(timeit.repeat(action, repeat=times, number=1))


def main() -> None:
    task = json.loads(sys.argv[1])
    images = np.load(task["images"], allow_pickle=False)
    recognizer = _load(task)
    recognizer.recognize(images[:1])
    figures = {"first_answer": time.time()}
    recognizer.recognize(images)  # not timed: the first time is slow
    figures["many_images"] = _median_time(lambda: recognizer.recognize(images), _ROUNDS)
    figures["one_image"] = _median_time(lambda: recognizer.recognize(images[:1]), _SINGLE_IMAGES)
    print(json.dumps(figures))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
