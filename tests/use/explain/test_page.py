"""The page of explanations in a browser, with made-up maps."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from digit_recognizer.use.explain.findings import Findings
from digit_recognizer.use.explain.wording import list_main_points
from digit_recognizer.use.explain.write import render_page
from tests.browser import DESKTOP, PHONE, open_file, require_no_sideways_scrolling
from tests.use.explain.made_up import make_findings

PAPER = {"width": 718, "height": 1000}  # A4 without margins
LINKS = [("All runs", "index.html"), ("The data", "data.html")]


def write_page(folder: Path, findings: Findings) -> Path:
    path = folder / "explain.html"
    path.write_text(render_page(findings, LINKS))
    return path


@pytest.mark.parametrize("with_shap", [True, False])
def test_it_fits_a_desktop_and_a_phone_in_light_and_dark(
    with_shap: bool, tab: Page, tmp_path: Path
) -> None:
    path = write_page(tmp_path, make_findings(with_shap))
    for size in (DESKTOP, PHONE):
        for light in ("light", "dark"):
            tab.emulate_media(color_scheme=light)  # type: ignore[arg-type]
            tab.set_viewport_size(size)  # type: ignore[arg-type]
            open_file(tab, path)
            require_no_sideways_scrolling(tab)
    broken = "[...document.images].filter((image) => !image.naturalWidth).length"
    assert tab.evaluate(broken) == 0
    tab.emulate_media(media="print")
    tab.set_viewport_size(PAPER)  # type: ignore[arg-type]
    require_no_sideways_scrolling(tab)


def test_an_error_has_two_questions_and_a_correct_prediction_one(tab: Page, tmp_path: Path) -> None:
    open_file(tab, write_page(tmp_path, make_findings()))
    wrong, right = tab.locator("article").all()
    assert wrong.get_by_role("heading").inner_text() == "4 predicted as 9"
    asked = [each.inner_text() for each in wrong.locator(".question strong").all()]
    assert asked == ["Why 9?", "Why not 4?"]
    assert right.locator(".question strong").all_inner_texts() == ["Why 3?"]
    assert wrong.locator("img").count() == 2 + 2 * 3, "the image, without a spot, two rows of maps"
    assert right.locator("img").count() == 1 + 3
    assert "without this spot: 4 (70\u00a0%)" in wrong.inner_text()
    assert "Hiding a single spot never changes the prediction" in right.inner_text()
    assert "predicted by made-up fold 2" in wrong.inner_text()


def test_every_picture_has_a_description(tab: Page, tmp_path: Path) -> None:
    open_file(tab, write_page(tmp_path, make_findings()))
    said = [image.get_attribute("alt") or "" for image in tab.locator("article img").all()]
    assert said[0] == "row 12, labelled 4, predicted 9"
    maps = [each for each in said if each.startswith("Why")]
    assert len(maps) == 3 * 3
    by = (
        r"Why (not )?\d\? By (occlusion|integrated gradients|SHAP), "
        r"\d+\u00a0% counts for it, mostly in the .+\."
    )
    assert all(re.fullmatch(by, each) for each in maps)
    for plot in tab.locator("figure > svg").all():
        assert "median" in (plot.get_attribute("aria-label") or "")


def test_the_page_has_the_numbers_of_the_findings(tab: Page, tmp_path: Path) -> None:
    findings = make_findings()
    open_file(tab, write_page(tmp_path, findings))
    text = tab.inner_text("body")
    for point in list_main_points(findings):
        assert point.replace(" %", "\u00a0%") in text
    assert "at most 0.0004." in text
    rows = tab.locator("#figures tbody tr")
    answers = [answer for each in findings.explanations for answer in each.answers]
    assert rows.count() == len(answers) == 3
    for row, answer in zip(rows.all(), answers, strict=True):
        values = [
            float(each.get_attribute("data-value") or "")
            for each in row.locator("td[data-value]").all()
        ]
        black, total, short = values[1:4]
        assert black + total + short == pytest.approx(answer.log_odds, abs=0.01)
        assert values[4] == pytest.approx(float(answer.maps["SHAP"].sum()))


def test_a_prediction_that_rounding_changes_is_reported(tab: Page, tmp_path: Path) -> None:
    findings = make_findings()
    findings.typical[0].probabilities[8] = 0.95
    open_file(tab, write_page(tmp_path, findings))
    assert "makes another digit the most probable for row 8." in tab.inner_text("#figures")


def test_the_medians_are_those_of_the_maps(tab: Page, tmp_path: Path) -> None:
    findings = make_findings()
    open_file(tab, write_page(tmp_path, findings))
    alike = [each.agreements() for each in findings.explanations]
    cells = tab.locator("#agreement tbody tr").all_inner_texts()
    assert len(cells) == 3
    for cell, pair in zip(cells, alike[0], strict=True):
        name, shown = cell.split("\t")
        assert name == " and ".join(pair)
        median = np.median([each[pair] for each in alike])
        assert float(shown.replace("−", "-")) == pytest.approx(median, abs=0.005)
    assert "−0.10\t+0.45" in tab.locator("#untrained tbody tr").first.inner_text()


def test_without_shap_it_says_how_to_install_it(tab: Page, tmp_path: Path) -> None:
    open_file(tab, write_page(tmp_path, make_findings(with_shap=False)))
    warning = tab.locator(".warning").inner_text()
    assert "The package shap is not installed" in warning
    assert "make explain SHAP=1" in warning
    assert "SHAP" not in tab.locator("main").inner_text()
    open_file(tab, write_page(tmp_path, make_findings()))
    assert tab.locator(".warning").count() == 0


def test_names_from_files_are_escaped(tab: Page, tmp_path: Path) -> None:
    evil = "<script>console.log('run')</script><img src=x onerror=alert(1)>"
    open_file(tab, write_page(tmp_path, make_findings(name=evil)))
    assert evil in tab.locator(".lead").inner_text()


def test_it_links_to_the_other_pages(tab: Page, tmp_path: Path) -> None:
    open_file(tab, write_page(tmp_path, make_findings()))
    shown = tab.locator("nav[aria-label=Reports] a").all()
    assert [(each.inner_text(), each.get_attribute("href")) for each in shown] == LINKS
    for link in tab.locator('a[href^="#"]').all():
        assert tab.locator(link.get_attribute("href") or "").count() == 1
