"""Occlusion: hide the ink spot by spot, and see how the probability changes.

In: a function that predicts, one image, a digit. Out: a map of the image. Its value at a pixel is
how much the digit's log-odds fall when the ink there is hidden: above zero the ink counts for the
digit, below zero against it. What always holds: empty pixels are exactly zero, and one batch asks
for everything.
"""

from collections.abc import Callable

import numpy as np

_SIZE = 28


def occlude(
    recognize: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    digit: int,
    window: int = 5,
    stride: int = 3,
) -> np.ndarray:
    """Return a (28, 28) float32 map for an image (28, 28) uint8, white on black.

    A square window moves over the image in steps of `stride`. The change from hiding its ink is
    divided among the pixels in proportion to their ink. A pixel gets the mean over the windows that
    hide it.
    """
    windows = place_windows(image, window, stride)
    if not len(windows):
        return np.zeros((_SIZE, _SIZE), np.float32)
    probabilities = recognize(np.concatenate([image[None], hide(image, windows)]))
    odds = log_odds(probabilities, digit)
    falls = odds[0] - odds[1:]
    ink = windows * image.astype(np.float64)
    shares = ink / ink.sum(axis=(1, 2), keepdims=True)
    hidden_times = np.maximum(windows.sum(axis=0), 1)
    return np.asarray(np.tensordot(falls, shares, axes=1) / hidden_times, np.float32)


def place_windows(image: np.ndarray, window: int, stride: int) -> np.ndarray:
    """Return the windows that contain ink, as (n, 28, 28) masks; every pixel with ink is in one."""
    if not 1 <= stride <= window:
        raise ValueError(
            f"stride {stride} and window {window}: pixels between windows would be missed"
        )
    # Start outside the image, so that an edge pixel is in as many windows as one in the middle.
    starts = np.arange(1 - window, _SIZE, stride)
    places = np.arange(_SIZE)
    bands = (places >= starts[:, None]) & (places < starts[:, None] + window)
    windows = (bands[:, None, :, None] & bands[None, :, None, :]).reshape(-1, _SIZE, _SIZE)
    return windows[(windows & (image > 0)).any(axis=(1, 2))]


def hide(image: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """Return one copy of the image for each window, with that window empty."""
    return np.where(windows, np.zeros_like(image), image)


def log_odds(probabilities: np.ndarray, digit: int) -> np.ndarray:
    """Return each row's log of p / (1 - p), where p is the digit's probability.

    1 - p is computed as the sum of the other probabilities, which is exact where p rounds to 1.
    """
    others = np.delete(probabilities, digit, axis=1).sum(axis=1, dtype=np.float64)
    own = probabilities[:, digit].astype(np.float64)
    least = np.finfo(np.float32).tiny
    return np.asarray(np.log(np.maximum(own, least)) - np.log(np.maximum(others, least)))
