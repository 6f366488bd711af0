"""Which of the ink is the digit: all its parts, and neither specks nor shadows nor edges.

In: ink (height, width). Out: the digit's part of it, cut out. What always holds: there is a digit's
worth of ink in it; where there is none, an error says so.
"""

from dataclasses import dataclass

import numpy as np

from digit_recognizer.use.pictures.read import PictureError

# Ink begins at this part of a whole stroke's.
_BEGINS = 0.45
# A stroke differs from the paper by at least this part of its brightness, and by so many times
# what the paper differs from itself.
_FAINTEST, _CLEAREST_NOISE = 0.06, 5
# How much less a thing is worth that touches so many sides of the picture: shadows and edges do.
_TOUCHING = (1.0, 0.5, 0.1, 0.1, 0.1)
# Sizes as parts of the largest thing's: how far away another part of the digit may lie, if it is
# above, below or small, and if it is not; and what is small, and what is no more than a speck.
_FAR, _CLOSE, _SMALL, _SPECK = 0.25, 0.05, 0.6, 0.02


@dataclass(frozen=True)
class Parts:
    """A digit, in a frame that leaves a pixel or more on each side."""

    covered: np.ndarray  # how much of a pixel is, 0..1
    strokes: np.ndarray  # the pixels of which more than about half is
    others: int  # things of a digit's size beside it


@dataclass(frozen=True)
class _Things:
    """What hangs together, as arrays with an entry for each."""

    labels: np.ndarray  # (height, width), 1 for the first
    tops: np.ndarray
    bottoms: np.ndarray
    lefts: np.ndarray
    rights: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        return np.maximum(self.bottoms - self.tops, self.rights - self.lefts)

    @property
    def touches(self) -> np.ndarray:
        """How many sides of the picture each touches."""
        height, width = self.labels.shape
        return (
            (self.tops == 0).astype(int)
            + (self.bottoms == height)
            + (self.lefts == 0)
            + (self.rights == width)
        )


def find_parts(ink: np.ndarray) -> Parts:
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(ink, max(ink.shape) / 1000)
    level = _find_level(smooth)
    things = _list_things(smooth > _BEGINS * level)
    worth = things.sizes * np.array(_TOUCHING)[things.touches]
    main = int(worth.argmax())
    if things.sizes[main] < max(0.02 * max(ink.shape), 3):
        raise PictureError("There is nothing on it but specks.")
    is_part = _gather(things, main)
    others = int((worth[~is_part] > 0.5 * things.sizes[main]).sum())
    return _frame(ink / level, things, is_part, others)


def _find_level(ink: np.ndarray) -> float:
    """Return the ink of a stroke's middle, as Otsu's threshold tells strokes from paper."""
    if np.ptp(ink) < _FAINTEST:
        raise PictureError("There is nothing on it.")
    counts, edges = np.histogram(ink, 256)
    middles = (edges[:-1] + edges[1:]) / 2
    below, sums = counts.cumsum()[:-1], (counts * middles).cumsum()
    above = ink.size - below
    apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
    threshold = edges[1:-1][np.nanargmax(below * above * apart**2)]
    level = float(np.median(ink[ink > threshold]))
    paper = ink[ink < _BEGINS * level]
    noise = 1.5 * float(np.median(abs(paper - np.median(paper)))) if len(paper) else 0.0
    if level < max(_FAINTEST, _CLEAREST_NOISE * noise):
        raise PictureError("There is nothing on it.")
    return level


def _list_things(seen: np.ndarray) -> _Things:
    from scipy import ndimage

    labels, _ = ndimage.label(seen, np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    ends = [(rows.start, rows.stop, columns.start, columns.stop) for rows, columns in boxes]
    return _Things(labels, *np.array(ends).T)


def _gather(things: _Things, main: int) -> np.ndarray:
    """Return the things that make up the digit: the main one and what lies near enough."""
    from scipy import ndimage

    size = things.sizes[main]
    areas = np.bincount(things.labels.ravel())[1:]
    is_part = np.arange(len(areas)) == main
    may_be = (areas > _SPECK * areas[main]) & (things.sizes <= size)
    while True:
        box = _Box.around(things, is_part)
        labels = box.widen(int(_FAR * size) + 1, things.labels.shape).cut(things.labels)
        away = ndimage.distance_transform_cdt(~np.isin(labels, np.flatnonzero(is_part) + 1))
        gaps = ndimage.minimum(away, labels, np.arange(len(areas)) + 1)
        inside = np.isin(np.arange(len(areas)) + 1, labels)
        shared = np.minimum(things.rights, box.right) - np.maximum(things.lefts, box.left)
        narrower = np.minimum(things.rights - things.lefts, box.right - box.left)
        reach = np.where((shared > narrower / 2) | (things.sizes < _SMALL * size), _FAR, _CLOSE)
        joins = may_be & inside & ~is_part & (gaps <= reach * size)
        if not joins.any():
            return is_part
        is_part |= joins


@dataclass(frozen=True)
class _Box:
    top: int
    bottom: int
    left: int
    right: int

    @classmethod
    def around(cls, things: _Things, members: np.ndarray) -> "_Box":
        return cls(
            int(things.tops[members].min()),
            int(things.bottoms[members].max()),
            int(things.lefts[members].min()),
            int(things.rights[members].max()),
        )

    def widen(self, margin: int, shape: tuple[int, ...]) -> "_Box":
        return _Box(
            max(self.top - margin, 0),
            min(self.bottom + margin, shape[0]),
            max(self.left - margin, 0),
            min(self.right + margin, shape[1]),
        )

    def cut(self, values: np.ndarray) -> np.ndarray:
        return values[self.top : self.bottom, self.left : self.right]


def _frame(ink: np.ndarray, things: _Things, is_part: np.ndarray, others: int) -> Parts:
    from scipy import ndimage

    edge = 2 + int(things.sizes[is_part].max() / 60)
    box = _Box.around(things, is_part).widen(edge, ink.shape)
    strokes = np.pad(np.isin(box.cut(things.labels), np.flatnonzero(is_part) + 1), 1)
    near = ndimage.binary_dilation(strokes, np.ones((3, 3)), iterations=edge - 1)
    covered = np.where(near, np.clip(np.pad(box.cut(ink), 1), 0, 1), 0)
    return Parts(covered, strokes, others)
