"""What a public score means: its error, its difference from the cross-validated score, its rank.

In: scores. Out: the difference in standard errors; a rank; a plot of both scores with their 95 %
intervals. What always holds: a difference below two standard errors is not called one.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from digit_recognizer.compete.ledger import Entry
from digit_recognizer.data.dataset import COMPETITION_ROWS
from digit_recognizer.pages.pictures import BLUE, as_png, new_figure, tidy
from digit_recognizer.scores import Score

# The board may count fewer of the test images than all; then a difference means even less.
_PUBLIC_IMAGES = COMPETITION_ROWS["test.csv"]

_LONGEST_LABEL = 28


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


def draw_scatter(entries: list[Entry]) -> bytes:
    """Return the picture; every entry has an out-of-fold and a public score."""
    figure = new_figure(7, 6.4)
    axes = figure.add_subplot()
    edges = []
    for entry in entries:
        score, public = entry.out_of_fold, entry.public_score
        assert score is not None and public is not None
        point = (100 * score.accuracy, 100 * public)
        across, up = _bars_of(score), _bars_of(public_count(public))
        axes.errorbar(*point, xerr=across, yerr=up, fmt="o", color=BLUE, ecolor="0.75")
        axes.annotate(
            entry.lineup[:_LONGEST_LABEL],
            point,
            textcoords="offset points",
            xytext=(6, 5),
            fontsize=8,
            parse_math=False,  # a name may hold what would otherwise be taken for a formula
        )
        edges += [
            *(point[0] - across[0][0], point[0] + across[1][0]),
            *(point[1] - up[0][0], point[1] + up[1][0]),
        ]
    low, high = min(edges), min(100.0, max(edges))
    axes.axline((low, low), slope=1, color="0.6", linewidth=0.8, zorder=0)
    axes.set(
        xlim=(low, high),
        ylim=(low, high),
        aspect="equal",
        xlabel="out of fold, % right (95 % interval)",
        ylabel="public score, % right (95 % interval)",
    )
    axes.set_title("Cross-validation against the leaderboard (on the line: the same)", fontsize=11)
    tidy(axes)
    return as_png(figure)


def _bars_of(score: Score) -> tuple[list[float], list[float]]:
    """Return, as matplotlib wants it, how far the interval reaches below and above, in percent."""
    low, high = score.accuracy_interval
    return [100 * max(0.0, score.accuracy - low)], [100 * max(0.0, high - score.accuracy)]
