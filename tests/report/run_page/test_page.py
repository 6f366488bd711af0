"""The page as its readers use it, in a real browser."""

import json
import re
import warnings

import numpy as np
import pytest
from playwright.sync_api import Page

from digit_recognizer.experiments.experiment import Augmentation
from digit_recognizer.report.run_page import gallery
from digit_recognizer.report.run_page.write import name_page
from digit_recognizer.runs.folder import open_run
from digit_recognizer.workspace import ProjectError, Workspace, write_json
from tests.browser import PHONE, open_file, require_no_sideways_scrolling
from tests.made_up_runs import make_experiment, make_probabilities, open_made_up
from tests.report.run_page.made_up_page import LABELS, Ordinary, make_run, write_page

EVIL = "<script>console.log('run')</script><img src=x onerror=alert(1)>"


def certain(predicted: np.ndarray) -> np.ndarray:
    return np.eye(10, dtype=np.float32)[predicted]


def open_cells(tab: Page) -> dict[str, tuple[int, int]]:
    """Press every cell; return the count on it and the number of pictures that it opened."""
    dialog, found = tab.get_by_role("dialog"), {}
    for button in tab.locator(".matrix button").all():
        button.click()
        assert dialog.get_by_role("heading").inner_text() == button.get_attribute("title")
        kind = button.get_attribute("data-show")
        assert kind is not None
        found[kind] = (int(button.inner_text()), dialog.locator("img").count())
        tab.keyboard.press("Escape")
    return found


def test_a_cell_opens_exactly_the_images_that_it_counts(tab: Page, ordinary: Ordinary) -> None:
    open_file(tab, ordinary[1])
    cells = open_cells(tab)
    errors = {kind: found for kind, found in cells.items() if kind[0] != kind[2]}
    assert max(count for count, _ in errors.values()) > 1
    for count, pictures in errors.values():
        assert count == pictures
    for kind in cells.keys() - errors.keys():
        assert cells[kind][1] == min(10, cells[kind][0])
    tab.get_by_title(re.compile("^3 predicted correctly")).click()
    shown = tab.get_by_role("dialog").locator("figcaption").all_inner_texts()
    sure = [float(re.findall(r"confidence ([\d.]+)\u00a0%", text)[0]) for text in shown]
    assert sure == sorted(sure)


def test_errors_are_ranked_by_loss_with_what_was_said_of_them(
    tab: Page, ordinary: Ordinary
) -> None:
    run, page = ordinary
    open_file(tab, page)
    oof = run.load_oof().astype(float)
    predicted = oof.argmax(axis=1)
    expected = [
        f"{LABELS[row]} predicted as {predicted[row]} confidence {100 * oof[row].max():.1f} % "
        f"loss {-np.log(oof[row, LABELS[row]]):.2f} row {row + 1}"
        for row in sorted(range(len(LABELS)), key=lambda row: oof[row, LABELS[row]])
        if predicted[row] != LABELS[row]
    ]
    shown = tab.locator("#errors figcaption").all_inner_texts()
    assert [" ".join(text.split()) for text in shown] == expected


def test_questions_are_answered_in_the_order_in_which_they_come_up(
    tab: Page, ordinary: Ordinary
) -> None:
    open_file(tab, ordinary[1])
    sections = tab.evaluate("[...document.querySelectorAll('section')].map((each) => each.id)")
    assert sections == [
        "folds", "curves", "confusion", "digits", "calibration", "errors", "suspects", "samples",
        "augmentation", "times", "repeat",
    ]  # fmt: skip
    links = tab.get_by_role("navigation", name="On this page").locator("a").all()
    assert [link.get_attribute("href") for link in links] == [f"#{name}" for name in sections]
    assert "trains on the original images" in tab.locator("#augmentation").inner_text()
    assert tab.locator("#samples img").count() == 40


@pytest.mark.parametrize("light", ["light", "dark"])
def test_it_fits_a_phone_by_day_and_by_night(tab: Page, ordinary: Ordinary, light: str) -> None:
    tab.emulate_media(color_scheme=light)  # type: ignore[arg-type]
    tab.set_viewport_size(PHONE)  # type: ignore[arg-type]
    open_file(tab, ordinary[1])
    require_no_sideways_scrolling(tab)
    colour = "getComputedStyle({}).color"
    buttons = "[...document.querySelectorAll('.matrix button')]"
    inks = tab.evaluate(f"{buttons}.map((each) => {colour.format('each')})")
    assert set(inks) == {tab.evaluate(colour.format("document.body"))}


def test_text_from_files_is_shown_and_never_run(tab: Page, empty: Workspace) -> None:
    run = make_run(empty)
    path = run.folder / "config.json"
    config = json.loads(path.read_bytes())
    config["experiment"]["name"] = config["data"] = config["environment"]["commit"] = EVIL
    config["environment"][EVIL] = EVIL
    path.write_text(json.dumps(config))
    for fold in range(3):
        done = run.folder / f"fold-{fold}" / "done.json"
        contents = json.loads(done.read_bytes())
        contents["facts"] |= {"device": EVIL, "precision": EVIL}
        write_json(done, contents)
    folder = run.folder.rename(run.folder.with_name("<b>bold & co"))
    page = write_page(empty, open_run(empty, folder.name))
    open_file(tab, page)
    assert tab.get_by_role("heading", level=1).inner_text() == "<b>bold & co"
    assert tab.locator("dd", has_text=EVIL).count() == 4
    assert tab.locator("#times td", has_text=EVIL).count() == 6
    assert tab.locator("b, img[src=x]").count() == 0
    assert "# \\<b>bold \\& co" in (folder / "report.md").read_text()


def test_a_run_without_errors_says_so(tab: Page, empty: Workspace) -> None:
    run = make_run(empty, certain(LABELS))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_file(tab, write_page(empty, run))
    assert "0 errors of 120 digits (95\u00a0% interval 0 to 4)" in tab.locator(".lead").inner_text()
    assert "There are no errors" in tab.locator("#confusion").inner_text()
    assert "There are none" in tab.locator("#errors").inner_text()
    assert "None" in tab.locator("#suspects").inner_text()
    assert "well calibrated" in tab.locator("#calibration").inner_text()
    assert tab.locator("[style*=heat]").count() == 0
    assert open_cells(tab) == {f"{digit}-{digit}": (12, 10) for digit in range(10)}


def test_a_run_that_learnt_nothing_has_a_page(tab: Page, empty: Workspace) -> None:
    run = make_run(empty, certain((LABELS + 1) % 10))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_file(tab, write_page(empty, run))
    assert (
        "120 errors of 120 digits (95\u00a0% interval 116 to 120)"
        in tab.locator(".lead").inner_text()
    )
    assert "over-confident by 100.00" in tab.locator("#calibration").inner_text()
    cells = open_cells(tab)
    assert len(cells) == 10
    assert set(cells.values()) == {(12, 12)}


def test_a_digit_that_is_never_predicted_divides_nothing_by_zero(
    tab: Page, empty: Workspace
) -> None:
    run = make_run(empty, certain(np.where(LABELS == 4, 9, LABELS)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_file(tab, write_page(empty, run))
    cells = tab.locator("#digits tbody tr").nth(4).locator("td").all_inner_texts()
    assert cells == ["4", "12", "12", "0", "never predicted", "0.00\u00a0%", "0.00\u00a0%"]
    # A column sorts by number; what has none comes last.
    tab.locator("#digits").get_by_role("button", name="precision").click()
    assert tab.locator("#digits tbody tr").last.locator("td").first.inner_text() == "4"


def test_of_too_many_errors_the_worst_are_shown_and_some_of_each_kind(
    tab: Page, empty: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "MOST_ERRORS", 6)
    monkeypatch.setattr("digit_recognizer.report.run_page.write.MOST_ERRORS", 6)
    monkeypatch.setattr("digit_recognizer.report.run_page.write.AT_ONCE", 4)
    labels = np.zeros(120, np.uint8)
    probabilities = make_probabilities(np.full(120, 1), skill=4.0, seed=0)
    run = make_run(empty, probabilities, labels)
    open_file(tab, write_page(empty, run, labels))
    wrong = int((probabilities.argmax(axis=1) != 0).sum())
    assert f"The 6 worst of {wrong}," in tab.locator("#errors p").inner_text()
    assert tab.locator("#errors .tile:visible").count() == 4
    tab.get_by_text("2 more").click()
    assert tab.locator("#errors .tile:visible").count() == 6
    cells = open_cells(tab)
    count, pictures = cells["0-1"]
    assert (pictures, count > 10) == (10, True)
    title = tab.locator("button[data-show='0-1']").get_attribute("title")
    assert title == f"0 predicted as 1: the 10 worst of {count} images"


def test_a_label_that_was_swapped_is_suspected(tab: Page, empty: Workspace) -> None:
    wrong = LABELS.copy()
    row = int(np.flatnonzero(LABELS == 3)[5])
    wrong[row] = 5
    open_file(tab, write_page(empty, make_run(empty, certain(LABELS), wrong), wrong))
    tiles = tab.locator("#suspects .tile")
    assert tiles.count() == 1
    assert tiles.inner_text().split("\n")[-1].strip() == f"row {row + 1}", "people count from 1"


def test_what_training_does_to_images_is_shown(tab: Page, empty: Workspace) -> None:
    run = make_run(empty, augmentation=Augmentation(rotation=10, shift=2))
    page = write_page(empty, run)
    open_file(tab, page)
    section = tab.locator("#augmentation")
    assert "10° of rotation" in section.inner_text()
    sources = [image.get_attribute("src") for image in section.locator("img").all()]
    assert len(sources) == len(set(sources)) == 6 * 8, "every draw is another"
    again = page.read_bytes()
    assert write_page(empty, run).read_bytes() == again, "the same run gives the same page"


def test_nothing_to_show_is_said(empty: Workspace) -> None:
    run = open_made_up(empty, make_experiment("made-up"))
    with pytest.raises(ProjectError, match="no finished fold"):
        write_page(empty, run)
    assert not empty.reports.exists()


def test_no_run_takes_the_name_of_another_page() -> None:
    assert name_page("stages") == "stages.html"
    assert name_page("index") == "index.run.html"
    assert name_page("Data") == "Data.run.html"  # some file systems know no case
