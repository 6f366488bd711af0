"""Digits as small pictures and plots as SVG drawings, to be put into a page.

In: uint8 images; matplotlib figures. Out: data URIs and SVG. What always holds: a digit is shown
pixel for pixel as it is in the data, and a plot's ink takes the colour of the page's text, so that
it can be read in light and in dark.
"""

import base64
import io
import re
from typing import Any

import numpy as np
from markupsafe import Markup

# No plot uses this colour for anything else, so it can be told apart in the finished drawing.
INK = "#010203"
# Okabe and Ito's: told apart by everyone, and in grey; each is seen on white and on black.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9",
)  # fmt: skip

_DPI = 120


def digit_uri(image: np.ndarray) -> str:
    """Return an image (28, 28) uint8 as a PNG in a data URI."""
    return png_uri(png_of(image))


def png_of(pixels: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def png_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def new_figure(width: float = 7.0, height: float = 3.4) -> Any:
    """Return a figure without a background, of a size in inches."""
    from matplotlib.figure import Figure  # no pyplot: nothing to close, no display asked for

    return Figure(figsize=(width, height), layout="constrained", facecolor="none")


def tidy(axes: Any) -> None:
    """Leave out what is not data, and draw the rest in ink."""
    axes.set_facecolor("none")
    axes.spines[["top", "right"]].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(INK)
    axes.tick_params(which="both", colors=INK)
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
        text.set_color(INK)
    legend = axes.get_legend()
    if legend:
        legend.set_frame_on(False)
        for text in legend.get_texts():
            text.set_color(INK)


def as_svg(figure: Any, description: str) -> Markup:
    """Return the figure as SVG for a page; the description is for those who do not see it."""
    import matplotlib as mpl

    buffer = io.StringIO()
    # Text stays text, in the page's own font; ids must not differ from run to run.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": description}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = drawing.replace(INK, "currentColor")
    label = Markup('<svg role="img" aria-label="{}" ').format(description)
    return Markup(drawing.replace("<svg ", label, 1))  # noqa: S704 - drawn here


def as_png(figure: Any) -> bytes:
    """Return the figure as a file of its own, on white."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, facecolor="white")
    return buffer.getvalue()
