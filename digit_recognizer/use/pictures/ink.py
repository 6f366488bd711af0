"""Where a pen, or chalk, has touched the picture, and how much of each pixel it covers.

In: grey (height, width). Out: ink (height, width) float32, 0 on the paper and the more, the more of
a pixel is covered. What always holds: neither the light that falls on the paper nor which of the
two is the darker matters.
"""

from collections.abc import Callable

import numpy as np

# The paper is judged on a picture of this size, in which noise and thin lines have gone; for the
# question of which is the darker, a smaller one does.
_THUMBNAIL, _TINY = 64, 32
# How wide strokes may be, as parts of the picture; what is wider than the last is paper.
_STROKES = (0.08, 0.13, 0.2, 0.3, 0.4)
# In any part of the picture that is so wide, most is paper.
_SURROUNDINGS = 0.5
# Ink that leaves the picture does so over less than this part of a side.
_ALONG = 0.8
# Added to brightness before ratios are taken, so that noise in the dark is not blown up.
_DARKNESS = 32.0


def find_ink(grey: np.ndarray) -> np.ndarray:
    """Return by what part of the paper's brightness each pixel differs from it, towards ink's."""
    is_dark = _has_dark_ink(grey)
    paper = scale(_estimate_paper(shrink(grey, _THUMBNAIL), is_dark), grey.shape)
    return _differ(grey, paper, is_dark)


def _differ(grey: np.ndarray, paper: np.ndarray, is_dark: bool) -> np.ndarray:
    if not is_dark:
        return np.maximum(grey - paper, 0) / 255
    return np.maximum(paper - grey, 0) / (np.maximum(paper, 0) + _DARKNESS)


def _estimate_paper(thumbnail: np.ndarray, is_dark: bool) -> np.ndarray:
    """Fill strokes from both sides, and nothing that is wider than them: shadows are paper, too."""
    from scipy import ndimage

    fill = ndimage.grey_closing if is_dark else ndimage.grey_opening
    papers = [_filter(fill, thumbnail, part) for part in _STROKES]
    widest = _differ(thumbnail, papers[-1], is_dark)
    strokes = widest >= 0.7 * widest.max()
    for paper in papers:
        if _differ(thumbnail, paper, is_dark)[strokes].mean() >= 0.9 * widest[strokes].mean():
            return paper
    return papers[-1]


def shrink(values: np.ndarray, longest: int) -> np.ndarray:
    part = min(longest / max(values.shape), 1)
    return scale(values, tuple(max(round(part * side), 1) for side in values.shape))


def scale(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Resize to a shape, smoothly, every old pixel taken into account."""
    from PIL import Image

    height, width = shape
    image = Image.fromarray(np.asarray(values, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def _has_dark_ink(grey: np.ndarray) -> bool:
    """Whether what stands out from its surroundings, most of which are paper, is darker."""
    from scipy import ndimage

    tiny = np.log(shrink(grey, _TINY) + _DARKNESS)
    darker = _filter(ndimage.median_filter, tiny, _SURROUNDINGS) - tiny
    clearly = abs(darker) > 0.3 * abs(darker).max()
    return float((darker * abs(darker))[clearly].sum()) > 0


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
