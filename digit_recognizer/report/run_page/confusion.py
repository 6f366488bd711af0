"""The confusion matrix, as a table with images or as a figure.

In: counts, rows by label and columns by prediction. Out: cells for a table whose every cell opens
its images, or a figure. What always holds: the colours are of errors alone; the diagonal, a hundred
times larger, is left out of their scale.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from digit_recognizer.pages.pictures import INK, new_figure, tidy

# Of the colour: more of it, and the figures on it could not be read in the dark.
_STRONGEST = 0.65


@dataclass(frozen=True)
class Cell:
    label: int
    predicted: int
    images: int
    shown: int  # of these, how many the page has a picture of
    strength: float  # of its colour, 0 to 1

    @property
    def kind(self) -> str:
        return f"{self.label}-{self.predicted}"

    @property
    def is_right(self) -> bool:
        return self.label == self.predicted

    @property
    def title(self) -> str:
        what = f"{self.label} " + (
            "predicted correctly" if self.is_right else f"predicted as {self.predicted}"
        )
        plural = "" if self.images == 1 else "s"
        count = f"{self.images:,} image{plural}"
        if self.shown == self.images:
            return f"{what}: {count}"
        which = "least confident" if self.is_right else "worst"
        return f"{what}: the {self.shown:,} {which} of {count}"


def make_cells(confusions: np.ndarray, shown: dict[str, int]) -> list[list[Cell]]:
    """Return rows of cells; `shown` is how many pictures there are of each kind."""
    errors = without_diagonal(confusions)
    return [
        [
            Cell(
                label,
                predicted,
                int(confusions[label, predicted]),
                shown.get(f"{label}-{predicted}", 0),
                _scale(int(errors[label, predicted]), int(errors.max())),
            )
            for predicted in range(10)
        ]
        for label in range(10)
    ]


def without_diagonal(confusions: np.ndarray) -> np.ndarray:
    return np.where(np.eye(10, dtype=bool), 0, confusions)


def most_confused(confusions: np.ndarray, count: int) -> list[tuple[int, int, int]]:
    """Return label, prediction and number of the most frequent errors."""
    errors = without_diagonal(confusions)
    order = np.argsort(-errors, axis=None, kind="stable")[:count]
    pairs = ((int(place) // 10, int(place) % 10) for place in order)
    return [(*pair, int(errors[pair])) for pair in pairs if errors[pair]]


def draw_confusions(confusions: np.ndarray) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("errors", ["#ffffff", "#f0a878"])
    figure = new_figure(6, 5.6)
    axes = figure.subplots()
    errors = without_diagonal(confusions)
    axes.imshow(np.sqrt(errors), cmap=colours, vmin=0, vmax=max(1, np.sqrt(errors.max())))
    for label in range(10):
        for predicted in range(10):
            count = int(confusions[label, predicted])
            axes.text(
                predicted,
                label,
                f"{count:,}" if count else "·",
                ha="center",
                va="center",
                color=INK,
                fontsize=8,
                fontweight="bold" if label == predicted else "normal",
            )
    axes.set(xlabel="predicted digit", ylabel="label", xticks=range(10), yticks=range(10))
    tidy(axes)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def _scale(errors: int, most: int) -> float:
    """By the root: two errors are to be seen beside two hundred."""
    return round(_STRONGEST * math.sqrt(errors / most), 3) if errors else 0.0
