"""Measure how fast an export predicts, beside the networks that it was made from.

In: what each engine loads, and test images. Out: numbers. What always holds: each engine has its
own process, with the same number of threads.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digit_recognizer.runs.environment import available_cores
from digit_recognizer.workspace import ProjectError, project_root

IMAGES = 1_000
HEADINGS = ("", "one image", "images/s", "start to first prediction", "file")


@dataclass(frozen=True)
class Speed:
    engine: str
    one_image: float  # seconds
    many_images: float  # seconds for IMAGES of them
    start: float  # seconds from the start of a process to its first prediction
    size: int | None  # bytes of the file, if there is one

    @property
    def cells(self) -> tuple[str, ...]:
        return (
            self.engine,
            f"{1_000 * self.one_image:.1f} ms",
            f"{IMAGES / self.many_images:,.0f}",
            f"{self.start:.1f} s",
            f"{self.size / 1e6:.1f} MB" if self.size else "",
        )


def describe_conditions() -> str:
    """Return the conditions of the measurement; called before it."""
    return (
        f"Medians of several predictions after one start, with {available_cores()} threads on "
        f"{platform.system()} {platform.machine()}; images/s for {IMAGES:,} images at once; load "
        f"average before: {os.getloadavg()[0]:.1f}."
    )


def measure_speeds(tasks: dict[str, dict[str, Any]], images: np.ndarray) -> Iterator[Speed]:
    """Measure each engine; its task says what `timing_process.py` loads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.save(path, np.resize(images, (IMAGES, 28, 28)))
        for engine, task in tasks.items():
            figures = _time({**task, "images": str(path), "threads": available_cores()})
            yield Speed(
                engine,
                figures["one_image"],
                figures["many_images"],
                figures["start"],
                Path(task["path"]).stat().st_size if "path" in task else None,
            )


def _time(task: dict[str, Any]) -> dict[str, float]:
    """Return what a new process measures, and the time until its first prediction."""
    started = time.time()
    done = subprocess.run(
        [sys.executable, "-m", "digit_recognizer.use.export.timing_process", json.dumps(task)],
        cwd=project_root(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ProjectError(f"The speed could not be measured: {done.stderr.strip()[-500:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**figures, "start": figures["first_answer"] - started}
