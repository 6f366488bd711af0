"""Scores are counts of errors."""

import math

import numpy as np
import pytest

from digit_recognizer.scores import Score, log_loss, score


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
