"""A plot of cross-validated against public scores.

In: rows of the ledger that have both. Out: a PNG. What always holds: points carry their 95 %
intervals, so that noise is not taken for a ranking.
"""

import io

from digit_recognizer.compete.ledger import Entry
from digit_recognizer.compete.public_score import public_count
from digit_recognizer.scores import Score

_LONGEST_LABEL = 28
_BLUE = "#0072B2"


def draw_scatter(entries: list[Entry]) -> bytes:
    """Return the picture; every entry has an out-of-fold and a public score."""
    from matplotlib.figure import Figure  # no pyplot: nothing to close, no display asked for

    figure = Figure(figsize=(7, 6.4), layout="constrained")
    axes = figure.add_subplot()
    edges = []
    for entry in entries:
        score, public = entry.out_of_fold, entry.public_score
        assert score is not None and public is not None
        point = (100 * score.accuracy, 100 * public)
        across, up = _bars_of(score), _bars_of(public_count(public))
        axes.errorbar(*point, xerr=across, yerr=up, fmt="o", color=_BLUE, ecolor="0.75")
        axes.annotate(
            entry.lineup[:_LONGEST_LABEL],
            point,
            textcoords="offset points",
            xytext=(6, 5),
            fontsize=8,
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
    axes.spines[["top", "right"]].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    return picture.getvalue()


def _bars_of(score: Score) -> tuple[list[float], list[float]]:
    """Return, as matplotlib wants it, how far the interval reaches below and above, in percent."""
    low, high = score.accuracy_interval
    return [100 * max(0.0, score.accuracy - low)], [100 * max(0.0, high - score.accuracy)]
