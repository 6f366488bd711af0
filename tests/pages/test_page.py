"""What all pages share: they need nothing outside themselves, escape what they show, and work."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jinja2 import UndefinedError
from playwright.sync_api import Page
from rich.console import Console

from digit_recognizer.pages.page import find_links, print_points, render
from digit_recognizer.pages.pictures import INK, as_svg, digit_uri, new_figure, png_of, tidy
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
    values = {"name": name, "rows": rows, "uri": digit_uri(image), "svg": make_svg()}
    return write_page(folder, TEMPLATE, links=[], **values)


def write_page(folder: Path, template: str, **values: Any) -> Path:
    beside = folder / "templates"
    beside.mkdir(exist_ok=True)
    (beside / "trial.html").write_text(template)
    path = folder / "trial.html"
    path.write_text(render(beside / "trial.html", **values))
    return path


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


def test_names_from_files_are_escaped(tab: Page, tmp_path: Path) -> None:
    evil = "<script>console.log('run')</script><img src=x onerror=alert(1)>"
    open_file(tab, write_trial(tmp_path, evil))
    assert tab.get_by_role("heading", level=1).inner_text() == evil


def test_a_misspelt_name_is_an_error_and_not_an_empty_place(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError):
        write_page(tmp_path, "{{ acuracy }}", accuracy=1)


def test_a_page_leads_to_those_that_are_there_and_not_to_itself(tmp_path: Path) -> None:
    assert find_links(tmp_path, "data.html") == []
    for name in ("index.html", "data.html", "explain.html", "tune-mine.html"):
        (tmp_path / name).touch()
    others = [address for _, address in find_links(tmp_path, "data.html")]
    assert others == ["index.html", "explain.html", "tune-mine.html"]
    assert find_links(tmp_path, "explain.html")[-1] == ("Search mine", "tune-mine.html")
    assert len(find_links(tmp_path, "stages.html")) == 4


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


def test_no_line_breaks_between_a_number_and_its_sign(tmp_path: Path) -> None:
    template = "{{ 0.995 | percent(1) }}, 5 %, {{ told }}; 100% wide"
    path = write_page(tmp_path, template, told="about 97 % (they say)")
    assert path.read_text() == "99.5\u00a0%, 5\u00a0%, about 97\u00a0% (they say); 100% wide"


@pytest.mark.parametrize("width", range(20, 60))
def test_no_line_on_the_terminal_breaks_there_either(width: int) -> None:
    output = io.StringIO()
    points = ["from 9.6 % (8) to 10.2 % (3) of [all] labelled images, and 264 of the 784 pixels"]
    print_points(points, Console(file=output, width=width))
    lines = output.getvalue().splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= width
    assert not any(line.lstrip().startswith("%") for line in lines)
    assert " ".join(" ".join(lines).split()) == f"- {points[0]}"
