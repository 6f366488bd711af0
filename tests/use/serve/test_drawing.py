"""Drawing digits on the page with the browser's mouse, finger, pen and keys."""

import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.browser import PHONE
from tests.use.serve.asking import Process, ask_json
from tests.use.serve.hands import (
    draw_digit,
    draw_with_finger,
    draw_with_mouse,
    draw_with_pen,
    parts_of,
    pixels_of,
    wait_until_explained,
)
from tests.use.serve.strokes import STROKES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("digit", range(10))
def test_a_drawn_digit_is_recognised_and_explained(page: Page, server: Process, digit: int) -> None:
    page.emulate_media(reduced_motion="reduce")  # bars do not move slowly
    draw_digit(page, digit)
    wait_until_explained(page, digit)
    expect(page.locator("#winner")).to_have_text(str(digit))
    expect(page.locator(".bar.winner .digit")).to_have_text(str(digit))
    expect(page.locator("#spoken")).to_have_text(
        re.compile(rf"^{digit}, [0-9.]+ percent\. Next is [0-9], [0-9.]+ percent\.$")
    )
    # The picture shows what the network saw: the same pixels give the same answer.
    seen = pixels_of(page, "#seen")
    assert seen.shape == (28, 28, 4)
    assert np.all(seen[..., 3] == 255)
    assert np.all(seen[..., :1] == seen[..., :3])
    again = ask_json(server.port, "/api/digit", {"pixels": seen[..., 0].tolist()}).json
    assert again["digit"] == digit
    assert parts_of(page) == pytest.approx(again["probabilities"], abs=0.01)
    shares = [float(text) for text in page.locator(".bar .value").all_inner_texts()]
    assert shares == pytest.approx([100 * each for each in again["probabilities"]], abs=0.1)
    # Only ink is explained, in the colours of the words below.
    why = pixels_of(page, "#why")[..., :3].astype(int)
    assert np.all(why[seen[..., 0] == 0] == 0)
    assert (why[..., 2] - why[..., 0]).max() > 100, "some ink counts for it, in blue"


def test_undo_and_clear_can_be_undone(page: Page) -> None:
    four = STROKES[4]
    draw_with_mouse(page, four[:1])
    expect(page.locator("#winner")).not_to_have_text("?")
    only_one = pixels_of(page, "#board")
    draw_with_mouse(page, four[1:])
    wait_until_explained(page, 4)
    both = pixels_of(page, "#board")
    page.get_by_role("button", name="Undo").click()
    assert np.array_equal(pixels_of(page, "#board"), only_one)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#winner")).to_have_text("?")
    assert not pixels_of(page, "#board").any()
    expect(page.locator("#undo")).to_be_disabled()
    draw_with_mouse(page, four)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#invitation")).to_be_visible()
    page.keyboard.press("Control+z")
    wait_until_explained(page, 4)
    assert np.array_equal(pixels_of(page, "#board"), both)


class Questions:
    """The page's requests about its sketch, each held until the test releases it."""

    def __init__(self, browser: Browser, port: int) -> None:
        self.page = browser.new_page()  # the browser reports a status of 400 as an error
        self.page.goto(f"http://127.0.0.1:{port}/")
        self._held: list[Route] = []
        # Playwright does not accept a built-in method as a handler.
        self.page.route("**/api/picture", lambda route: self._held.append(route))  # noqa: PLW0108

    def await_one(self) -> Route:
        while not self._held:
            self.page.wait_for_timeout(10)
        return self._held.pop(0)

    def let_all_go(self) -> None:
        self.page.unroute("**/api/picture")
        while self._held:
            self._held.pop(0).continue_()


@pytest.fixture
def questions(browser: Browser, server: Process) -> Iterator[Questions]:
    questions = Questions(browser, server.port)
    yield questions
    questions.page.close()


def refuse(route: Route) -> None:
    route.fulfill(status=400, json={"error": "There is nothing on it."})


@pytest.mark.parametrize("end", [Route.continue_, refuse, Route.abort])
def test_a_late_answer_to_an_old_request_does_not_replace_the_newest(
    questions: Questions, end: Callable[[Route], None]
) -> None:
    page = questions.page
    draw_with_mouse(page, STROKES[1])
    first = questions.await_one()  # for the pen's touch; the stroke was finished meanwhile
    end(first)
    second = questions.await_one()
    expect(page.locator("#note.problem")).to_have_count(0)
    second.continue_()
    wait_until_explained(page, 1)


def test_after_a_failed_request_the_next_sketch_is_answered(
    questions: Questions,
) -> None:
    page = questions.page
    draw_with_mouse(page, STROKES[1])
    questions.await_one().continue_()
    refuse(questions.await_one())
    expect(page.locator("#note.problem")).to_have_text("There is nothing on it.")
    expect(page.locator("#winner")).to_have_text("?")
    questions.let_all_go()
    draw_digit(page, 7)
    expect(page.locator("#note.problem")).to_have_count(0)


def test_a_cleared_or_undone_sketch_gets_no_answer(questions: Questions) -> None:
    page = questions.page
    for button in ("Clear", "Undo"):
        draw_with_mouse(page, STROKES[1])
        questions.await_one()
        page.get_by_role("button", name=button).click()
        page.evaluate("fetch('/api/model').then(() => new Promise(requestAnimationFrame))")
        expect(page.locator("#winner")).to_have_text("?")
        expect(page.locator("#words")).to_have_text("Nothing drawn yet")
        assert not pixels_of(page, "#seen").any()
        assert not pixels_of(page, "#why").any()
    questions.let_all_go()
    draw_digit(page, 7)
    wait_until_explained(page, 7)


def test_an_answer_stays_if_only_the_explanation_fails(questions: Questions) -> None:
    page = questions.page
    questions.let_all_go()
    page.route("**/api/saliency", lambda route: route.abort())
    draw_digit(page, 7)
    expect(page.locator("#note.problem")).to_contain_text("make serve")
    expect(page.locator("#winner")).to_have_text("7")
    page.unroute("**/api/saliency")
    wait_until_explained(page, 7)


def test_a_cleared_board_does_not_wait_for_the_old_answer(
    questions: Questions,
) -> None:
    page = questions.page
    draw_with_mouse(page, STROKES[1])
    questions.await_one()  # it is never answered
    page.get_by_role("button", name="Clear").click()
    draw_digit(page, 7)
    questions.await_one().continue_()
    questions.let_all_go()
    wait_until_explained(page, 7)


@pytest.mark.parametrize("place", [(0.5, 0.5), (0.5, 0.003), (0.02, 0.02)])
def test_a_click_makes_a_dot_that_is_answered_and_can_be_undone(
    page: Page, place: tuple[float, float]
) -> None:
    draw_with_mouse(page, [[place]])
    expect(page.locator("#winner")).not_to_have_text("?")
    dot = pixels_of(page, "#board")
    assert dot.any()
    page.get_by_role("button", name="Undo").click()
    assert not pixels_of(page, "#board").any()
    expect(page.locator("#undo")).to_be_disabled()
    page.get_by_role("button", name="Redo").click()
    assert np.array_equal(pixels_of(page, "#board"), dot)
    expect(page.locator("#redo")).to_be_disabled()


def test_undo_and_redo_have_the_usual_keys(page: Page) -> None:
    def press_with_control(key: str, shift: bool = False) -> None:
        page.evaluate(
            """([key, shiftKey]) => document.dispatchEvent(
                new KeyboardEvent("keydown", { key, shiftKey, ctrlKey: true }))""",
            [key, shift],
        )

    draw_digit(page, 7)
    seven = pixels_of(page, "#board")
    # Caps Lock makes letters upper case, and with it Shift makes them lower case.
    for undo, redo in (
        (("z",), ("y",)),
        (("Z",), ("Y",)),
        (("z",), ("Z", True)),
        (("Z",), ("z", True)),
    ):
        press_with_control(*undo)
        assert not pixels_of(page, "#board").any(), undo
        press_with_control(*redo)
        assert np.array_equal(pixels_of(page, "#board"), seven), redo
    press_with_control("z")
    draw_digit(page, 1)
    expect(page.locator("#redo")).to_be_disabled()


def test_one_request_at_a_time_and_the_last_one_counts(page: Page) -> None:
    asking = {"now": 0, "most": 0, "all": 0}

    def on_request(request: Request) -> None:
        if request.url.endswith("/api/picture"):
            asking["now"] += 1
            asking["all"] += 1
            asking["most"] = max(asking["most"], asking["now"])

    def on_end(request: Request) -> None:
        asking["now"] -= request.url.endswith("/api/picture")

    page.on("request", on_request)
    page.on("requestfinished", on_end)
    page.on("requestfailed", on_end)
    for digit in (3, 8):
        page.locator("#board").hover()
        draw_digit(page, digit)
    page.locator("#clear").click()
    draw_digit(page, 5)
    wait_until_explained(page, 5)
    assert asking["most"] == 1
    assert asking["all"] > 3, "answers arrive during drawing"


def test_another_digits_bar_explains_that_digit(page: Page) -> None:
    draw_digit(page, 9)
    wait_until_explained(page, 9)
    own = pixels_of(page, "#why")
    page.locator(".bar").nth(4).click()
    expect(page.locator("#explained")).to_have_text("a 4")
    expect(page.locator("#winner")).to_have_text("9")
    assert not np.array_equal(pixels_of(page, "#why"), own)
    page.keyboard.press("ArrowDown")  # the next bar
    expect(page.locator("#explained")).to_have_text("a 5")
    draw_digit(page, 9)
    expect(page.locator("#explained")).to_have_text("a 9")


@pytest.mark.parametrize("digit", [2, 6])
def test_a_finger_draws_and_does_not_scroll(page: Page, digit: int) -> None:
    page.set_viewport_size(PHONE)
    draw_with_finger(page, STROKES[digit])
    wait_until_explained(page, digit)
    assert page.evaluate("[scrollX, scrollY]") == [0, 0]
    assert page.evaluate("document.documentElement.scrollHeight > innerHeight"), "it could scroll"


def test_more_pressure_draws_bolder(page: Page) -> None:
    inks = []
    for pressure in (0.1, 0.9):
        draw_with_pen(page, STROKES[3], pressure)
        wait_until_explained(page, 3)
        inks.append(int((pixels_of(page, "#board")[..., 3] > 0).sum()))
        page.locator("#clear").click()
    assert inks[1] > 1.3 * inks[0]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_everything_can_be_done_with_keys(page: Page) -> None:
    press(page, "Tab")
    expect(page.locator("#board")).to_be_focused()
    press(page, *["ArrowLeft"] * 3, " ", *["ArrowRight"] * 6)
    expect(page.locator("#note")).to_have_text("Pen down")
    for _ in range(10):
        press(page, "ArrowDown", *["Shift+ArrowLeft"] * 2)
    press(page, " ")
    expect(page.locator("#note")).to_have_text("Pen lifted")
    wait_until_explained(page, 7)
    reached = []
    for _ in range(5):
        press(page, "Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.type"))
    assert reached == ["undo", "clear", "file", "radio", ""]
    assert page.evaluate("document.activeElement.textContent") == "API documentation"
    press(page, *["Shift+Tab"] * 2)
    expect(page.locator("#file")).to_be_focused()
    outline = page.locator("#choose").evaluate("label => getComputedStyle(label).outlineStyle")
    assert outline == "solid", "the focus is visible"
    press(page, *["Shift+Tab"] * 3, "Delete")
    expect(page.locator("#winner")).to_have_text("?")
    press(page, "Backspace")
    wait_until_explained(page, 7)
    press(page, "ArrowUp", " ", "ArrowUp", "Escape")
    expect(page.locator("#note")).to_have_text("Pen lifted")
