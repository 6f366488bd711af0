"""The checkpoint of an unfinished fold: what its training needs to go on after a kill.

In: arrays and plain values, at the end of an epoch. Out: the file `fold-<k>/checkpoint`, which is
deleted when the fold is finished. What always holds: a checkpoint is read completely or not at all,
and only by the training that wrote it: same experiment, data, fold, precision and engine.
"""

import io
import json
import os
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digit_recognizer.faults import fault_point
from digit_recognizer.workspace import ProjectError, sha256_of, write_file

# For tests: after how many seconds a training saves its next checkpoint.
SAVE_EVERY = "DIGIT_RECOGNIZER_SAVE_EVERY"
_SAVE_EVERY_SECONDS = 60.0


class UnusableError(Exception):
    """The checkpoint cannot be gone on from; the text says why."""


@dataclass(frozen=True)
class Saved:
    """A training at the end of an epoch."""

    values: dict[str, Any]  # as JSON holds them; among them "epochs", how many are done
    arrays: dict[str, np.ndarray]

    @property
    def epochs(self) -> int:
        return int(self.values["epochs"])

    def arrays_of(self, group: str) -> list[np.ndarray]:
        """Return the arrays that `numbered` has put under this name, in their order."""
        names = (f"{group}/{number}" for number in range(len(self.arrays)))
        return [self.arrays[name] for name in names if name in self.arrays]


def numbered(group: str, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays under names of their own."""
    return {f"{group}/{number}": array for number, array in enumerate(arrays)}


@dataclass(frozen=True)
class Checkpoint:
    """The place of a fold's checkpoint, and which training it belongs to."""

    path: Path
    training: dict[str, Any]

    def load(self) -> Saved | None:
        """Return what was saved, or None where nothing was."""
        try:
            contents = self.path.read_bytes()
        except FileNotFoundError:
            return None
        # The first line is the hash of everything after it, the second one is JSON.
        digest, _, rest = contents.partition(b"\n")
        if sha256_of(rest) != digest.decode("latin-1"):
            raise UnusableError("it is damaged")
        header, _, arrays = rest.partition(b"\n")
        values = json.loads(header)
        training = values.pop("training")
        for name, wanted in json.loads(json.dumps(self.training)).items():
            if training.get(name) != wanted:
                raise UnusableError(f"it was saved by a training with another {name}")
        try:
            with np.load(io.BytesIO(arrays), allow_pickle=False) as loaded:
                return Saved(values, dict(loaded))
        except (ValueError, zipfile.BadZipFile) as error:  # another version's format
            raise UnusableError(f"it cannot be read ({error})") from error

    def save(self, saved: Saved) -> str | None:
        """Write the checkpoint, or return why not: the training can go on without one."""
        buffer = io.BytesIO()
        np.savez(buffer, **saved.arrays)  # type: ignore[arg-type]
        header = json.dumps({"training": self.training, **saved.values})
        rest = header.encode() + b"\n" + buffer.getvalue()
        try:
            write_file(self.path, sha256_of(rest).encode() + b"\n" + rest)
        except ProjectError as error:
            return str(error)
        fault_point("checkpoint")
        return None

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)


class SaveTimer:
    """Says when so much has been trained since the last checkpoint that the next one pays."""

    def __init__(self) -> None:
        self._every = float(os.environ.get(SAVE_EVERY) or _SAVE_EVERY_SECONDS)
        self.restart()

    def is_over(self) -> bool:
        return time.monotonic() - self._last >= self._every

    def restart(self) -> None:
        self._last = time.monotonic()


def require_fitting(arrays: list[np.ndarray], variables: list[Any], checkpoint: Checkpoint) -> None:
    """Refuse arrays that are not these variables' values: the code has changed since."""
    if [tuple(array.shape) for array in arrays] != [tuple(each.shape) for each in variables]:
        raise ProjectError(
            f"{checkpoint.path} was saved by another version of this network. Delete the file; "
            "the same command then trains the fold from the beginning."
        )
