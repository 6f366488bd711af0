"""Choose which of the ink is the digit: no specks, shadows or edges of the paper.

In: ink (height, width). Out: the digit's part of it, cut out. What always holds: there is a digit's
worth of ink in it, or an error says that there is not.
"""

import contextlib
from dataclasses import dataclass

import numpy as np

from digit_recognizer.use.pictures.components import Things, separate
from digit_recognizer.use.pictures.read import PictureError

# What a thing's size counts for if it touches so many sides of the picture, as shadows and edges
# do. A digit that fills the whole picture touches all.
_TOUCHING = (1.0, 0.5, 0.1, 0.1, 0.3)
# What it counts for if it is a straight line, and how narrow such is for its length.
_LINE, _STRAIGHT = 0.3, 0.03
# What has something of this part of its size inside is a frame.
_FRAMED = 0.3
# As parts of the main thing's size: how far from it another part of the digit may lie, if it is
# above, below or small, and if it is not; what is small; and, of the area, what is but a speck.
_FAR, _CLOSE, _SMALL, _SPECK = 0.25, 0.05, 0.6, 0.02
# A digit is no smaller than this part of the picture, and has some pixels.
_LEAST, _FEWEST = 0.02, 3


@dataclass(frozen=True)
class Parts:
    """A digit, in a frame that leaves a pixel or more on each side."""

    covered: np.ndarray  # how much of a pixel is, 0..1
    strokes: np.ndarray  # the pixels of which more than about half is
    others: int  # things of a digit's size beside it

    @property
    def size(self) -> int:
        return max(int(np.ptp(places)) + 1 for places in np.nonzero(self.strokes))


def find_parts(ink: np.ndarray) -> Parts:
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(ink, max(ink.shape) / 1000)
    level, things = separate(smooth)
    worth = _judge(things)
    from_outside = np.isin(things.labels, things.numbers[things.sides_touched > 0])
    if from_outside.any():
        # It may be so much darker than the digit that it hides it.
        smooth[ndimage.binary_dilation(from_outside, iterations=3)] = 0
        with contextlib.suppress(PictureError):
            inner_level, inner = separate(smooth)
            inner_worth = _judge(inner)
            if inner_worth.max() > worth.max():
                level, things, worth = inner_level, inner, inner_worth
    main = int(worth.argmax())
    size = things.sizes[main]
    if size < max(_LEAST * max(ink.shape), _FEWEST):
        raise PictureError("There is nothing on it but specks.")
    is_part = _gather(things, main)
    others = int((worth[~is_part] > 0.5 * size).sum())
    return _cut(ink / level, things, is_part, others)


def _judge(things: Things) -> np.ndarray:
    """Return what each counts for: its size, unless it comes from outside or is a frame or line."""
    worth = things.sizes * np.array(_TOUCHING)[things.sides_touched]
    lines: set[int] = set()
    while True:
        best = int(worth.argmax())
        if _surrounds(things, best):
            worth[best] = 0
        elif best not in lines and _is_line(things, best):
            lines.add(best)
            worth[best] *= _LINE
        else:
            return worth


def _surrounds(things: Things, frame: int) -> bool:
    """Whether something large lies in the thing's hole: no digit has that."""
    from scipy import ndimage

    inside = (
        (things.tops > things.tops[frame])
        & (things.bottoms < things.bottoms[frame])
        & (things.lefts > things.lefts[frame])
        & (things.rights < things.rights[frame])
        & (things.sizes > _FRAMED * things.sizes[frame])
    )
    if not inside.any():
        return False
    itself = things.numbers == frame + 1
    box = things.box_around(itself)
    filled = ndimage.binary_fill_holes(things.mask(itself, box))
    labels = box.cut(things.labels)
    return any(filled[labels == number].all() for number in things.numbers[inside])


def _is_line(things: Things, each: int) -> bool:
    itself = things.numbers == each + 1
    rows, columns = np.nonzero(things.mask(itself, things.box_around(itself)))
    across, along = np.linalg.eigvalsh(np.cov(rows, columns, ddof=0))
    return bool(across <= _STRAIGHT**2 * along)


def _gather(things: Things, main: int) -> np.ndarray:
    """Return which things make up the digit: the main one and what lies near enough."""
    from scipy import ndimage

    size, areas = things.sizes[main], things.areas
    is_part = things.numbers == main + 1
    may_join = (areas > _SPECK * areas[main]) & (things.sizes <= size)
    while True:
        box = things.box_around(is_part)
        around = box.widen(int(_FAR * size) + 1, things.labels.shape)
        labels = around.cut(things.labels)
        away = ndimage.distance_transform_cdt(~things.mask(is_part, around))
        gaps = ndimage.minimum(away, labels, things.numbers)
        shared = np.minimum(things.rights, box.right) - np.maximum(things.lefts, box.left)
        is_stacked = shared > np.minimum(things.widths, box.right - box.left) / 2
        reach = np.where(is_stacked | (things.sizes < _SMALL * size), _FAR, _CLOSE)
        is_near = np.isin(things.numbers, labels) & (gaps <= reach * size)
        joins = may_join & is_near & ~is_part
        if not joins.any():
            return is_part
        is_part = is_part | joins


def _cut(ink: np.ndarray, things: Things, is_part: np.ndarray, others: int) -> Parts:
    from scipy import ndimage

    edge = 2 + int(things.sizes[is_part].max() / 60)
    box = things.box_around(is_part).widen(edge, ink.shape)
    strokes = np.pad(things.mask(is_part, box), 1)
    near = ndimage.binary_dilation(strokes, np.ones((3, 3)), iterations=edge - 1)
    covered = np.where(near, np.clip(np.pad(box.cut(ink), 1), 0, 1), 0)
    return Parts(covered, strokes, others)
