"""Planted copies are found, exact and near ones, and none is invented."""

import numpy as np
import pytest

from digit_recognizer.data.sources.sample import enlarge
from digit_recognizer.report.explore import neighbours
from digit_recognizer.report.explore.duplicates import Pool, find_duplicates
from digit_recognizer.report.explore.neighbours import find_neighbours, move_to_middle

TRAIN = 60


def make_blots(count: int = 100, seed: int = 0) -> np.ndarray:
    """Return images as smooth as the sample's digits, any two of which are far apart."""
    blots = np.random.default_rng(seed).random((count, 8, 8))
    return enlarge(np.where(blots > 0.6, blots, 0))


def make_pool(images: np.ndarray) -> Pool:
    return Pool(images, (np.arange(TRAIN) % 10).astype(np.uint8))


def pairs_of(images: np.ndarray) -> list[tuple[int, int]]:
    return sorted((pair.one, pair.other) for pair in find_neighbours(images).pairs)


def test_exact_copies_are_grouped_and_counted_by_where_they_are() -> None:
    images = make_blots()
    images[15] = images[5]  # within train, same label
    images[26] = images[27]  # within train, labels 6 and 7
    images[99] = images[80]  # within test
    images[70] = images[71] = images[33]  # across, twice in test
    found = find_duplicates(make_pool(images))
    assert found.groups == [[5, 15], [26, 27], [33, 70, 71], [80, 99]]
    assert (found.within_train, found.within_test, found.across) == (2, 2, 1)
    assert found.conflicting == [[26, 27]]
    assert found.copies == 5


def test_without_copies_none_is_invented() -> None:
    images = make_blots()
    found = find_duplicates(make_pool(images))
    assert (found.groups, found.copies, found.conflicting) == ([], 0, [])
    assert pairs_of(images) == []


def test_a_pixel_more_is_no_exact_copy_but_a_near_one() -> None:
    images = make_blots()
    images[50] = images[10]
    images[50, 14, 14] ^= 1
    assert find_duplicates(make_pool(images)).groups == []
    assert pairs_of(images) == [(10, 50)]


def test_copies_with_noise_moved_or_darkened_are_found() -> None:
    images = make_blots()
    random = np.random.default_rng(1)
    noisy = images[3].astype(int) + random.integers(-6, 7, (28, 28))
    images[40] = np.clip(noisy, 0, 255)
    images[90] = np.roll(images[20], (2, -1), axis=(0, 1))
    images[95] = np.round(images[61] * 0.9)
    assert pairs_of(images) == [(3, 40), (20, 90), (61, 95)]


def test_the_fast_search_finds_what_comparing_everything_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(neighbours, "_BLOCK", 7)
    blots = make_blots(60)
    random = np.random.default_rng(2)
    # Copies with more and more noise, some of them nearer than the limit and some not.
    noise = random.normal(size=blots.shape) * np.linspace(0, 40, 60)[:, None, None]
    images = np.concatenate([blots, np.clip(blots + noise, 0, 255).astype(np.uint8)])
    found = find_neighbours(images)
    centred = move_to_middle(images).reshape(len(images), -1).astype(np.float64)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    apart = np.linalg.norm(centred[:, None] - centred[None], axis=2)
    expected = {(i, j) for i, j in np.argwhere(apart <= found.limit) if i < j}
    assert 10 < len(expected) < 60
    assert {(pair.one, pair.other) for pair in found.pairs} == expected
    distances = [pair.distance for pair in found.pairs]
    assert distances == sorted(distances)
    for pair in found.pairs:
        assert pair.distance == pytest.approx(apart[pair.one, pair.other], abs=1e-5)


def test_what_is_left_out_and_what_is_empty_has_no_neighbours() -> None:
    images = make_blots()
    images[30] = images[31]
    images[50:60] = 0
    assert pairs_of(images) == [(30, 31)]
    assert find_neighbours(images, left_out={31}).pairs == []
    assert find_neighbours(np.zeros((5, 28, 28), np.uint8)).pairs == []


def test_too_many_pairs_end_the_search_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST_PAIRS", 10)
    monkeypatch.setattr(neighbours, "_BLOCK", 10)
    images = np.repeat(make_blots(10), 10, axis=0)
    found = find_neighbours(images)
    assert not found.is_complete
    assert len(found.pairs) > 10
    assert find_neighbours(make_blots()).is_complete


def test_centring_moves_whole_pixels_and_loses_none() -> None:
    images = make_blots(20)
    centred = move_to_middle(images)
    assert np.array_equal(np.sort(images.reshape(20, -1)), np.sort(centred.reshape(20, -1)))
    assert np.array_equal(centred, move_to_middle(np.roll(images, 1, axis=1)))


def test_pure_noise_ends_the_search_instead_of_taking_hours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(neighbours, "MOST_COMPARED", 100)
    monkeypatch.setattr(neighbours, "_AT_ONCE", 50)
    # Its projections are near each other, and it is not.
    monkeypatch.setattr(neighbours, "measure_limit", lambda images: 0.5)
    noise = np.random.default_rng(0).integers(0, 256, (200, 28, 28), np.uint8)
    found = find_neighbours(noise)
    assert (found.pairs, found.is_complete) == ([], False)
