"""A plot of errors against training time.

In: complete candidates of one data set. Out: a matplotlib figure. What always holds: every point
has its 95 % interval and its name, or its number where names do not fit; none of these lies
on another, on a point or on a bar, and no name's line crosses one, a point or another line.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from digit_recognizer.pages.pictures import BLUE, INK, VERMILION, new_figure, tidy
from digit_recognizer.report.index_page.candidates import Candidate
from digit_recognizer.scores import Score, wilson

_LONGEST_LABEL = 26
_FONT_SIZE = 9
_NEAR = 8  # points from a mark to its name, where that needs no line
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
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.1), ncols=2, fontsize=_FONT_SIZE)
    tidy(axes)
    names = [_shorten(each.name) for each in candidates]
    numbers = [str(number) for number in range(1, len(names) + 1)]
    bars = [_bars_of(each.score) for each in candidates]
    room = _measure(figure, axes, list(zip(minutes, errors, bars, strict=True)))
    spots = _find_spots_for_all(room, [_size_of_text(figure, name) for name in names])
    is_numbered = spots is None
    if spots is None:
        sizes = [_size_of_text(figure, number) for number in numbers]
        # There is always room for numbers if their lines may cross.
        spots = _find_spots_for_all(room, sizes) or _find_spots(
            room, sizes, range(len(sizes)), may_cross=True
        )
    for place, spot in spots.items():
        axes.annotate(
            (numbers if is_numbered else names)[place],
            (minutes[place], errors[place]),
            xytext=(spot.right, spot.above),
            textcoords="offset points",
            ha=spot.side,
            va="center",
            fontsize=_FONT_SIZE,
            color=INK,
            # A name may hold what would otherwise be taken for a formula.
            parse_math=False,
            arrowprops=None
            if spot.is_near
            else {"arrowstyle": "-", "color": INK, "linewidth": 0.5, "shrinkB": 4},
        )
    return figure, is_numbered


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


_Size = tuple[float, float]  # width and height of a text, in pixels


class _Spot(NamedTuple):
    """Where a name lies, in points from its mark."""

    is_near: bool  # so no line is needed
    right: float
    above: float
    side: str  # of the name that is at this place: "left" or "right"


_SPOTS = tuple(
    _Spot(distance == _NEAR, right, above, side)
    for distance in range(_NEAR, 150, 9)
    for above in sorted({0, distance, -distance, distance / 2, -distance / 2}, key=abs)
    for right, side in ((distance, "left"), (-distance, "right"))
)


class _Room(NamedTuple):
    """What lies where, in the pixels of the figure."""

    figure: Any
    inside: Any
    marks: list[Any]
    bars: list[Any]  # each with its mark


def _measure(figure: Any, axes: Any, points: list[tuple[float, int, tuple[float, float]]]) -> _Room:
    from matplotlib.transforms import Bbox

    figure.draw_without_rendering()  # only now is known where points and their bars lie
    lowest = axes.get_ylim()[0]
    marks, bars = [], []
    for x, y, (below, above) in points:
        left, low = axes.transData.transform((x, max(y - below, lowest)))
        _, middle = axes.transData.transform((x, y))
        _, high = axes.transData.transform((x, y + above))
        marks.append(Bbox.from_extents(left - 5, middle - 5, left + 5, middle + 5))
        bars.append(Bbox.from_extents(left - 5, low - 2, left + 5, high + 2))
    return _Room(figure, axes.get_window_extent(), marks, bars)


def _find_spots_for_all(room: _Room, sizes: list[_Size]) -> dict[int, _Spot] | None:
    """Try several orders: whose spot is chosen first can decide whether there is one for all."""
    from_left = sorted(range(len(sizes)), key=lambda place: room.marks[place].x0)
    from_below = sorted(range(len(sizes)), key=lambda place: room.marks[place].y0)
    for order in (from_left, from_left[::-1], from_below, from_below[::-1]):
        spots = _find_spots(room, sizes, order)
        if len(spots) == len(sizes):
            return spots
    return None


def _find_spots(
    room: _Room, sizes: list[_Size], order: Sequence[int], may_cross: bool = False
) -> dict[int, _Spot]:
    """Choose for each name the nearest spot where nothing is yet, with a line where that is far.

    Unless they may, lines cross no name, no other point and no line. The first name that finds no
    spot ends the search.
    """
    from matplotlib.path import Path

    spots: dict[int, _Spot] = {}
    boxes: list[Any] = []  # of the names
    lines: list[Path] = []
    for place in order:
        mark = room.marks[place]
        other_marks = room.marks[:place] + room.marks[place + 1 :]
        for spot in _SPOTS:
            box = _box_at(spot, mark, sizes[place], room.figure.dpi / 72)
            line = Path([each.get_points().mean(axis=0) for each in (box, mark)])
            uncrossed = [] if may_cross else lines
            avoided = [] if may_cross or spot.is_near else other_marks + boxes
            if (
                room.inside.contains(box.x0, box.y0)
                and room.inside.contains(box.x1, box.y1)
                and not any(box.overlaps(other) for other in room.bars + boxes)
                and not any(other.intersects_bbox(box) for other in uncrossed)
                and (spot.is_near or not any(line.intersects_path(other) for other in uncrossed))
                and not any(line.intersects_bbox(other) for other in avoided)
            ):
                spots[place] = spot
                boxes.append(box)
                if not spot.is_near:
                    lines.append(line)
                break
        else:
            break
    return spots


def _size_of_text(figure: Any, name: str) -> _Size:
    from matplotlib.text import Text

    text = Text(0, 0, name, fontsize=_FONT_SIZE, parse_math=False, figure=figure)
    extent = text.get_window_extent()
    return extent.width, extent.height


def _box_at(spot: _Spot, mark: Any, size: _Size, pixels_per_point: float) -> Any:
    from matplotlib.transforms import Bbox

    width, height = size
    x, y = mark.get_points().mean(axis=0)
    left = x + spot.right * pixels_per_point - (width if spot.side == "right" else 0)
    below = y + spot.above * pixels_per_point - height / 2
    return Bbox.from_bounds(left, below, width, height)
