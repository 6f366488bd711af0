"""Folds spread every digit evenly, the same way for the same seed, or are refused."""

import numpy as np
import pytest

from digit_recognizer.data.folds import assign_folds
from digit_recognizer.workspace import ProjectError

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(10), range(40, 50)))


@pytest.mark.parametrize("folds", [2, 3, 5, 10, 40])
@pytest.mark.parametrize("kind", [np.uint8, np.int64])
def test_each_digit_and_each_fold_are_spread_evenly(folds: int, kind: type) -> None:
    assigned = assign_folds(LABELS.astype(kind), folds, seed=1)
    assert assigned.dtype == np.int8
    assert assigned.shape == LABELS.shape
    assert sorted(set(assigned.tolist())) == list(range(folds))
    sizes = np.bincount(assigned)
    assert sizes.max() - sizes.min() <= 1
    for digit in range(10):
        counts = np.bincount(assigned[digit == LABELS], minlength=folds)
        assert counts.min() >= 1
        assert counts.max() - counts.min() <= 1


def test_the_seed_decides_the_folds() -> None:
    first = assign_folds(LABELS, 5, seed=0)
    np.random.seed(123)  # the global state plays no part
    assert np.array_equal(assign_folds(LABELS, 5, seed=0), first)
    others = [assign_folds(LABELS, 5, seed) for seed in range(1, 6)]
    assert all(not np.array_equal(other, first) for other in others)
    assert len({other.tobytes() for other in others}) == 5


@pytest.mark.parametrize("absent", [[0], [7], [9], [3, 4], [8, 9]])
def test_a_digit_that_never_occurs_is_named(absent: list[int]) -> None:
    expected = f"no image labelled {', '.join(map(str, absent))};"
    with pytest.raises(ProjectError, match=expected):
        assign_folds(LABELS[~np.isin(LABELS, absent)], 5, seed=0)


def test_more_folds_than_the_rarest_digit_has_images_are_refused() -> None:
    few = np.concatenate([LABELS[LABELS != 6], [6, 6, 6, 6]])
    assert set(assign_folds(few, 4, seed=0)) == {0, 1, 2, 3}
    expected = "into 5 folds: expected 2 to 4, since the rarest digit, 6, has 4 images"
    with pytest.raises(ProjectError, match=expected):
        assign_folds(few, 5, seed=0)


@pytest.mark.parametrize("folds", [1, 0, -1])
def test_fewer_than_two_folds_are_refused(folds: int) -> None:
    with pytest.raises(ProjectError, match=f"into {folds} folds: expected 2 to 40"):
        assign_folds(LABELS, folds, seed=0)
