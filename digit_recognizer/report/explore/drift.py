"""Whether training and test images differ: can a classifier tell them apart?

In: both parts' images. Out: how well it does on images that it did not learn from, beside chance.
What always holds: the result is the same on every run and with any number of threads.

What is measured is the area under the ROC curve (AUC): how often a test image looks more like a
test image than a training image does. Chance is 0.5. Its standard error is Hanley and McNeil's
(1982), for the mean over the folds.
"""

import math
from dataclasses import dataclass

import numpy as np

from digit_recognizer.report.explore.ink import amount_of_ink

_FOLDS = 5
_OF_EACH_PART = 5_000
_COMPONENTS = 40
_TREES = 60
_SEED = 0
# Two standard errors: chance alone goes further once in twenty data sets.
_SURE = 2.0


@dataclass(frozen=True)
class Drift:
    auc: float
    standard_error: float
    train_images: int
    test_images: int
    ink_distance: float  # Kolmogorov and Smirnov's, over all images
    ink_probability: float  # of a distance as large as this one, were there no difference

    @property
    def is_found(self) -> bool:
        return self.auc - 0.5 > _SURE * self.standard_error

    @property
    def verdict(self) -> str:
        if not self.is_found:
            return "cannot tell them apart"
        if self.auc < 0.6:
            return "tells them apart a little better than chance"
        return "tells them apart" if self.auc < 0.8 else "tells them apart easily"


def measure_drift(
    train_images: np.ndarray,
    test_images: np.ndarray,
    of_each_part: int = _OF_EACH_PART,
    trees: int = _TREES,
) -> Drift | None:
    """Return the measurement, or None where a part has too few images for it."""
    if min(len(train_images), len(test_images)) < 2 * _FOLDS:
        return None
    from scipy.stats import ks_2samp
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits

    random = np.random.default_rng(_SEED)
    chosen = [
        part[np.sort(random.permutation(len(part))[:of_each_part])]
        for part in (train_images, test_images)
    ]
    is_test = np.repeat([0, 1], [len(part) for part in chosen])
    areas, variances = [], []
    with threadpool_limits(1):
        features = _describe(np.concatenate(chosen))
        for learnt, held_out in StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED).split(
            features, is_test
        ):
            judge = HistGradientBoostingClassifier(
                max_iter=trees, early_stopping=False, random_state=_SEED
            )
            judge.fit(features[learnt], is_test[learnt])
            guesses = judge.predict_proba(features[held_out])[:, 1]
            areas.append(roc_auc_score(is_test[held_out], guesses))
            variances.append(_variance(areas[-1], is_test[held_out]))
    distance = ks_2samp(amount_of_ink(train_images), amount_of_ink(test_images))
    return Drift(
        auc=float(np.mean(areas)),
        standard_error=math.sqrt(sum(variances)) / _FOLDS,
        train_images=len(chosen[0]),
        test_images=len(chosen[1]),
        ink_distance=float(distance.statistic),
        ink_probability=float(distance.pvalue),
    )


def _describe(images: np.ndarray) -> np.ndarray:
    """Return the pixels' principal components, and what these would miss: ink, and faint ink."""
    from sklearn.decomposition import PCA

    pixels = images.reshape(len(images), -1).astype(np.float32) / 255
    components = min(_COMPONENTS, len(images))
    reduced = PCA(components, svd_solver="randomized", random_state=_SEED).fit_transform(pixels)
    return np.column_stack([reduced, pixels.sum(axis=1), (pixels > 0).sum(axis=1)])


def _variance(area: float, is_test: np.ndarray) -> float:
    """Return Hanley and McNeil's variance; below chance, that of chance."""
    test, train = int(is_test.sum()), int((1 - is_test).sum())
    chance = (test + train + 1) / (12 * test * train)
    if area <= 0.5:
        return chance
    both_test, both_train = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area)
    spread += (test - 1) * (both_test - area**2) + (train - 1) * (both_train - area**2)
    return spread / (test * train)
