"""Make data of any size from the bundled sample.

In: numbers of rows. Out: a workspace with the competition's files. What always holds: the digits
are real, and a digit that is used again is shifted, so that rows are not exact copies.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

from digit_recognizer.data.dataset import COMPETITION_ROWS, load_train
from digit_recognizer.data.sources import download
from digit_recognizer.data.sources.made import write_competition
from digit_recognizer.workspace import Workspace, project_root

_SHIFTS = [(down, across) for down in (0, 1, -1, 2, -2) for across in (0, 1, -1, 2, -2)]


def make_workspace(root: Path, rows: int) -> Workspace:
    """Return a workspace with `rows` labelled rows, and a test part in Kaggle's proportion.

    It is made in a separate process, because the measured memory of a command starts from that of
    the process that starts it.
    """
    command = [sys.executable, "-m", "digit_recognizer.bench.made_data", str(root), str(rows)]
    subprocess.run(command, cwd=project_root(), check=True)
    return Workspace(root / "workspace")


def _write_workspace(root: Path, rows: int) -> None:
    train_rows, test_rows = COMPETITION_ROWS.values()
    held_back = rows * test_rows // train_rows
    sample = Workspace(root / "sample")
    download(sample, "sample")
    digits = load_train(sample)
    assert digits.labels is not None
    incoming = root / "incoming"
    incoming.mkdir()
    write_competition(
        incoming,
        repeat_shifted(digits.images, rows),
        np.resize(digits.labels, rows),
        repeat_shifted(digits.images, held_back),
        np.resize(digits.labels, held_back),
    )
    download(Workspace(root / "workspace"), str(incoming))


def repeat_shifted(images: np.ndarray, count: int) -> np.ndarray:
    """Return `count` images: the given ones repeated, each time with another shift."""
    repeated = np.resize(images, (count, *images.shape[1:]))
    for start in range(0, count, len(images)):
        shift = _SHIFTS[start // len(images) % len(_SHIFTS)]
        part = slice(start, start + len(images))
        repeated[part] = np.roll(repeated[part], shift, axis=(1, 2))
    return repeated


if __name__ == "__main__":
    _write_workspace(Path(sys.argv[1]), int(sys.argv[2]))
