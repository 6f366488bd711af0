"""A plot of errors against training time.

In: complete candidates of one data set. Out: a matplotlib figure. What always holds: every point
has its 95 % interval and its name, or its number where names do not fit; and none of these lies
on another, on a point or on a bar.
"""

from typing import Any

import numpy as np

from digit_recognizer.pages.pictures import BLUE, INK, VERMILION, new_figure, tidy
from digit_recognizer.report.index_page.candidates import Candidate
from digit_recognizer.scores import Score, wilson

_LONGEST_LABEL = 26
_MOST_NAMES = 10  # of more, lines would lead all over the place
_WIDE_RANGE = 8  # from here on, a logarithmic axis
_TICKS = (1, 2, 3, 5)


def draw_time_against_errors(candidates: list[Candidate]) -> tuple[Any, bool]:
    """Return the figure, and whether numbers stand for names: 1 for the first, and so on."""
    # Not wider than a phone makes readable; a bigger screen enlarges it.
    figure = new_figure(4.8, 3.8)
    axes = figure.subplots()
    minutes = [each.seconds / 60 for each in candidates]
    errors = [each.score.errors for each in candidates]
    for is_lineup, marker, colour, label in (
        (False, "o", BLUE, "one experiment"),
        (True, "D", VERMILION, "line-up, blended"),
    ):
        chosen = [place for place, each in enumerate(candidates) if each.is_lineup == is_lineup]
        if chosen:
            axes.errorbar(
                [minutes[place] for place in chosen],
                [errors[place] for place in chosen],
                yerr=np.transpose([_bars_of(candidates[place].score) for place in chosen]),
                fmt=marker,
                color=colour,
                markersize=6,
                elinewidth=1.2,
                label=label,
            )
    _scale(axes.set_xscale, axes.xaxis, minutes)
    _scale(axes.set_yscale, axes.yaxis, errors)
    # Room for names beside the outermost points.
    axes.margins(x=0.22, y=0.12)
    axes.set(
        xlabel="minutes of training, all folds together",
        ylabel="images wrong, out of fold (95 % interval)",
    )
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.1), ncols=2, fontsize=9)
    tidy(axes)
    bars = [_bars_of(each.score) for each in candidates]
    names = [_shorten(each.name) for each in candidates]
    points = list(zip(minutes, errors, bars, strict=True))
    if len(names) <= _MOST_NAMES and _write_names(figure, axes, names, points):
        return figure, False
    numbers = [str(number) for number in range(1, len(names) + 1)]
    _write_names(figure, axes, numbers, points)
    return figure, True


def _bars_of(score: Score) -> tuple[float, float]:
    """Return how far the 95 % interval reaches below and above the number of errors."""
    low, high = (score.images * end for end in wilson(score.errors, score.images))
    return max(0.0, score.errors - low), max(0.0, high - score.errors)


def _scale(set_scale: Any, axis: Any, values: list[float] | list[int]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    if min(values) > 0 and max(values) / min(values) >= _WIDE_RANGE:
        set_scale("log")
        axis.set_major_locator(LogLocator(subs=_TICKS))
        axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"


def _write_names(
    figure: Any, axes: Any, names: list[str], points: list[tuple[float, int, tuple[float, float]]]
) -> bool:
    """Put each name at the nearest place where nothing is yet, with a line where that is far.

    Where one finds no place, none is written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.transforms import Bbox

    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()  # only now is known where points and their bars lie
    inside = axes.get_window_extent(renderer)
    lowest = axes.get_ylim()[0]
    taken = []
    for x, y, (below, above) in points:
        left, low = axes.transData.transform((x, max(y - below, lowest)))
        _, high = axes.transData.transform((x, y + above))
        taken.append(Bbox.from_extents(left - 5, low - 2, left + 5, high + 2))
    written = []
    for (x, y, _), name in sorted(zip(points, names, strict=True)):
        for is_near, right, above, side in _places():
            text = axes.annotate(
                name,
                (x, y),
                xytext=(right, above),
                textcoords="offset points",
                ha=side,
                va="center",
                fontsize=9,
                color=INK,
                # A name may hold what would otherwise be taken for a formula.
                parse_math=False,
                arrowprops=None
                if is_near
                else {"arrowstyle": "-", "color": INK, "linewidth": 0.5, "shrinkB": 4},
            )
            box = Bbox.from_bounds(*_extent_of_text(text, renderer))
            is_inside = inside.contains(box.x0, box.y0) and inside.contains(box.x1, box.y1)
            if is_inside and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                written.append(text)
                break
            text.remove()
    if len(written) < len(names):
        for text in written:
            text.remove()
    return len(written) == len(names)


def _extent_of_text(annotation: Any, renderer: Any) -> tuple[float, float, float, float]:
    from matplotlib.text import Text

    annotation.update_positions(renderer)
    # The annotation's own extent has its line in it.
    bounds: tuple[float, float, float, float] = Text.get_window_extent(annotation, renderer).bounds
    return bounds


def _places() -> list[tuple[bool, float, float, str]]:
    """Return where a name may lie, the nearest first: whether near, right, above, aligned at."""
    places: list[tuple[bool, float, float, str]] = []
    for step in range(16):
        distance = 8 + 9 * step
        for above in sorted({0, distance, -distance, distance / 2, -distance / 2}, key=abs):
            places += [
                (step == 0, distance, above, "left"),
                (step == 0, -distance, above, "right"),
            ]
    return places
