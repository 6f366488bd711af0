"""Find the ink on a picture, and how much of each pixel it covers.

In: grey (height, width), and whether ink is darker than paper. Out: ink (height, width), 0 on the
paper and the more, the more of a pixel is covered. What always holds: how the light falls on the
paper does not matter.
"""

from collections.abc import Callable

import numpy as np

# How wide strokes may be, as parts of the picture's longest side; what is wider is paper. How
# wide these are is found on a small copy.
_STROKES = (0.08, 0.13, 0.2, 0.3, 0.4)
_SMALL = 64
# In any part of the picture that is so wide, most is paper; for that, a tiny copy is enough.
_SURROUNDINGS = 0.5
_TINY = 32
# Ink that leaves the picture does so over less than this part of a side.
_ALONG = 0.8
# Added to brightness before ratios are taken, so that noise in the dark is not blown up.
_DARKNESS = 32.0


def suppose_dark_ink(grey: np.ndarray) -> bool:
    """Whether what stands out from its surroundings, most of which are paper, is darker."""
    from scipy import ndimage

    tiny = np.log(shrink(grey, _TINY) + _DARKNESS)
    darker = _filter(ndimage.median_filter, tiny, _SURROUNDINGS) - tiny
    clearly = abs(darker) > 0.3 * abs(darker).max()
    return float((darker * abs(darker))[clearly].sum()) >= 0


def find_ink(grey: np.ndarray, is_dark: bool) -> np.ndarray:
    """Return how much darker, or lighter, than the paper each pixel is."""
    paper = _fill_strokes(grey, _measure_strokes(shrink(grey, _SMALL), is_dark), is_dark)
    return _differ(grey, paper, is_dark)


def shrink(values: np.ndarray, longest: int) -> np.ndarray:
    part = min(longest / max(values.shape), 1)
    return scale(values, tuple(max(round(part * side), 1) for side in values.shape))


def scale(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Resize to a shape, smoothly, every old pixel taken into account."""
    from PIL import Image

    height, width = shape
    image = Image.fromarray(np.asarray(values, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def _measure_strokes(grey: np.ndarray, is_dark: bool) -> float:
    """Return the least of `_STROKES` that is enough for the clearest ink.

    Not more, since what is wider than strokes is the shadow of a hand, or the table.
    """
    inks = [_differ(grey, _fill_strokes(grey, part, is_dark), is_dark) for part in _STROKES]
    clearest = inks[-1] >= 0.7 * inks[-1].max()
    whole = inks[-1][clearest].mean()
    enough = [ink[clearest].mean() >= 0.97 * whole for ink in inks]
    return _STROKES[enough.index(True)]


def _fill_strokes(grey: np.ndarray, part: float, is_dark: bool) -> np.ndarray:
    """Return the paper: strokes up to that part of the longest side wide are filled with it."""
    from scipy import ndimage

    return _filter(ndimage.grey_closing if is_dark else ndimage.grey_opening, grey, part)


def _differ(grey: np.ndarray, paper: np.ndarray, is_dark: bool) -> np.ndarray:
    """Return ink as a part of the light that the paper has there; white ink's own is not known."""
    if not is_dark:
        return np.maximum(grey - paper, 0) / 255
    return np.maximum(paper - grey, 0) / (np.maximum(paper, 0) + _DARKNESS)


def _filter(each: Callable[..., np.ndarray], values: np.ndarray, part: float) -> np.ndarray:
    """Filter by squares, `part` of the longest side wide, as if the paper went on all round.

    What it goes on with is the outermost line, from which ink that leaves the picture is filtered.
    """
    wider = np.pad(values, 1, "edge")
    for line in (wider[0], wider[-1], wider[:, 0], wider[:, -1]):
        line[:] = _slide(each, line, round(_ALONG * len(line)))
    return _slide(each, wider, round(part * max(values.shape)))[1:-1, 1:-1]


def _slide(each: Callable[..., np.ndarray], values: np.ndarray, size: int) -> np.ndarray:
    size |= 1  # an odd one has a middle
    inside = tuple(slice(size, size + side) for side in values.shape)
    return each(np.pad(values, size, "edge"), size=size)[inside]
