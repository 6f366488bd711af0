"""What a public score means: its error, its difference from the cross-validated score, its rank.

In: scores. Out: the difference in standard errors; a rank. What always holds: a difference below
two standard errors is not called one.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from digit_recognizer.data.dataset import COMPETITION_ROWS
from digit_recognizer.scores import Score

# The board may count fewer of the test images than all; then a difference means even less.
_PUBLIC_IMAGES = COMPETITION_ROWS["test.csv"]


@dataclass(frozen=True)
class Standing:
    rank: int
    teams: int
    level: int

    def __str__(self) -> str:
        verb = "has" if self.level == 1 else "have"
        level = f" ({self.level:,} of them {verb} exactly this score)" if self.level else ""
        return f"rank {self.rank:,} among {self.teams:,} teams on the board now{level}"


def difference_in_errors(out_of_fold: Score, public_score: float) -> float:
    """Return how many standard errors the public score is above the cross-validated one."""
    spread = math.hypot(out_of_fold.accuracy_error, public_error(public_score))
    return (public_score - out_of_fold.accuracy) / spread if spread else 0.0


def public_error(public_score: float) -> float:
    """Return the standard error of a public score."""
    return public_count(public_score).accuracy_error


def public_count(public_score: float) -> Score:
    return Score(round((1 - public_score) * _PUBLIC_IMAGES), _PUBLIC_IMAGES)


def find_standing(board: Sequence[float], public_score: float) -> Standing:
    """Return where a score would stand on a board that is sorted from best to worst."""
    # Kaggle writes five decimals, so scores closer than half of the last are the same.
    half = 0.5e-5
    better = bisect_left(board, -(public_score + half), key=lambda score: -score)
    not_worse = bisect_left(board, -(public_score - half), key=lambda score: -score)
    return Standing(better + 1, len(board), not_worse - better)
