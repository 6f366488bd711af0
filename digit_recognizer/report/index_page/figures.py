"""A plot of errors against training time.

In: complete candidates of one data set. Out: a matplotlib figure. What always holds: every point
has its 95 % interval and its name, or its number where names do not fit; and none of these lies
on another, on a point or on a bar.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from digit_recognizer.pages.pictures import BLUE, INK, VERMILION, new_figure, tidy
from digit_recognizer.report.index_page.candidates import Candidate
from digit_recognizer.scores import Score, wilson

_LONGEST_LABEL = 26
_MOST_NAMES = 12  # of more, lines would lead all over the place
_WIDE_RANGE = 8  # from here on, a logarithmic axis
_VERY_WIDE_RANGE = 80  # from here on, the numbers at 2 and 3 would touch


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
    if len(names) <= _MOST_NAMES:
        from_left = sorted(range(len(points)), key=lambda place: points[place])
        from_below = sorted(range(len(points)), key=lambda place: points[place][1])
        # Whose place is chosen first can decide whether there is one for all.
        for order in (from_left, from_left[::-1], from_below, from_below[::-1]):
            if _write_names(figure, axes, names, points, order):
                return figure, False
    # There is always room for numbers if their lines may cross.
    numbers = [str(number) for number in range(1, len(names) + 1)]
    _write_names(figure, axes, numbers, points, range(len(points)), may_cross=True)
    return figure, True


def _bars_of(score: Score) -> tuple[float, float]:
    """Return how far the 95 % interval reaches below and above the number of errors."""
    low, high = (score.images * end for end in wilson(score.errors, score.images))
    return max(0.0, score.errors - low), max(0.0, high - score.errors)


def _scale(set_scale: Any, axis: Any, values: list[float] | list[int]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    if min(values) > 0 and max(values) / min(values) >= _WIDE_RANGE:
        is_very_wide = max(values) / min(values) >= _VERY_WIDE_RANGE
        set_scale("log")
        axis.set_major_locator(LogLocator(subs=(1, 3) if is_very_wide else (1, 2, 3, 5)))
        axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"


def _write_names(
    figure: Any,
    axes: Any,
    names: list[str],
    points: list[tuple[float, int, tuple[float, float]]],
    order: Sequence[int],
    may_cross: bool = False,
) -> bool:
    """Put each name at the nearest place where nothing is yet, with a line where that is far.

    Unless they may, lines cross no name, no other point and no line. Where one name finds no
    place, none is written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.path import Path
    from matplotlib.transforms import Bbox

    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()  # only now is known where points and their bars lie
    inside = axes.get_window_extent(renderer)
    marks, bars = _find_marks_and_bars(axes, points)
    written: list[Any] = []
    boxes: list[Bbox] = []  # of the names
    lines: list[Path] = []
    for place in order:
        other_marks = marks[:place] + marks[place + 1 :]
        for is_near, right, above, side in _places():
            text = axes.annotate(
                names[place],
                points[place][:2],
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
            line = Path([each.get_points().mean(axis=0) for each in (box, marks[place])])
            uncrossed = [] if may_cross else lines
            avoided = [] if may_cross or is_near else other_marks + boxes
            if (
                inside.contains(box.x0, box.y0)
                and inside.contains(box.x1, box.y1)
                and not any(box.overlaps(other) for other in bars + boxes)
                and not any(other.intersects_bbox(box) for other in uncrossed)
                and (is_near or not any(line.intersects_path(other) for other in uncrossed))
                and not any(line.intersects_bbox(other) for other in avoided)
            ):
                boxes.append(box)
                written.append(text)
                if not is_near:
                    lines.append(line)
                break
            text.remove()
    if len(written) < len(names):
        for text in written:
            text.remove()
    return len(written) == len(names)


def _find_marks_and_bars(
    axes: Any, points: list[tuple[float, int, tuple[float, float]]]
) -> tuple[list[Any], list[Any]]:
    """Return a box of each point's mark, and one of the mark and its bar."""
    from matplotlib.transforms import Bbox

    lowest = axes.get_ylim()[0]
    marks, bars = [], []
    for x, y, (below, above) in points:
        left, low = axes.transData.transform((x, max(y - below, lowest)))
        _, middle = axes.transData.transform((x, y))
        _, high = axes.transData.transform((x, y + above))
        marks.append(Bbox.from_extents(left - 5, middle - 5, left + 5, middle + 5))
        bars.append(Bbox.from_extents(left - 5, low - 2, left + 5, high + 2))
    return marks, bars


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
