"""A map as a small picture, and as words for screen readers.

In: a map and its image. Out: pixels; a phrase. What always holds: ink without effect is grey, sky
blue is for the digit and orange against it (also for colour-blind readers, in light and in dark),
and each map has its own scale.
"""

import numpy as np

from digit_recognizer.pages.pictures import ORANGE, PURPLE, SKY
from digit_recognizer.scores import format_percent

FOR, AGAINST = SKY, ORANGE
_HIDDEN = PURPLE
_GREY = 0.35  # of the ink's brightness
_FULL_COLOUR = 96  # percentile of the nonzero pixels, so that a few extremes do not dim the rest


def paint(map_: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return the map over the image, (28, 28, 3) uint8."""
    strength = np.abs(map_)
    scale = np.percentile(strength[strength > 0], _FULL_COLOUR) if strength.any() else 1.0
    part = np.minimum(strength / scale, 1)[..., None]
    pole = np.where(map_[..., None] > 0, _rgb(FOR), _rgb(AGAINST))
    grey = _GREY * image.astype(np.float32)[..., None]
    return np.asarray(np.rint(part * pole + (1 - part) * grey), np.uint8)


def mark(image: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Return the image, (28, 28, 3) uint8, with another colour for the ink in the window."""
    grey = image.astype(np.float32)[..., None]
    marked = np.where(window[..., None], grey / 255 * _rgb(_HIDDEN), grey)
    return np.asarray(np.rint(marked), np.uint8)


def describe(map_: np.ndarray) -> str:
    """Return how much of the map is for the digit and how much against it, and where."""
    total = float(np.abs(map_).sum(dtype=np.float64))
    if not total:
        return "no ink counts for or against it"
    share = float(np.clip(map_, 0, None).sum(dtype=np.float64)) / total
    parts = []
    if share:
        parts.append(
            f"{format_percent(share)} counts for it, mostly in the "
            + _locate(np.clip(map_, 0, None))
        )
    if share < 1:
        parts.append(
            f"{format_percent(1 - share)} against it, mostly in the "
            + _locate(np.clip(-map_, 0, None))
        )
    return "; ".join(parts)


def _locate(weights: np.ndarray) -> str:
    """Return in which of nine parts of the digit's area the centre of the weights is."""
    names = (("upper", "", "lower"), ("left", "", "right"))
    total = weights.sum(dtype=np.float64)
    places = np.arange(len(weights)) + 0.5
    words = []
    for axis, (low, middle, high) in enumerate(names):
        centre = float((weights.sum(axis=1 - axis) * places).sum()) / total
        words.append(low if centre < 12.5 else high if centre > 15.5 else middle)
    named = [word for word in words if word]
    return {0: "middle", 1: f"{''.join(named)} part"}.get(len(named), " ".join(named))


def _rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)], np.float32)
