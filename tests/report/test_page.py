"""What all pages share: they need nothing outside themselves, escape what they show, and work."""

from pathlib import Path

import numpy as np
import pytest
from jinja2 import ChoiceLoader, DictLoader, Environment, UndefinedError
from playwright.sync_api import Page

from digit_recognizer.report import page as pages
from digit_recognizer.report.pictures import INK, as_svg, digit_uri, new_figure, png_of, tidy
from tests.browser import PHONE, open_file, require_no_sideways_scrolling

TEMPLATE = """
{% extends "base.html" %}
{% from "macros.html" import tile, plot %}
{% block title %}{{ name }}{% endblock %}
{% block main %}
<table class="sortable"><thead><tr><th>name</th><th>errors</th></tr></thead><tbody>
{% for row in rows %}<tr><td>{{ row[0] }}</td>
<td data-value="{{ row[1] }}">{{ row[1] }}</td></tr>{% endfor %}
</tbody></table>
<button data-show="3-5" title="Threes taken for fives">2</button>
<div class="tiles">{% call tile(uri, "a three", "3-5") %}3 as 5{% endcall %}</div>
<template>{% call tile(uri, "another three", "3-5") %}3 as 5{% endcall %}</template>
{{ plot(svg, "how it went") }}
{% endblock %}
"""


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    environment = pages._environment()
    assert environment.loader is not None
    both = ChoiceLoader([DictLoader({"trial.html": TEMPLATE}), environment.loader])
    monkeypatch.setattr(environment, "loader", both)
    return environment


def make_svg() -> str:
    figure = new_figure()
    axes = figure.subplots()
    axes.plot([1, 2, 3], [3, 1, 2], label="a <line> & more")
    axes.set(xlabel="epoch", ylabel="errors (%)")
    axes.legend()
    tidy(axes)
    return as_svg(figure, 'a "line" that falls')


def write_trial(folder: Path, name: str = "trial") -> Path:
    image = np.random.default_rng(0).integers(0, 255, (28, 28), np.uint8)
    rows = [("b", 10), ("a", 9), ("c", 100)]
    text = pages.render(
        "trial.html", name=name, rows=rows, links=[], uri=digit_uri(image), svg=make_svg()
    )
    path = folder / "trial.html"
    path.write_text(text)
    return path


@pytest.mark.usefixtures("environment")
def test_tables_sort_both_ways_and_by_number(tab: Page, tmp_path: Path) -> None:
    open_file(tab, write_trial(tmp_path))

    def names() -> list[str]:
        return tab.locator("tbody tr td:first-child").all_inner_texts()

    by_errors = tab.get_by_role("button", name="errors")
    by_errors.click()
    assert names() == ["a", "b", "c"]
    assert tab.locator("th").nth(1).get_attribute("aria-sort") == "ascending"
    by_errors.press("Enter")
    assert names() == ["c", "b", "a"]
    tab.get_by_role("button", name="name").click()
    assert names() == ["a", "b", "c"]


@pytest.mark.usefixtures("environment")
def test_a_cell_opens_the_images_behind_it_and_closes_again(tab: Page, tmp_path: Path) -> None:
    open_file(tab, write_trial(tmp_path))
    dialog = tab.get_by_role("dialog")
    assert not dialog.is_visible()
    tab.get_by_title("Threes taken for fives").click()
    assert dialog.is_visible()
    assert dialog.get_by_role("heading").inner_text() == "Threes taken for fives"
    alternatives = [image.get_attribute("alt") for image in dialog.locator("img").all()]
    assert alternatives == ["a three", "another three"]
    tab.keyboard.press("Escape")
    assert not dialog.is_visible()


@pytest.mark.usefixtures("environment")
def test_it_fits_a_phone_and_both_kinds_of_light(tab: Page, tmp_path: Path) -> None:
    path = write_trial(tmp_path)
    colours = set()
    for light in ("light", "dark"):
        tab.emulate_media(color_scheme=light)  # type: ignore[arg-type]
        tab.set_viewport_size(PHONE)  # type: ignore[arg-type]
        open_file(tab, path)
        require_no_sideways_scrolling(tab)
        drawn = "getComputedStyle(document.querySelector('figure > svg')).color"
        colours.add((tab.evaluate(drawn), tab.evaluate("getComputedStyle(document.body).color")))
    assert len(colours) == 2, "light and dark have the same ink"
    assert all(drawing == text for drawing, text in colours)


@pytest.mark.usefixtures("environment")
def test_names_from_files_are_escaped(tab: Page, tmp_path: Path) -> None:
    evil = "<script>console.log('run')</script><img src=x onerror=alert(1)>"
    open_file(tab, write_trial(tmp_path, evil))
    assert tab.get_by_role("heading", level=1).inner_text() == evil


def test_a_misspelt_name_is_an_error_and_not_an_empty_place(environment: Environment) -> None:
    with pytest.raises(UndefinedError):
        environment.from_string("{{ acuracy }}").render(accuracy=1)


def test_a_drawing_is_the_same_each_time_and_in_the_text_s_colour() -> None:
    drawing = make_svg()
    assert drawing == make_svg()
    assert INK not in drawing
    assert "currentColor" in drawing
    assert 'aria-label="a &#34;line&#34; that falls"' in drawing
    assert "a &lt;line&gt; &amp; more" in drawing


def test_a_digit_is_shown_pixel_for_pixel() -> None:
    import io

    from PIL import Image

    image = np.random.default_rng(1).integers(0, 255, (28, 28), np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png_of(image)))), image)
