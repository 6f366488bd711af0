"""Find the ink on a picture, and how much of each pixel it covers.

In: grey values (height, width), and whether ink is darker than paper. Out: ink (height, width): 0
on the paper, and higher where more of a pixel is covered. What always holds: uneven light on the
paper does not matter.
"""

from collections.abc import Callable

import numpy as np

# Possible widths of strokes, as parts of the picture's longest side; wider parts are paper. The
# right one is found on a small copy.
_STROKES = (0.08, 0.13, 0.2, 0.3, 0.4)
_SMALL = 64
# In every area of this width most pixels are paper; a tiny copy is enough to check that.
_SURROUNDINGS = 0.5
_TINY = 32
# Ink that crosses the picture's edge covers less than this part of a side.
_ALONG = 0.8
# Added to brightness before division, so that noise in dark areas is not amplified.
_DARKNESS = 32.0


def suppose_dark_ink(grey: np.ndarray) -> bool:
    """Whether the ink is darker than its surroundings, most of which are paper."""
    from scipy import ndimage

    tiny = np.log(shrink(grey, _TINY) + _DARKNESS)
    darker = _filter(ndimage.median_filter, tiny, _SURROUNDINGS) - tiny
    clearly = abs(darker) > 0.3 * abs(darker).max()
    return float((darker * abs(darker))[clearly].sum()) >= 0


def find_ink(grey: np.ndarray, is_dark: bool) -> np.ndarray:
    """Return how much darker (or lighter) each pixel is than the paper."""
    paper = _fill_strokes(grey, _measure_strokes(shrink(grey, _SMALL), is_dark), is_dark)
    return _differ(grey, paper, is_dark)


def shrink(values: np.ndarray, longest: int) -> np.ndarray:
    part = min(longest / max(values.shape), 1)
    return scale(values, tuple(max(round(part * side), 1) for side in values.shape))


def scale(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Resize smoothly; every old pixel is used."""
    from PIL import Image

    height, width = shape
    image = Image.fromarray(np.asarray(values, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def _measure_strokes(grey: np.ndarray, is_dark: bool) -> float:
    """Return the smallest of `_STROKES` that is enough for the clearest ink.

    Wider dark areas are not strokes; they are the shadow of a hand, or the table.
    """
    inks = [_differ(grey, _fill_strokes(grey, part, is_dark), is_dark) for part in _STROKES]
    clearest = inks[-1] >= 0.7 * inks[-1].max()
    whole = inks[-1][clearest].mean()
    enough = [ink[clearest].mean() >= 0.97 * whole for ink in inks]
    return _STROKES[enough.index(True)]


def _fill_strokes(grey: np.ndarray, part: float, is_dark: bool) -> np.ndarray:
    """Return the paper without strokes, up to a width of `part` of the longest side."""
    from scipy import ndimage

    return _filter(ndimage.grey_closing if is_dark else ndimage.grey_opening, grey, part)


def _differ(grey: np.ndarray, paper: np.ndarray, is_dark: bool) -> np.ndarray:
    """Return ink relative to the paper's brightness there; light ink relative to white."""
    if not is_dark:
        return np.maximum(grey - paper, 0) / 255
    return np.maximum(paper - grey, 0) / (np.maximum(paper, 0) + _DARKNESS)


def _filter(each: Callable[..., np.ndarray], values: np.ndarray, part: float) -> np.ndarray:
    """Filter with squares, `part` of the longest side wide, as if the paper continued outside.

    The outermost pixels are repeated outside, after ink that crosses the edge is filtered out.
    """
    wider = np.pad(values, 1, "edge")
    for line in (wider[0], wider[-1], wider[:, 0], wider[:, -1]):
        line[:] = _slide(each, line, round(_ALONG * len(line)))
    return _slide(each, wider, round(part * max(values.shape)))[1:-1, 1:-1]


def _slide(each: Callable[..., np.ndarray], values: np.ndarray, size: int) -> np.ndarray:
    size |= 1  # odd, so that there is a middle
    inside = tuple(slice(size, size + side) for side in values.shape)
    return each(np.pad(values, size, "edge"), size=size)[inside]
