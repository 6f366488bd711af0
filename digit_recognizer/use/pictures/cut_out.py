"""Finding the digit on a picture and placing it in 28x28 pixels as in MNIST.

In: grey values (height, width), of any size and light. Out: uint8 (28, 28), white on black: the
digit's longest side is 20 pixels and its centre of mass is in the middle. What always holds: an
image that already has this form is not changed.
"""

import contextlib
from dataclasses import dataclass

import numpy as np

from digit_recognizer.use.pictures.ink import find_ink, scale, shrink, suppose_dark_ink
from digit_recognizer.use.pictures.parts import Parts, find_parts
from digit_recognizer.use.pictures.read import PictureError

SEVERAL = "There is more than one object on it; the largest was used."
_BOX = 20
# The longest side of the copy on which the digit is searched: a digit that fills a twentieth of it
# is as large as the box.
_LONGEST = 500
# Strokes thinner than this, in pixels of the box, are widened: scaling down would make them faint.
_THINNEST = 2.0
# The strokes of a digit are narrower than this part of its size.
_BLOB = 0.35
# A sheet of paper is larger than this part of the picture.
_SHEET = 0.5


@dataclass(frozen=True)
class CutOut:
    image: np.ndarray
    others: int  # other objects that may be digits, too


def cut_out(grey: np.ndarray) -> np.ndarray:
    """Return the digit on the picture; of several, the largest."""
    return find_digit(grey).image


def find_digit(grey: np.ndarray) -> CutOut:
    ready = _in_mnist_form(grey)
    if ready is not None:
        return CutOut(ready, 0)
    parts = _find_drawn(shrink(grey, _LONGEST))
    return CutOut(_centre(_fit_into_box(_widen(parts))), parts.others)


def _find_drawn(grey: np.ndarray) -> Parts:
    """Find the digit among the parts that are darker than their surroundings, or lighter.

    A large light object without lines may be a sheet of paper on a table, with a digit on it.
    """
    is_dark = suppose_dark_ink(grey)
    parts = find_parts(find_ink(grey, is_dark))
    if is_dark or _has_lines(parts) or parts.size < _SHEET * max(grey.shape):
        return parts
    with contextlib.suppress(PictureError):
        drawn = find_parts(find_ink(grey, is_dark=True))
        if _has_lines(drawn):
            return drawn
    return parts


def _has_lines(parts: Parts) -> bool:
    from scipy import ndimage

    widest = 2 * int(ndimage.distance_transform_cdt(parts.strokes).max()) - 1
    return widest <= _BLOB * parts.size


def _in_mnist_form(grey: np.ndarray) -> np.ndarray | None:
    """Return the picture unchanged if it has the form of MNIST; a negative is inverted."""
    from scipy import ndimage

    if grey.shape != (28, 28):
        return None
    for image in (grey, 255 - grey):
        seen = image > 32
        if np.median(image) > 8 or not seen.any():
            continue
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        longest = max(np.ptp(rows), np.ptp(columns)) + 1
        centre = ndimage.center_of_mass(image)
        if 18 <= longest <= 20 and max(abs(place - 13.75) for place in centre) < 1:
            return np.round(image).astype(np.uint8)
    return None


def _widen(parts: Parts) -> np.ndarray:
    """Return the digit with strokes at least as wide as `_THINNEST`."""
    from scipy import ndimage

    missing = _THINNEST * parts.size / _BOX - _measure_width(parts.strokes)
    if missing <= 0:
        return parts.covered
    margin = int(missing / 2) + 2
    away = ndimage.distance_transform_edt(~np.pad(parts.strokes, margin))
    return np.maximum(np.pad(parts.covered, margin), np.clip(missing / 2 + 1 - away, 0, 1))


def _measure_width(strokes: np.ndarray) -> float:
    """Return the width of the strokes: their area divided by half their outline."""
    sides = sum(int((strokes ^ np.roll(strokes, 1, axis)).sum()) for axis in (0, 1))
    # Pixel sides along a line in a random direction add up to 4 / pi times its length.
    return 2 * float(strokes.sum()) / (sides * np.pi / 4)


def _fit_into_box(covered: np.ndarray) -> np.ndarray:
    """Scale the digit so that its longest side has 20 pixels."""
    seen = covered > 0.4
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    digit = covered[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    part = _BOX / max(digit.shape)
    return scale(digit, tuple(max(round(part * side), 1) for side in digit.shape))


def _centre(box: np.ndarray) -> np.ndarray:
    """Place the box so that its centre of mass is in the middle, as far as there is room."""
    from scipy import ndimage

    image = np.zeros((28, 28), np.uint8)
    top, left = (
        int(np.clip(np.floor(14.5 - place), 0, 28 - side))
        for place, side in zip(ndimage.center_of_mass(box), box.shape, strict=True)
    )
    height, width = box.shape
    image[top : top + height, left : left + width] = np.round(255 * np.clip(box, 0, 1))
    return image
