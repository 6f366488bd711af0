"""How much ink there is, how dark, and where.

In: images. Out: their ink, and figures about all of them. What always holds: ink is what is above
0; an image's amount is its sum divided by 255, so 1 is one pixel of full ink.
"""

from dataclasses import dataclass

import numpy as np

BIN = 15  # values 1 to 255 make seventeen bins of fifteen


@dataclass(frozen=True)
class Intensities:
    """Shares of all pixels of a part."""

    empty: float  # exactly 0
    full: float  # exactly 255
    bins: np.ndarray  # 1-15, 16-30, ... 241-255

    @property
    def between(self) -> float:
        return 1 - self.empty - self.full


@dataclass(frozen=True)
class InkPlaces:
    """Where a part's images have ink; rows and columns from 0 to 27, as Kaggle's pixels count."""

    shares: np.ndarray  # (28, 28): of the images, those with ink here
    first_row: int
    last_row: int
    first_column: int
    last_column: int

    @property
    def never(self) -> np.ndarray:
        """The pixels (28, 28) that are 0 in every image."""
        return np.asarray(self.shares == 0)


def amount_of_ink(images: np.ndarray) -> np.ndarray:
    totals = images.reshape(len(images), -1).sum(axis=1, dtype=np.int64)
    return np.asarray(totals / 255)


def measure_intensities(images: np.ndarray) -> Intensities:
    shares = np.bincount(images.ravel(), minlength=256) / images.size
    bins = shares[1:].reshape(-1, BIN).sum(axis=1)
    return Intensities(float(shares[0]), float(shares[255]), bins)


def find_ink(images: np.ndarray) -> InkPlaces | None:
    """Return where ink ever is, or None where no image has any."""
    shares = (images > 0).mean(axis=0)
    rows = np.flatnonzero(shares.any(axis=1))
    columns = np.flatnonzero(shares.any(axis=0))
    if not len(rows):
        return None
    return InkPlaces(shares, int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1]))
