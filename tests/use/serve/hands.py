"""Draw on the page with mouse, finger or pen, and read what it shows."""

import base64
import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests.use.serve.strokes import STROKES, Stroke, round_off

Point = tuple[float, float]


def place_on_board(page: Page, stroke: Stroke) -> list[Point]:
    box = page.locator("#board").bounding_box()
    assert box
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]


def draw_with_mouse(page: Page, strokes: Sequence[Stroke]) -> None:
    for stroke in strokes:
        first, *others = place_on_board(page, round_off(stroke))
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point)
        page.mouse.up()


def draw_with_finger(page: Page, strokes: Sequence[Stroke]) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})

    def touch(kind: str, *points: Point) -> None:
        at = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    for stroke in strokes:
        first, *others = place_on_board(page, round_off(stroke, 3))
        touch("touchStart", first)
        for point in others:
            touch("touchMove", point)
        touch("touchEnd")


def draw_with_pen(page: Page, strokes: Sequence[Stroke], pressure: float) -> None:
    session = page.context.new_cdp_session(page)

    def point(kind: str, place: Point, **more: Any) -> None:
        event = {"type": kind, "x": place[0], "y": place[1], "button": "left", "pointerType": "pen"}
        session.send("Input.dispatchMouseEvent", {**event, "force": pressure, **more})

    for stroke in strokes:
        first, *others = places = place_on_board(page, round_off(stroke, 3))
        point("mousePressed", first, buttons=1, clickCount=1)
        for place in others:
            point("mouseMoved", place, buttons=1)
        point("mouseReleased", places[-1], force=0, clickCount=1)


def draw_digit(page: Page, digit: int) -> None:
    draw_with_mouse(page, STROKES[digit])


def wait_until_explained(page: Page, digit: int) -> None:
    """Wait for the prediction and for its explanation."""
    expect(page.locator("#explained")).to_have_text(f"a {digit}")
    expect(page.locator("#why")).to_have_attribute(
        "aria-label", re.compile(f"strongest for a {digit} at the ")
    )


def pixels_of(page: Page, name: str) -> np.ndarray:
    """Return a canvas's pixels (height, width, 4) after the next frame."""
    uri = page.locator(name).evaluate(
        """canvas => new Promise(done => requestAnimationFrame(
            () => requestAnimationFrame(() => done(canvas.toDataURL()))))"""
    )
    file = io.BytesIO(base64.b64decode(uri.partition(",")[2]))
    return np.asarray(Image.open(file).convert("RGBA"))


def parts_of(page: Page) -> list[float]:
    """Return each bar's length as a part of the longest possible."""
    return page.locator(".bar").evaluate_all(
        """bars => bars.map(bar => {
            const box = name => bar.querySelector(name).getBoundingClientRect();
            return box(".fill").width / box(".track").width;
        })"""
    )
