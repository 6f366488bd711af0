"""Each figure of the page on the data, against the same computed otherwise."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from digit_recognizer.data.sources.sample import enlarge
from digit_recognizer.report.explore.classes import count_classes, look_at_classes
from digit_recognizer.report.explore.drift import measure_drift
from digit_recognizer.report.explore.embedding import embed
from digit_recognizer.report.explore.ink import amount_of_ink, find_ink, measure_intensities


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    small, labels = load_digits(return_X_y=True)
    return enlarge(small.reshape(-1, 8, 8) / 16), labels.astype(np.uint8)


def test_counts_and_shares_add_up_and_absent_digits_are_listed() -> None:
    counts = count_classes(np.array([3, 3, 3, 7], np.uint8))
    assert [count.digit for count in counts] == list(range(10))
    assert [(c.digit, c.images) for c in counts if c.images] == [(3, 3), (7, 1)]
    assert sum(count.share for count in counts) == pytest.approx(1)
    assert counts[3].against_even == pytest.approx(6.5)  # 75 % are 6.5 times more than 10 %
    assert counts[0].against_even == -1


def test_means_and_spreads_are_those_of_the_class_alone(
    digits: tuple[np.ndarray, np.ndarray],
) -> None:
    images, labels = digits
    looks = look_at_classes(images, labels)
    assert [look.digit for look in looks] == list(range(10))
    for look in looks:
        own = images[labels == look.digit].astype(float)
        np.testing.assert_allclose(look.mean, own.mean(axis=0), atol=0.51)
        np.testing.assert_allclose(look.spread, 2 * own.std(axis=0), atol=0.51)
        assert len(set(look.images)) == 10
        assert set(labels[look.images]) == {look.digit}
    assert looks[0].images == look_at_classes(images, labels)[0].images


def test_a_class_of_few_images_shows_them_all() -> None:
    labels = np.array([1, 1, 5], np.uint8)
    looks = look_at_classes(np.zeros((3, 28, 28), np.uint8), labels)
    assert [look.images for look in looks] == [[0, 1], [2]]


def test_the_greatest_spread_there_can_be_is_white() -> None:
    images = np.zeros((2, 28, 28), np.uint8)
    images[0] = 255
    (look,) = look_at_classes(images, np.array([4, 4], np.uint8))
    assert look.spread.min() == 255


def test_intensities_count_every_pixel_once(digits: tuple[np.ndarray, np.ndarray]) -> None:
    images, _ = digits
    found = measure_intensities(images)
    assert found.empty == pytest.approx((images == 0).mean())
    assert found.full == pytest.approx((images == 255).mean())
    assert found.between == pytest.approx(((images > 0) & (images < 255)).mean())
    assert found.empty + found.bins.sum() == pytest.approx(1)
    assert found.bins[0] == pytest.approx(((images >= 1) & (images <= 15)).mean())
    assert found.bins[-1] == pytest.approx((images >= 241).mean())


def test_ink_is_counted_in_pixels_of_full_ink_and_found_where_it_is() -> None:
    images = np.zeros((2, 28, 28), np.uint8)
    images[0, 4, 9:12] = 255
    images[1, 20, 6] = 51
    np.testing.assert_allclose(amount_of_ink(images), [3, 0.2])
    places = find_ink(images)
    assert places is not None
    assert (places.first_row, places.last_row) == (4, 20)
    assert (places.first_column, places.last_column) == (6, 11)
    assert places.never.sum() == 784 - 4
    assert places.shares[4, 9] == 0.5
    assert find_ink(np.zeros((3, 28, 28), np.uint8)) is None


def test_halves_of_the_same_pile_cannot_be_told_apart(
    digits: tuple[np.ndarray, np.ndarray],
) -> None:
    images, _ = digits
    mixed = np.random.default_rng(5).permutation(images)
    drift = measure_drift(mixed[:600], mixed[600:1200], trees=20)
    assert drift is not None
    assert abs(drift.auc - 0.5) < 4 * drift.standard_error
    assert 0.005 < drift.standard_error < 0.05
    assert drift.ink_probability > 0.001
    assert "cannot" in drift.verdict


def test_a_test_part_that_was_moved_or_inked_is_told_apart(
    digits: tuple[np.ndarray, np.ndarray],
) -> None:
    images, _ = digits
    mixed = np.random.default_rng(5).permutation(images)
    moved = measure_drift(mixed[:400], np.roll(mixed[400:800], 3, axis=2), trees=20)
    assert moved is not None
    assert moved.is_found and moved.auc > 0.8
    assert moved.ink_probability > 0.001, "moving takes no ink away"
    thinner = measure_drift(mixed[:400], mixed[400:800] // 2, trees=20)
    assert thinner is not None
    assert thinner.is_found and thinner.ink_probability < 1e-6
    # A speck in a corner is lost on the principal components, but not on the count of inked pixels.
    specks = mixed[400:800].copy()
    specks[:, :6, :6] = np.maximum(specks[:, :6, :6], 1)
    dusty = measure_drift(mixed[:400], specks, trees=20)
    assert dusty is not None and dusty.is_found


def test_drift_is_the_same_each_time_and_needs_some_images(
    digits: tuple[np.ndarray, np.ndarray],
) -> None:
    images, _ = digits
    settings = {"of_each_part": 100, "trees": 5}
    first = measure_drift(images[:300], images[300:500], **settings)
    assert first == measure_drift(images[:300], images[300:500], **settings)
    assert first is not None and (first.train_images, first.test_images) == (100, 100)
    assert measure_drift(images[:300], images[:9]) is None


def test_the_plane_is_the_same_each_time_and_keeps_a_digit_s_images_together(
    digits: tuple[np.ndarray, np.ndarray],
) -> None:
    images, labels = digits
    planes = [embed(images, sample=400, steps=400) for _ in range(2)]
    one, other = planes
    assert one is not None and other is not None
    assert np.array_equal(one.positions, other.positions)
    assert np.array_equal(one.images, other.images)
    own = labels[one.images]
    between = np.linalg.norm(one.positions[:, None] - one.positions[None], axis=2)
    np.fill_diagonal(between, np.inf)
    assert (own[between.argmin(axis=1)] == own).mean() > 0.8
    assert embed(images[:5]) is None
