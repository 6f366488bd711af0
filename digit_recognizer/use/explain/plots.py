"""The plot of how similar maps are.

In: rank correlations, one for each image. Out: SVG. What always holds: every image is a dot, the
hardest and the typical in colours of their own, and a bar is the median of both.
"""

import numpy as np
from markupsafe import Markup

from digit_recognizer.pages.pictures import BLUE, INK, VERMILION, as_svg, new_figure, tidy
from digit_recognizer.use.explain.agreement import middle_of

_DOT = {"s": 22, "alpha": 0.75, "linewidths": 0}


def draw_agreement(rows: list[tuple[str, np.ndarray]], hardest: int, description: str) -> Markup:
    """Draw a row of dots for each comparison; the first so many dots are the hardest images."""
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
