"""How similar two maps of one image are.

In: maps and the image. Out: Spearman's rank correlation, and the median of several. What always
holds: only pixels with ink count; on paper most maps are zero, and any two would agree.
"""

import math

import numpy as np


def correlate(one: np.ndarray, other: np.ndarray, image: np.ndarray) -> float:
    """Return -1 to 1, or NaN where one of the maps is the same everywhere."""
    from scipy.stats import rankdata

    ink = image > 0
    ranks = np.stack([rankdata(one[ink]), rankdata(other[ink])]) if ink.any() else np.zeros((2, 1))
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    spread = math.sqrt(float((centred[0] ** 2).sum() * (centred[1] ** 2).sum()))
    return float((centred[0] * centred[1]).sum()) / spread if spread else math.nan


def middle_of(correlations: np.ndarray) -> float:
    """Return the median of those that are numbers, or NaN where none is."""
    known = correlations[~np.isnan(correlations)]
    return float(np.median(known)) if len(known) else math.nan
