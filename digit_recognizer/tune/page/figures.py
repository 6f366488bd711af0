"""The plots of a study's page.

In: trials. Out: matplotlib figures. What always holds: pruned trials are marked, but never as
points like finished ones, because their errors are only estimates.
"""

from itertools import accumulate
from typing import Any

from digit_recognizer.experiments.spaces import Between, Range
from digit_recognizer.pages.pictures import BLUE, INK, ORANGE, VERMILION, new_figure, tidy
from digit_recognizer.tune.study import Trial, format_value

_WIDE_RANGE = 5  # of largest to smallest error; from here on the axis is logarithmic


def draw_history(trials: list[Trial]) -> Any:
    """Plot errors against the image passes that the study had used when each trial ended."""
    ended = sorted((trial for trial in trials if trial.ended), key=lambda trial: trial.ended)
    used = list(accumulate(trial.passes / 1e6 for trial in ended))
    done = [(x, trial) for x, trial in zip(used, ended, strict=True) if trial.errors is not None]
    figure = new_figure(7.0, 3.6)
    axes = figure.subplots()
    original = [(x, trial) for x, trial in done if trial.is_original]
    others = [(x, trial) for x, trial in done if not trial.is_original]
    axes.plot(
        [x for x, _ in others], _errors(others), "o", color=BLUE, label="finished", markersize=5
    )
    axes.plot(
        [x for x, _ in original],
        _errors(original),
        "D",
        color=VERMILION,
        label="original",
        markersize=6,
    )
    best = list(accumulate(_errors(done), min))
    if best:
        last = max(used)
        xs, ys = [x for x, _ in done], best
        axes.step([*xs, last], [*ys, ys[-1]], where="post", color=INK, label="best so far")
    _scale_errors(axes, _errors(done))
    _mark_pruned(axes, [x for x, trial in zip(used, ended, strict=True) if trial.errors is None])
    axes.set(xlabel="image passes so far (millions)", ylabel="images wrong, out of fold")
    axes.legend(loc="upper right", fontsize=9)
    tidy(axes)
    return figure


def draw_importances(importances: dict[str, float]) -> Any:
    figure = new_figure(6.0, 0.8 + 0.26 * len(importances))
    axes = figure.subplots()
    names = list(importances)[::-1]
    axes.barh(names, [importances[name] for name in names], color=BLUE, height=0.7)
    axes.set(xlabel="share of explained variance", xlim=(0, None))
    tidy(axes)
    return figure


def draw_slice(trials: list[Trial], key: str, range_: Range) -> Any:
    """Plot errors against one value."""
    figure = new_figure(3.6, 2.6)
    axes = figure.subplots()
    chosen = [trial for trial in trials if key in trial.chosen]
    labels = [] if isinstance(range_, Between) else [format_value(each) for each in range_.values]

    def place(trial: Trial) -> float:
        value = trial.chosen[key]
        if labels:
            return labels.index(format_value(value))
        assert isinstance(value, int | float)
        return value

    done = [(place(trial), trial) for trial in chosen if trial.errors is not None]
    for is_original, marker, colour in ((False, "o", BLUE), (True, "D", VERMILION)):
        some = [(x, trial) for x, trial in done if trial.is_original == is_original]
        axes.plot([x for x, _ in some], _errors(some), marker, color=colour, markersize=5)
    _scale_errors(axes, _errors(done))
    if labels:
        axes.set_xticks(range(len(labels)), labels, fontsize=8)
        axes.set_xlim(-0.5, len(labels) - 0.5)
    elif isinstance(range_, Between) and range_.log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
    _mark_pruned(axes, [place(trial) for trial in chosen if trial.state == "pruned"])
    axes.set(xlabel=key, ylabel="images wrong")
    tidy(axes)
    return figure


def _errors(points: list[tuple[float, Trial]]) -> list[int]:
    return [trial.errors for _, trial in points if trial.errors is not None]


def _scale_errors(axes: Any, errors: list[int]) -> None:
    from matplotlib.ticker import LogLocator

    if errors and min(errors) > 0 and max(errors) / min(errors) >= _WIDE_RANGE:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.minorticks_off()


def _mark_pruned(axes: Any, places: list[float]) -> None:
    """Put a tick at the bottom of the plot for each trial without a final score."""
    axes.plot(
        places,
        [0.02] * len(places),
        "|",
        color=ORANGE,
        markersize=9,
        transform=axes.get_xaxis_transform(),
        label="pruned",
    )
