"""Assign each image to the fold that holds it out.

In: labels, the number of folds, a seed. Out: an int8 array, one fold number per image. What always
holds: every class is spread evenly over all folds, or the request is refused.
"""

import numpy as np

from digit_recognizer.workspace import ProjectError


def assign_folds(labels: np.ndarray, folds: int, seed: int) -> np.ndarray:
    from sklearn.model_selection import StratifiedKFold  # half a second, so only when needed

    counts = np.bincount(labels, minlength=10)
    absent = np.flatnonzero(counts == 0)
    if len(absent):
        raise ProjectError(
            f"The training data has no image labelled {', '.join(map(str, absent))}; a model that "
            "never saw a digit cannot recognise it. Check the labels of data/train.csv."
        )
    if not 2 <= folds <= counts.min():
        # scikit-learn itself only warns when a class is smaller than the number of folds.
        raise ProjectError(
            f"Cannot cut the data into {folds} folds: expected 2 to {counts.min()}, since the "
            f"rarest digit, {counts.argmin()}, has {counts.min()} images."
        )
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    assigned = np.empty(len(labels), np.int8)
    for fold, (_, held_out) in enumerate(splitter.split(np.zeros(len(labels)), labels)):
        assigned[held_out] = fold
    return assigned
