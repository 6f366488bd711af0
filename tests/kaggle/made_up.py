"""The competition's files in full size, made up: 42,000 labelled digits and 28,000 others.

In: a path. Out: the zip there, as Kaggle serves it, and the labels that it keeps to itself. What
always holds: no image is there twice, none of the test part is a moved image of the training part,
and the same bytes are pixels every time.

They are scikit-learn's 1,797 handwritten digits, each moved by up to three pixels to every side in
as many ways as it takes: enough for a network to learn from, and all of it in some seconds.
"""

import tempfile
import zipfile
from pathlib import Path

import numpy as np

from digit_recognizer.data.sources.made import write_competition
from digit_recognizer.data.sources.sample import enlarge

TRAIN_ROWS, TEST_ROWS = 42_000, 28_000
FILES = ("train.csv", "test.csv", "sample_submission.csv")
_FARTHEST = 3  # pixels
_SEED = 28


def write_competition_zip(path: Path) -> np.ndarray:
    """Write the archive; return the labels of the test part."""
    from sklearn.datasets import load_digits

    chance = np.random.default_rng(_SEED)
    small, labels = load_digits(return_X_y=True)
    images, labels = enlarge(small.reshape(-1, 8, 8) / 16), labels.astype(np.uint8)
    order = chance.permutation(len(images))
    for_train, for_test = np.split(order, [len(order) * 3 // 5])
    train_images, train_labels = _moved(images[for_train], labels[for_train], TRAIN_ROWS, chance)
    test_images, test_labels = _moved(images[for_test], labels[for_test], TEST_ROWS, chance)
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        folder = Path(name)
        write_competition(folder, train_images, train_labels, test_images, test_labels)
        zip_files([folder / file for file in FILES], path)
    return test_labels


def zip_files(files: list[Path], path: Path) -> None:
    # The lowest level: half the seconds of the usual one, and larger by a third.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in files:
            archive.write(file, file.name)


def _moved(
    images: np.ndarray, labels: np.ndarray, rows: int, chance: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return so many different pairs of an image and a movement."""
    steps = 2 * _FARTHEST + 1
    sides = (_FARTHEST, _FARTHEST)
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(images, ((0, 0), sides, sides)), (28, 28), axis=(1, 2)
    )
    pairs = chance.choice(len(images) * steps**2, rows, replace=False)
    image, step = np.divmod(pairs, steps**2)
    return windows[image, step // steps, step % steps], labels[image]
