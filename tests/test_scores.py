"""Scores are counts of errors."""

import math

import numpy as np
import pytest

from digit_recognizer.scores import (
    DigitScore,
    Score,
    bin_by_confidence,
    count_confusions,
    expected_calibration_error,
    log_loss,
    score,
    score_digits,
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


def test_a_score_reads_as_a_percentage_and_a_count_with_their_errors() -> None:
    assert str(Score(144, 42_000)) == "99.657% ± 0.029% (144 ± 12 of 42,000 wrong)"


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
