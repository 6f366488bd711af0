"""The page in a real browser: its texts, files, looks and accessibility."""

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from digit_recognizer.use.pictures.cut_out import SEVERAL
from tests.browser import PHONE, require_no_sideways_scrolling
from tests.use.conftest import SMALL
from tests.use.serve.asking import Process, ask
from tests.use.serve.hands import (
    draw_digit,
    parts_of,
    pixels_of,
    wait_until_explained,
)
from tests.use.serve.measure import draw_picture

pytestmark = pytest.mark.slow


def test_nothing_is_shown_before_something_is_drawn(page: Page) -> None:
    expect(page.locator("#winner")).to_have_text("?")
    expect(page.locator("#undo")).to_be_disabled()
    expect(page.locator("#clear")).to_be_disabled()
    expect(page.locator("#invitation")).to_be_visible()
    assert parts_of(page) == pytest.approx([0] * 10, abs=0.01)
    assert not pixels_of(page, "#seen").any()


def test_the_networks_and_their_score_are_shown(page: Page, server: Process) -> None:
    facts = ask(server.port, "GET", "/api/model").json
    assert facts["networks"] == "2"
    assert "of 1,078 (95 % interval" in facts["oof_score"]
    shown = page.locator("#model").inner_text()
    assert shown == f"{SMALL}, 2 networks, {facts['oof_score']} out of fold"
    assert page.locator("#limits").inner_text() == facts["limits"]


def drop(page: Page, *files: tuple[str, str, bytes]) -> None:
    data = page.evaluate_handle(
        """files => {
            const transfer = new DataTransfer();
            for (const [name, type, bytes] of files)
                transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
            return transfer;
        }""",
        [[name, kind, list(contents)] for name, kind, contents in files],
    )
    page.dispatch_event("#model", "drop", {"dataTransfer": data})


def test_pictures_may_be_chosen_dropped_and_pasted(page: Page, tmp_path: Path) -> None:
    chosen = tmp_path / "five.png"
    chosen.write_bytes(draw_picture(5))
    page.get_by_label("Open a picture").set_input_files(chosen)
    wait_until_explained(page, 5)
    assert pixels_of(page, "#board").any(), "the picture is on the board"
    drop(page, ("2.png", "image/png", draw_picture(2, side=900)))
    wait_until_explained(page, 2)
    page.evaluate(
        """bytes => {
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([new Uint8Array(bytes)], "3", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }""",
        list(draw_picture(3)),
    )
    wait_until_explained(page, 3)
    page.locator("#undo").click()
    wait_until_explained(page, 2)
    draw_digit(page, 8)  # drawing replaces a picture
    wait_until_explained(page, 8)
    page.locator("#undo").click()
    wait_until_explained(page, 2)


def test_a_file_that_cannot_be_read_is_reported_until_the_next_answer(
    browser: Browser, server: Process
) -> None:
    page = browser.new_page()  # the browser reports a status of 400 as an error
    page.goto(f"http://127.0.0.1:{server.port}/")
    draw_digit(page, 7)
    wait_until_explained(page, 7)
    drop(page, ("notes.txt", "text/plain", b"seven"))
    expect(page.locator("#note.problem")).to_contain_text("not a picture")
    expect(page.locator("#winner")).to_have_text("?")
    drop(page)
    expect(page.locator("#note.problem")).to_have_text("This is not a file.")
    draw_digit(page, 7)
    wait_until_explained(page, 7)
    expect(page.locator("#note")).to_have_text("")
    page.context.set_offline(True)
    draw_digit(page, 7)
    expect(page.locator("#note.problem")).to_contain_text("make serve")
    page.context.set_offline(False)  # the request is sent again
    wait_until_explained(page, 7)
    expect(page.locator("#note")).to_have_text("")
    page.close()


def test_several_digits_on_a_picture_are_reported(page: Page, server: Process) -> None:
    one, other = (Image.open(io.BytesIO(draw_picture(digit))) for digit in (3, 8))
    both = Image.new("L", (3 * one.width, one.height), 255)
    both.paste(one, (0, 0))
    both.paste(other.resize((one.width // 2, one.height // 2)), (2 * one.width, 0))
    file = io.BytesIO()
    both.save(file, "PNG")
    drop(page, ("both.png", "image/png", file.getvalue()))
    wait_until_explained(page, 3)
    expect(page.locator("#note")).to_have_text(SEVERAL)
    draw_digit(page, 7)
    wait_until_explained(page, 7)
    expect(page.locator("#note")).to_have_text("")


def test_a_format_that_only_the_server_reads_is_reported_until_the_answer(page: Page) -> None:
    gray = Image.open(io.BytesIO(draw_picture(5))).convert("L")
    file = io.BytesIO()
    gray.save(file, "PPM")
    held: list[Route] = []
    page.route("**/api/picture", lambda route: held.append(route))  # noqa: PLW0108
    drop(page, ("five.pgm", "image/x-portable-graymap", file.getvalue()))
    expect(page.locator("#note")).to_contain_text("Your browser cannot show five.pgm")
    while not held:
        page.wait_for_timeout(10)
    held[0].continue_()
    wait_until_explained(page, 5)
    expect(page.locator("#note")).to_have_text("")


def test_everything_has_an_accessible_name(page: Page) -> None:
    draw_digit(page, 0)
    wait_until_explained(page, 0)
    for role, name in [
        ("application", "Drawing board"), ("button", "Undo"), ("button", "Clear"),
        ("img", "What the networks see: the digit as 28 by 28 pixels"),
        ("radio", re.compile(r"^0 9\d\.\d %$|^0 \d\d\.\d %$")),
        ("group", re.compile("^Probability of each digit")),
    ]:  # fmt: skip
        expect(page.get_by_role(role, name=name)).to_have_count(1)  # type: ignore[arg-type]
    assert page.locator("[aria-live=polite]").count() == 1
    assert page.locator("[role=status]").count() == 1
    described = page.locator("#board").get_attribute("aria-describedby")
    assert "Space puts it down" in page.locator(f"#{described}").inner_text()


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        values = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (
            v / 12.92 if v <= 0.04 else ((v + 0.055) / 1.055) ** 2.4 for v in values
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_light_and_in_dark(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    draw_digit(page, 3)
    wait_until_explained(page, 3)

    def style(selector: str, name: str) -> str:
        return str(page.locator(selector).first.evaluate(f"each => getComputedStyle(each).{name}"))

    paper = style("body", "backgroundColor")
    assert (contrast(paper, "rgb(0, 0, 0)") < 2) == (scheme == "dark")
    for words in ("h1", "#model", "#words", "#winner", ".for", ".against", "a", ".bar .percent"):
        assert contrast(style(words, "color"), paper) > 4.5, words
    ink = pixels_of(page, "#board")
    red, green, blue = ink[ink[..., 3] == 255][0, :3]
    drawn = f"rgb({red}, {green}, {blue})"
    assert contrast(drawn, style("#board", "backgroundColor")) > 7
    before = page.locator("#board").evaluate("canvas => canvas.toDataURL()")
    page.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
    page.wait_for_function(
        "old => document.querySelector('#board').toDataURL() !== old", arg=before
    )
    assert contrast(drawn, style("#board", "backgroundColor")) < 2
    again = pixels_of(page, "#board")
    assert not np.array_equal(again, ink), "the drawing changes its colour, too"


def test_it_fits_a_phone(page: Page) -> None:
    page.set_viewport_size(PHONE)
    require_no_sideways_scrolling(page)
    draw_digit(page, 8)
    wait_until_explained(page, 8)
    require_no_sideways_scrolling(page)
    # Board and answer are visible without scrolling.
    for each in ("#board", "#undo", "#winner", ".bar >> nth=9"):
        box = page.locator(each).bounding_box()
        assert box
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= PHONE["height"], each
        assert box["x"] + box["width"] <= PHONE["width"]
    assert page.locator("#board").evaluate("each => getComputedStyle(each).touchAction") == "none"
    for each in ("#undo", "#clear", "#choose"):
        box = page.locator(each).bounding_box()
        assert box
        assert box["height"] >= 44, "large enough for a finger"


def test_the_api_documentation_shows_its_own_address(page: Page, server: Process) -> None:
    page.get_by_role("link", name="API documentation").click()
    expect(page.locator("pre").first).to_contain_text(f"http://127.0.0.1:{server.port}/api/picture")
    page.set_viewport_size(PHONE)
    require_no_sideways_scrolling(page)
    page.get_by_role("link", name="openapi.json").click()
    assert json.loads(page.locator("pre").inner_text())["openapi"].startswith("3.")
