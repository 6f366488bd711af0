"""How similar two maps of one image are, as a number and as a plot.

In: maps and their image. Out: Spearman's rank correlation, the median of several, and SVG. What
always holds: only pixels with ink count. Most maps are zero on empty pixels, so these would make
any two maps look alike.
"""

import warnings

import numpy as np
from markupsafe import Markup

from digit_recognizer.pages.pictures import BLUE, INK, VERMILION, as_svg, new_figure, tidy

_DOT = {"s": 22, "alpha": 0.75, "linewidths": 0}


def correlate(one: np.ndarray, other: np.ndarray, image: np.ndarray) -> float:
    """Return -1 to 1, or NaN if one of the maps has the same value everywhere."""
    from scipy.stats import ConstantInputWarning, spearmanr

    ink = image > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        return float(spearmanr(one[ink], other[ink]).statistic)


def middle_of(correlations: np.ndarray) -> float:
    """Return the median without NaN, or NaN if nothing else is there."""
    known = correlations[~np.isnan(correlations)]
    return float(np.median(known)) if len(known) else np.nan


def draw_agreement(rows: list[tuple[str, np.ndarray]], hardest: int, description: str) -> Markup:
    """Draw a row for each comparison: one dot per image, the `hardest` first, and their median."""
    figure = new_figure(4.8, 0.9 + 0.42 * len(rows))
    axes = figure.subplots()
    for height, (_, alike) in enumerate(reversed(rows)):
        for part, colour, label, lift in (
            (alike[:hardest], VERMILION, "hardest", 0.1),
            (alike[hardest:], BLUE, "typical", -0.1),
        ):
            axes.scatter(part, np.full(len(part), height + lift), color=colour, label=label, **_DOT)
        axes.vlines(middle_of(alike), height - 0.32, height + 0.32, color=INK, linewidth=2)
    axes.axvline(0, color=INK, linewidth=0.6, linestyle="--")
    axes.set(xlim=(-1.02, 1.02), ylim=(-0.6, len(rows) - 0.4), xlabel="rank correlation")
    axes.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)])
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[:2], labels[:2], loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    tidy(axes)
    return as_svg(figure, description)
