"""Choose which of the ink is the digit: no specks, shadows or edges of the paper.

In: ink (height, width). Out: the digit's ink, cut out. What always holds: the result is large
enough for a digit; otherwise there is an error.
"""

import contextlib
from dataclasses import dataclass

import numpy as np

from digit_recognizer.use.pictures.components import Components, separate
from digit_recognizer.use.pictures.read import PictureError

# Weight of an object's size if it touches 0, 1, 2, 3 or 4 sides of the picture, as shadows and
# edges do. A digit that fills the whole picture touches all four.
_TOUCHING = (1.0, 0.5, 0.1, 0.1, 0.3)
# Weight of a straight line, and how narrow a line is compared with its length.
_LINE, _STRAIGHT = 0.3, 0.03
# An object that contains another one of this part of its size is a frame.
_FRAMED = 0.3
# As parts of the main object's size: how far away another part of the digit may be if it is above,
# below or small, and otherwise; what counts as small; and, as part of its area, what is a speck.
_FAR, _CLOSE, _SMALL, _SPECK = 0.25, 0.05, 0.6, 0.02
# A digit has at least this part of the picture's size, and at least this many pixels.
_LEAST, _FEWEST = 0.02, 3


@dataclass(frozen=True)
class Parts:
    """A digit, with an empty border of at least one pixel."""

    covered: np.ndarray  # how much of each pixel is ink, 0..1
    strokes: np.ndarray  # pixels of which more than about half is ink
    others: int  # other objects of similar size

    @property
    def size(self) -> int:
        return max(int(np.ptp(places)) + 1 for places in np.nonzero(self.strokes))


def find_parts(ink: np.ndarray) -> Parts:
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(ink, max(ink.shape) / 1000)
    level, objects = separate(smooth)
    worth = _judge(objects)
    from_outside = np.isin(objects.labels, objects.numbers[objects.sides_touched > 0])
    if from_outside.any():
        # A shadow or edge may be so dark that the digit is not found; search again without it.
        smooth[ndimage.binary_dilation(from_outside, iterations=3)] = 0
        with contextlib.suppress(PictureError):
            inner_level, inner = separate(smooth)
            inner_worth = _judge(inner)
            if inner_worth.max() > worth.max():
                level, objects, worth = inner_level, inner, inner_worth
    main = int(worth.argmax())
    size = objects.sizes[main]
    if size < max(_LEAST * max(ink.shape), _FEWEST):
        raise PictureError("There are only specks on it.")
    is_part = _gather(objects, main)
    others = int((worth[~is_part] > 0.5 * size).sum())
    return _cut(ink / level, objects, is_part, others)


def _judge(objects: Components) -> np.ndarray:
    """Return a weight for each object: its size, less for edges and lines, 0 for frames."""
    worth = objects.sizes * np.array(_TOUCHING)[objects.sides_touched]
    lines: set[int] = set()
    while True:
        best = int(worth.argmax())
        if _surrounds(objects, best):
            worth[best] = 0
        elif best not in lines and _is_line(objects, best):
            lines.add(best)
            worth[best] *= _LINE
        else:
            return worth


def _surrounds(objects: Components, frame: int) -> bool:
    """Whether a large object is inside a hole of this one, which no digit has."""
    from scipy import ndimage

    inside = (
        (objects.tops > objects.tops[frame])
        & (objects.bottoms < objects.bottoms[frame])
        & (objects.lefts > objects.lefts[frame])
        & (objects.rights < objects.rights[frame])
        & (objects.sizes > _FRAMED * objects.sizes[frame])
    )
    if not inside.any():
        return False
    itself = objects.numbers == frame + 1
    box = objects.box_around(itself)
    filled = ndimage.binary_fill_holes(objects.mask(itself, box))
    labels = box.cut(objects.labels)
    return any(filled[labels == number].all() for number in objects.numbers[inside])


def _is_line(objects: Components, each: int) -> bool:
    itself = objects.numbers == each + 1
    rows, columns = np.nonzero(objects.mask(itself, objects.box_around(itself)))
    across, along = np.linalg.eigvalsh(np.cov(rows, columns, ddof=0))
    return bool(across <= _STRAIGHT**2 * along)


def _gather(objects: Components, main: int) -> np.ndarray:
    """Return which objects form the digit: the main one and those near enough."""
    from scipy import ndimage

    size, areas = objects.sizes[main], objects.areas
    is_part = objects.numbers == main + 1
    may_join = (areas > _SPECK * areas[main]) & (objects.sizes <= size)
    while True:
        box = objects.box_around(is_part)
        around = box.widen(int(_FAR * size) + 1, objects.labels.shape)
        labels = around.cut(objects.labels)
        away = ndimage.distance_transform_cdt(~objects.mask(is_part, around))
        gaps = ndimage.minimum(away, labels, objects.numbers)
        shared = np.minimum(objects.rights, box.right) - np.maximum(objects.lefts, box.left)
        is_stacked = shared > np.minimum(objects.widths, box.right - box.left) / 2
        reach = np.where(is_stacked | (objects.sizes < _SMALL * size), _FAR, _CLOSE)
        is_near = np.isin(objects.numbers, labels) & (gaps <= reach * size)
        joins = may_join & is_near & ~is_part
        if not joins.any():
            return is_part
        is_part = is_part | joins


def _cut(ink: np.ndarray, objects: Components, is_part: np.ndarray, others: int) -> Parts:
    from scipy import ndimage

    edge = 2 + int(objects.sizes[is_part].max() / 60)
    box = objects.box_around(is_part).widen(edge, ink.shape)
    strokes = np.pad(objects.mask(is_part, box), 1)
    near = ndimage.binary_dilation(strokes, np.ones((3, 3)), iterations=edge - 1)
    covered = np.where(near, np.clip(np.pad(box.cut(ink), 1), 0, 1), 0)
    return Parts(covered, strokes, others)
