"""The plots of the page on the data.

In: findings. Out: SVG. What always holds: a share is of its own part or class, so that parts of
different sizes can be compared; training is blue and test vermilion everywhere.
"""

import numpy as np
from markupsafe import Markup

from digit_recognizer.pages.pictures import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    as_svg,
    new_figure,
    tidy,
)
from digit_recognizer.report.explore.classes import CLASSES, ClassCount
from digit_recognizer.report.explore.embedding import Plane
from digit_recognizer.report.explore.ink import BIN, InkPlaces, Intensities

# Narrow, so that text is still of a good size where a phone shrinks them.
_WIDTH, _HEIGHT = 4.8, 3.2
_TRAIN = {"color": BLUE, "linewidth": 1.8, "label": "train"}
_TEST = {"color": VERMILION, "linewidth": 1.8, "linestyle": (0, (4, 1.5)), "label": "test"}
# Nobody can name ten colours at a glance, so the digit itself is drawn too.
_GREY, _BROWN, _VIOLET, _LIME = "#8A8A8A", "#8C510A", "#6A3D9A", "#A6C71E"
_OF_DIGIT = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, _GREY, _BROWN, _VIOLET, _LIME)
_DARK = (BLUE, _BROWN, _VIOLET)


def draw_counts(counts: list[ClassCount]) -> Markup:
    figure = new_figure(_WIDTH, _HEIGHT)
    axes = figure.subplots()
    axes.bar([count.digit for count in counts], [count.images for count in counts], color=BLUE)
    even = sum(count.images for count in counts) / CLASSES
    axes.axhline(even, color=INK, linewidth=1, linestyle="--", label=f"even split: {even:,.0f}")
    axes.set(xlabel="digit", ylabel="training images", xticks=range(CLASSES))
    axes.set_ylim(0, 1.2 * max(count.images for count in counts))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend(loc="upper right")
    tidy(axes)
    return as_svg(figure, "Training images of each digit")


def draw_intensities(train: Intensities, test: Intensities) -> Markup:
    figure = new_figure(_WIDTH, _HEIGHT)
    axes = figure.subplots()
    edges = np.arange(1, 257, BIN)
    for part, style in ((train, _TRAIN), (test, _TEST)):
        inked = max(1 - part.empty, np.finfo(float).tiny)
        axes.stairs(100 * part.bins / inked, edges, **style)
    axes.set(xlabel="pixel value, those of 0 left out", ylabel="share of inked pixels (%)")
    axes.set(xlim=(0, 256), xticks=(1, 64, 128, 192, 255))
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left")
    tidy(axes)
    return as_svg(figure, "How dark inked pixels are, in train and test")


def draw_amounts(train: np.ndarray, test: np.ndarray) -> Markup:
    figure = new_figure(_WIDTH, _HEIGHT)
    axes = figure.subplots()
    edges = np.linspace(0, float(max(train.max(), test.max(), 1)), _bins(len(train), len(test)) + 1)
    for part, style in ((train, _TRAIN), (test, _TEST)):
        counts, _ = np.histogram(part, edges)
        axes.stairs(100 * counts / len(part), edges, **style)
    axes.set(xlabel="ink per image (pixels of full ink)", ylabel="share of images (%)")
    axes.set_xlim(0, edges[-1])
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper right")
    tidy(axes)
    return as_svg(figure, "Ink per image, in train and test")


def draw_amounts_per_digit(amounts: np.ndarray, labels: np.ndarray) -> Markup:
    figure = new_figure(_WIDTH, _HEIGHT)
    axes = figure.subplots()
    for digit in np.unique(labels):
        low, first, middle, third, high = np.percentile(
            amounts[labels == digit], [5, 25, 50, 75, 95]
        )
        axes.plot([digit, digit], [low, high], color=INK, linewidth=1)
        axes.bar(digit, third - first, bottom=first, width=0.6, color=SKY)
        axes.plot([digit - 0.3, digit + 0.3], [middle, middle], color=INK, linewidth=2)
    axes.set(xlabel="digit", ylabel="ink per image (pixels of full ink)", xticks=range(CLASSES))
    axes.set_ylim(bottom=0)
    tidy(axes)
    return as_svg(figure, "Ink per training image, digit by digit")


def draw_places(places: InkPlaces) -> Markup:
    from matplotlib.patches import Rectangle

    figure = new_figure(_WIDTH, 4.2)
    axes = figure.subplots()
    shares = np.ma.masked_where(places.never, 100 * places.shares)
    picture = axes.imshow(shares, cmap="cividis", vmin=0, interpolation="none")
    corner = (places.first_column - 0.5, places.first_row - 0.5)
    width = places.last_column - places.first_column + 1
    height = places.last_row - places.first_row + 1
    axes.add_patch(Rectangle(corner, width, height, fill=False, color=VERMILION, linewidth=2))
    axes.set(xlabel="column", ylabel="row", xticks=range(0, 28, 9), yticks=range(0, 28, 9))
    axes.set(xlim=(-1, 28), ylim=(28, -1))
    tidy(axes)
    bar = figure.colorbar(picture, ax=axes, shrink=0.85)
    bar.set_label("training images with ink here (%)")
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=INK)
    bar.ax.yaxis.label.set_color(INK)
    return as_svg(figure, "Where training images have ink")


def draw_plane(plane: Plane, labels: np.ndarray) -> Markup:
    """Draw each image as its digit, and a large one in the middle of all that have the label."""
    figure = new_figure(_WIDTH, 4.8)
    axes = figure.subplots()
    own = labels[plane.images]
    # Few images may be drawn larger.
    size = float(np.clip(30_000 / len(own), 12, 40))
    for digit in np.unique(own):
        across, up = plane.positions[own == digit].T
        colour = _OF_DIGIT[digit]
        axes.scatter(across, up, size, colour, marker=f"${digit}$", linewidths=0, alpha=0.85)
    for digit in np.unique(own):
        middle = np.median(plane.positions[own == digit], axis=0)
        disc = {"boxstyle": "circle,pad=0.2", "facecolor": _OF_DIGIT[digit], "edgecolor": INK}
        text = "white" if _OF_DIGIT[digit] in _DARK else "black"  # which can be read on it
        axes.text(*middle, str(digit), ha="center", va="center", fontsize=11, color=text, bbox=disc)
    axes.set_axis_off()  # the directions of t-SNE have no meaning
    return as_svg(figure, "Training images on a plane by t-SNE, similar ones close together")


def _bins(*sizes: int) -> int:
    """Return how many bins the smallest part fills well enough."""
    return int(np.clip(2 * min(sizes) ** (1 / 3), 8, 60))
