"""Connected components of the ink, each of which may be a digit.

In: ink (height, width). Out: the ink of a full stroke, and the objects with their boxes. What
always holds: something on the picture is clearer than noise; otherwise there is an error.
"""

from dataclasses import dataclass

import numpy as np

from digit_recognizer.use.pictures.read import PictureError

# A pixel belongs to an object from this part of a full stroke's ink.
_BEGINS = 0.45
# A stroke differs from the paper by at least this part of the paper's brightness, and by at least
# this many times the paper's noise.
_FAINTEST, _TIMES_NOISE = 0.06, 5


@dataclass(frozen=True)
class Box:
    top: int
    bottom: int
    left: int
    right: int

    def cut(self, values: np.ndarray) -> np.ndarray:
        return values[self.top : self.bottom, self.left : self.right]

    def widen(self, margin: int, shape: tuple[int, ...]) -> "Box":
        return Box(
            max(self.top - margin, 0),
            min(self.bottom + margin, shape[0]),
            max(self.left - margin, 0),
            min(self.right + margin, shape[1]),
        )


@dataclass(frozen=True)
class Components:
    """Arrays with an entry for each object."""

    labels: np.ndarray  # (height, width): 0 for none, 1 for the first object
    tops: np.ndarray
    bottoms: np.ndarray
    lefts: np.ndarray
    rights: np.ndarray

    @property
    def numbers(self) -> np.ndarray:
        return np.arange(1, len(self.tops) + 1)

    @property
    def widths(self) -> np.ndarray:
        return self.rights - self.lefts

    @property
    def sizes(self) -> np.ndarray:
        """The longer side of each object."""
        return np.maximum(self.bottoms - self.tops, self.widths)

    @property
    def areas(self) -> np.ndarray:
        return np.bincount(self.labels.ravel())[1:]

    @property
    def sides_touched(self) -> np.ndarray:
        """How many sides of the picture each object touches."""
        height, width = self.labels.shape
        ends = (self.tops == 0, self.bottoms == height, self.lefts == 0, self.rights == width)
        return np.sum(ends, axis=0)

    def box_around(self, chosen: np.ndarray) -> Box:
        return Box(
            int(self.tops[chosen].min()),
            int(self.bottoms[chosen].max()),
            int(self.lefts[chosen].min()),
            int(self.rights[chosen].max()),
        )

    def mask(self, chosen: np.ndarray, box: Box) -> np.ndarray:
        """Return where in the box the chosen objects are."""
        return np.isin(box.cut(self.labels), self.numbers[chosen])


def separate(ink: np.ndarray) -> tuple[float, Components]:
    """Return the ink in the middle of a stroke, and the connected objects."""
    from scipy import ndimage

    level = _find_level(ink)
    labels, _ = ndimage.label(ink > _BEGINS * level, np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    ends = [(rows.start, rows.stop, columns.start, columns.stop) for rows, columns in boxes]
    return level, Components(labels, *np.array(ends).T)


def _find_level(ink: np.ndarray) -> float:
    """Return the median of the ink above Otsu's threshold."""
    if np.ptp(ink) < _FAINTEST:
        raise PictureError("There is nothing on it.")
    counts, edges = np.histogram(ink, 256)
    middles = (edges[:-1] + edges[1:]) / 2
    below, sums = counts.cumsum()[:-1], (counts * middles).cumsum()
    above = ink.size - below
    apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
    threshold = edges[1:-1][np.argmax(below * above * apart**2)]
    level = float(np.median(ink[ink > threshold]))
    paper = ink[ink <= threshold]
    usual = float(np.median(paper))
    noise = 1.5 * float(np.median(abs(paper - usual)))
    if level - usual < max(_FAINTEST, _TIMES_NOISE * noise):
        raise PictureError("There is nothing on it.")
    return level
