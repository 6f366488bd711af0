"""Whether the networks are calibrated: right as often as their confidence says.

In: labels and out-of-fold probabilities. Out: the verdict in words, and figures. What always holds:
the direction is computed, and a difference that chance would make is not called one.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from digit_recognizer.pages.pictures import BLUE, INK, new_figure, tidy
from digit_recognizer.scores import CALIBRATION_BINS, ConfidenceBin, format_percent, wilson


@dataclass(frozen=True)
class Verdict:
    confidence: float
    accuracy: float
    standard_error: float  # of the difference of the two

    @property
    def gap(self) -> float:
        return self.confidence - self.accuracy

    @property
    def direction(self) -> str:
        if abs(self.gap) <= 2 * self.standard_error:
            return "well calibrated"
        return "over-confident" if self.gap > 0 else "under-confident"


def judge(labels: np.ndarray, probabilities: np.ndarray) -> Verdict:
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    spread = float((confidence - right).std())
    return Verdict(float(confidence.mean()), float(right.mean()), spread / math.sqrt(len(labels)))


def describe(verdict: Verdict, label_smoothing: float) -> str:
    """Return the verdict as sentences."""
    points = f"{100 * abs(verdict.gap):.2f} ± {100 * verdict.standard_error:.2f} percentage points"
    averages = (
        f"The mean confidence is {format_percent(verdict.confidence, 2)} and the accuracy "
        f"{format_percent(verdict.accuracy, 2)}"
    )
    if verdict.direction == "well calibrated":
        return (
            f"{averages}: the networks are well calibrated on average. The difference of {points} "
            "is not significant."
        )
    text = f"{averages}: the networks are {verdict.direction} by {points}."
    if label_smoothing and verdict.direction == "under-confident":
        taught = 1 - label_smoothing * 9 / 10
        text += (
            f" That is what they were trained for: with a label smoothing of {label_smoothing:g} "
            f"the target for the right digit is {format_percent(taught, 2)}, not 100 %."
        )
    return text


def draw_reliability(bins: list[ConfidenceBin]) -> Any:
    """Return a figure: the accuracy at each confidence, with 95 % intervals."""
    filled = [each for each in bins if each.images]
    accuracy = np.array([each.accuracy for each in filled])
    intervals = np.array([wilson(each.right, each.images) for each in filled])
    figure = new_figure(4.8, 3.8)
    axes = figure.subplots()
    axes.plot(
        [0, 100], [0, 100], color=INK, linewidth=0.8, linestyle=":", label="perfectly calibrated"
    )
    axes.errorbar(
        [100 * each.confidence for each in filled],
        100 * accuracy,
        # The interval of a proportion of 0 or 1 ends there, except for rounding.
        yerr=100 * np.abs(intervals.T - accuracy),
        color=BLUE,
        marker="o",
        markersize=4,
        linewidth=1,
        label="these networks, with 95 % intervals",
    )
    axes.set(xlabel="confidence (%)", ylabel="accuracy (%)", xlim=(0, 102), ylim=(-2, 102))
    # Above the axes: inside there is no corner that the curve never comes to.
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    tidy(axes)
    return figure


def draw_counts(bins: list[ConfidenceBin]) -> Any:
    """Return a figure: how many images there are at each confidence."""
    figure = new_figure(4.8, 3.8)
    axes = figure.subplots()
    axes.bar(
        [50 * (each.low + each.high) for each in bins],
        [each.images for each in bins],
        width=90 / CALIBRATION_BINS,
        color=BLUE,
    )
    axes.set(xlabel="confidence (%)", ylabel="images", xlim=(0, 102), yscale="log")
    axes.set_ylim(bottom=0.7)  # so that a single image is a bar, too
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.minorticks_off()
    tidy(axes)
    return figure
