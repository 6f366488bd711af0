"""Scores are counts of errors."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from digit_recognizer.scores import (
    DigitScore,
    Score,
    bin_by_confidence,
    count_confusions,
    expected_calibration_error,
    log_loss,
    score,
    score_digits,
    wilson,
)


def one_hot(labels: list[int]) -> np.ndarray:
    return np.eye(10, dtype=np.float32)[labels]


def test_the_score_counts_the_images_whose_likeliest_digit_is_wrong() -> None:
    found = score(np.array([0, 1, 2, 9], np.uint8), one_hot([0, 1, 3, 0]))
    assert found == Score(errors=2, images=4)
    assert found.accuracy == 0.5


def test_between_equally_likely_digits_the_smaller_is_taken() -> None:
    tied = np.full((2, 10), 0.1, np.float32)
    assert score(np.array([0, 1]), tied).errors == 1


def test_the_standard_error_is_the_binomial_one() -> None:
    # Drawn 20,000 times, the number of errors spreads as the formula says.
    drawn = np.random.default_rng(0).binomial(1000, 0.05, size=20_000)
    assert Score(50, 1000).standard_error == pytest.approx(drawn.std(), rel=0.02)
    assert Score(0, 1000).standard_error == 0
    assert Score(1000, 1000).standard_error == 0


def test_a_score_reads_as_a_percentage_and_a_count_with_its_interval() -> None:
    assert str(Score(142, 42_000)) == "99.662 %, 142 errors of 42,000 (95 % interval 121 to 167)"
    assert str(Score(1, 215)) == "99.535 %, 1 error of 215 (95 % interval 0 to 6)"
    assert Score(142, 42_000).percentage == "99.662 % (99.60 to 99.71)"


def test_no_errors_are_not_said_to_be_certain() -> None:
    assert str(Score(0, 215)) == "100.000 %, 0 errors of 215 (95 % interval 0 to 4)"
    assert Score(0, 215).percentage == "100.000 % (98.24 to 100.00)"
    assert Score(0, 215).accuracy_error > 0.004
    assert Score(215, 215).percentage == "0.000 % (0.00 to 1.76)"


@pytest.mark.parametrize(("count", "images"), [(0, 3), (3, 3), (7, 20), (199, 200)])
def test_the_intervals_are_wilsons(count: int, images: int) -> None:
    expected = binomtest(count, images).proportion_ci(0.95, method="wilson")
    assert wilson(count, images) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_far_from_its_limits_the_interval_is_the_usual_one() -> None:
    own = Score(1000, 42_000)
    assert own.accuracy_error == pytest.approx(own.standard_error / own.images, rel=0.01)


def test_the_log_loss_is_the_mean_surprise_at_the_truth() -> None:
    probabilities = np.full((2, 10), 0.05, np.float32)
    probabilities[0, 3], probabilities[1, 7] = 0.5, 0.25
    expected = (math.log(2) + math.log(4)) / 2
    assert log_loss(np.array([3, 7], np.uint8), probabilities) == pytest.approx(expected)


def test_a_probability_of_zero_for_the_truth_costs_much_but_not_everything() -> None:
    loss = log_loss(np.array([1]), one_hot([0]))
    assert 80 < loss < 100


def test_confusions_are_counted_by_label_and_prediction() -> None:
    confusions = count_confusions(np.array([3, 3, 3, 5], np.uint8), np.array([3, 5, 5, 5]))
    assert confusions.shape == (10, 10)
    assert (confusions[3, 3], confusions[3, 5], confusions[5, 5]) == (1, 2, 1)
    assert confusions.sum() == 4


def test_each_digit_has_its_precision_and_recall() -> None:
    confusions = count_confusions(np.array([3, 3, 3, 5], np.uint8), np.array([3, 5, 5, 5]))
    three, five = score_digits(confusions)[3], score_digits(confusions)[5]
    assert (three.precision, three.recall, three.f1) == (1, pytest.approx(1 / 3), 0.5)
    assert (five.precision, five.recall, five.f1) == (pytest.approx(1 / 3), 1, 0.5)


def test_a_digit_that_there_is_none_of_scores_nothing() -> None:
    none = DigitScore(images=0, predicted=0, right=0)
    assert (none.precision, none.recall, none.f1) == (0, 0, 0)


def test_the_calibration_error_weighs_each_bin_by_its_images() -> None:
    probabilities = np.zeros((4, 10), np.float32)
    probabilities[:3, 1], probabilities[3, 2] = 0.9, 0.5
    bins = bin_by_confidence(np.array([1, 1, 0, 2], np.uint8), probabilities)
    assert sum(each.images for each in bins) == 4
    expected = (3 * abs(2 / 3 - 0.9) + 1 * abs(1 - 0.5)) / 4
    assert expected_calibration_error(bins) == pytest.approx(expected)


def test_certainty_and_what_rounding_makes_of_it_lie_in_the_last_bin() -> None:
    probabilities = one_hot([1, 2])
    probabilities[1, 2] = np.nextafter(np.float32(1), np.float32(2))
    assert bin_by_confidence(np.array([1, 2]), probabilities)[-1].images == 2
