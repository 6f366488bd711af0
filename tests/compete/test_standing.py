"""Ranks and differences agree with counting, also among equals."""

import io

import numpy as np
import pytest
from PIL import Image

from digit_recognizer.compete.ledger import Entry
from digit_recognizer.compete.public_score import (
    difference_in_errors,
    draw_scatter,
    find_standing,
    public_error,
)
from digit_recognizer.scores import Score


def test_a_rank_is_one_more_than_the_teams_that_are_better() -> None:
    chance = np.random.default_rng(0)
    # Few different scores, so that many teams are equal.
    board = sorted((chance.integers(98_000, 98_050, 400) / 1e5).tolist(), reverse=True)
    for score in (*sorted(set(board)), 0.5, 0.98025, 1.0):
        standing = find_standing(board, score)
        assert standing.rank == 1 + sum(round((each - score) * 1e5) > 0 for each in board)
        assert standing.level == sum(round((each - score) * 1e5) == 0 for each in board)
        assert standing.teams == len(board)


def test_a_rank_is_told_with_those_who_share_it() -> None:
    board = [1.0, 0.99, 0.99, 0.1]
    assert str(find_standing(board, 0.995)) == "rank 2 among 4 teams on the board now"
    assert "(2 of them have exactly this score)" in str(find_standing(board, 0.99))
    assert str(find_standing([], 0.5)) == "rank 1 among 0 teams on the board now"


def test_a_public_score_is_as_uncertain_as_its_errors() -> None:
    assert public_error(0.99) == pytest.approx(np.sqrt(0.99 * 0.01 / 28_000), rel=0.01)
    assert 0 < public_error(1.0) < 0.0001, "no errors are not certainty"


def test_the_difference_counts_the_errors_of_both_scores() -> None:
    score = Score(420, 42_000)
    spread = np.hypot(score.accuracy_error, public_error(0.992))
    assert difference_in_errors(score, 0.992) == pytest.approx(0.002 / spread)
    assert difference_in_errors(score, 0.988) < 0
    assert difference_in_errors(score, score.accuracy) == pytest.approx(0)
    assert difference_in_errors(Score(0, 42_000), 1.0) == 0, "no error at all is no difference"


def test_a_name_is_not_drawn_as_a_formula() -> None:
    def draw(name: str) -> np.ndarray:
        facts = ("now", name, "", "", "", "", "", 420, 42_000, 0.99, "a.csv", "")
        png = draw_scatter([Entry(*facts, public_score=0.992)])
        return np.asarray(Image.open(io.BytesIO(png)).convert("L"))

    assert draw("$\\no-such-command$").shape == draw("plain").shape
    assert (draw("$x$") != draw("x")).any()
