"""Each figure that people quote is that of an independent computation."""

import json
import math
import re

import numpy as np
import pytest
from playwright.sync_api import Page
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from digit_recognizer.report.run_page.write import write_run_page
from digit_recognizer.runs.folder import Run
from digit_recognizer.workspace import Workspace
from tests.browser import open_file
from tests.made_up_runs import make_folds
from tests.report.run_page.made_up_page import LABELS, Ordinary, make_run, write_page

PNG = b"\x89PNG\r\n\x1a\n"
NEW_KEYS = ("per_class", "expected_calibration_error")


def read_oof(run: Run) -> np.ndarray:
    """The folds' own files, put together here."""
    folds = make_folds(len(LABELS))
    oof = np.zeros((len(LABELS), 10), np.float32)
    for fold in range(3):
        oof[folds == fold] = np.load(run.folder / f"fold-{fold}" / "oof.npy")
    return oof


def calibration_error_by_a_loop(labels: np.ndarray, probabilities: np.ndarray) -> float:
    total = 0.0
    for place in range(15):
        inside = [
            (float(max(row)), int(np.argmax(row)) == label)
            for label, row in zip(labels, probabilities, strict=True)
            if place / 15 < max(row) <= (place + 1) / 15
        ]
        if inside:
            confidence = sum(sure for sure, _ in inside) / len(inside)
            accuracy = sum(right for _, right in inside) / len(inside)
            total += len(inside) / len(labels) * abs(accuracy - confidence)
    return total


def test_the_headline_is_that_of_the_probabilities(tab: Page, ordinary: Ordinary) -> None:
    run, page = ordinary
    open_file(tab, page)
    oof = read_oof(run)
    predicted = oof.argmax(axis=1)
    errors = int((predicted != LABELS).sum())
    assert 10 < errors < 60
    accuracy = accuracy_score(LABELS, predicted)
    interval = binomtest(errors, 120).proportion_ci(0.95, method="wilson")
    low, high = round(120 * interval.low), round(120 * interval.high)
    surprise = sum(-math.log(row[label]) for label, row in zip(LABELS, oof, strict=True)) / 120
    shown = tab.locator(".lead").inner_text()
    for figure in (
        f"{errors} errors of 120 digits (95\u00a0% interval {low} to {high})",
        f"{100 * accuracy:.3f}\u00a0% ({100 - 100 * interval.high:.2f}\u00a0% to ",
        f"log loss {surprise:.4f}",
    ):
        assert figure in shown
    calibration = tab.locator("#calibration").inner_text()
    assert f"{calibration_error_by_a_loop(LABELS, oof):.4f}" in calibration


def test_every_cell_is_scikit_learns(tab: Page, ordinary: Ordinary) -> None:
    run, page = ordinary
    open_file(tab, page)
    rows = tab.locator(".matrix tbody tr").all()
    shown = [
        [0 if text == "·" else int(text) for text in row.locator("td").all_inner_texts()]
        for row in rows
    ]
    assert shown == confusion_matrix(LABELS, read_oof(run).argmax(axis=1)).tolist()


def test_each_digit_has_scikit_learns_figures(tab: Page, ordinary: Ordinary) -> None:
    run, page = ordinary
    open_file(tab, page)
    predicted = read_oof(run).argmax(axis=1)
    expected = precision_recall_fscore_support(LABELS, predicted)
    rows = tab.locator("#digits tbody tr").all()
    for digit, row in enumerate(rows):
        cells, is_digit = row.locator("td").all_inner_texts(), np.equal(LABELS, digit)
        precision, recall, f1, images = (values[digit] for values in expected)
        assert cells == [
            str(digit),
            str(images),
            str(int((is_digit & (predicted != digit)).sum())),
            str(int((~is_digit & (predicted == digit)).sum())),
            *(f"{100 * value:.2f}\u00a0%" for value in (precision, recall, f1)),
        ]
        own = run.metrics["per_class"][str(digit)]
        assert (own["precision"], own["recall"], own["f1"]) == pytest.approx(
            (precision, recall, f1)
        )


def test_the_metrics_file_has_the_calibration_error(ordinary: Ordinary) -> None:
    run, _ = ordinary
    own = calibration_error_by_a_loop(LABELS, read_oof(run))
    assert run.metrics["expected_calibration_error"] == pytest.approx(own)


def test_folds_are_counted_one_by_one_and_sort(tab: Page, ordinary: Ordinary) -> None:
    run, page = ordinary
    open_file(tab, page)
    table, folds = tab.locator("#folds table"), make_folds(len(LABELS))
    wrong = read_oof(run).argmax(axis=1) != LABELS
    expected = {str(fold): int(wrong[folds == fold].sum()) for fold in range(3)}
    assert len(set(expected.values())) > 1

    def shown() -> list[tuple[str, int]]:
        cells = [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]
        assert all(row[1] == "40" for row in cells)
        return [(row[0], int(row[2])) for row in cells]

    assert dict(shown()) == expected
    table.get_by_role("button", name="errors").click()
    assert [errors for _, errors in shown()] == sorted(expected.values())
    times = [row.locator("td").all_inner_texts() for row in tab.locator("#times tbody tr").all()]
    # What make_fold_result says: 100, 101 and 102 images in 1.5, 2.5 and 3.5 seconds.
    assert [row[4] for row in times] == [f"{100 / 1.5:.0f}", f"{101 / 2.5:.0f}", f"{102 / 3.5:.0f}"]
    assert [row[:4] for row in times][1] == ["1", "2.0", "2.5", "101"]


def test_a_metrics_file_of_an_older_version_changes_nothing(empty: Workspace) -> None:
    run = make_run(empty)
    whole = write_page(empty, run).read_bytes()
    path = run.folder / "metrics.json"
    metrics = json.loads(path.read_bytes())
    path.write_text(json.dumps({key: metrics[key] for key in metrics if key not in NEW_KEYS}))
    assert write_page(empty, run).read_bytes() == whole
    path.unlink()
    assert write_page(empty, run).read_bytes() == whole


def test_without_the_data_the_page_has_what_the_files_say(tab: Page, empty: Workspace) -> None:
    run = make_run(empty)
    for without in ((), NEW_KEYS):
        path = run.folder / "metrics.json"
        metrics = json.loads(path.read_bytes())
        path.write_text(json.dumps({key: metrics[key] for key in metrics if key not in without}))
        open_file(tab, write_run_page(empty, run, None))
        assert f"{metrics['errors']} errors of" in tab.locator(".lead").inner_text()
        assert "not those that this run was trained on" in tab.locator(".warning").inner_text()
        assert tab.locator("#digits").count() == (not without)
        assert tab.locator("#confusion, #errors, .tile").count() == 0
        assert tab.locator("#curves svg").count() == 2


def test_without_the_data_figures_of_other_folds_are_owned_up_to(
    tab: Page, empty: Workspace
) -> None:
    run = make_run(empty)
    (run.folder / "fold-1" / "done.json").unlink()
    open_file(tab, write_run_page(empty, run, None))
    assert "the difference: fold 1" in tab.locator(".warning").last.inner_text()
    assert tab.locator("#folds tbody tr").count() == 2


def test_missing_folds_are_said_and_the_figures_are_of_the_others(
    tab: Page, empty: Workspace
) -> None:
    run = make_run(empty, only_folds=(2, 0))
    open_file(tab, write_page(empty, run))
    warning = tab.locator(".warning").inner_text()
    assert "2 of 3 folds" in warning
    assert "fold 1 is missing" in warning
    held_out = make_folds(len(LABELS)) != 1
    folder = run.folder
    wrong = sum(
        int((np.load(folder / f"fold-{fold}" / "oof.npy").argmax(axis=1) != own).sum())
        for fold in (0, 2)
        for own in [LABELS[make_folds(len(LABELS)) == fold]]
    )
    assert re.search(rf"^{wrong} errors of {held_out.sum()} ", tab.locator(".lead").inner_text())
    rows = re.findall(r"row (\d+)", tab.locator("#errors .tiles").inner_text())
    assert len(rows) == wrong
    assert all(held_out[int(row) - 1] for row in rows)
    assert "Only 2 of 3" in (folder / "report.md").read_text()


def test_the_run_folder_gets_the_same_as_files(ordinary: Ordinary) -> None:
    run, _ = ordinary
    text = (run.folder / "report.md").read_text()
    for figure in (
        f" {run.metrics['errors']} errors of 120 (95 % interval ",
        f"log loss {run.metrics['log_loss']:.4f}",
        f"calibration error: {run.metrics['expected_calibration_error']:.4f}",
        f"| 7 | 12 | {run.metrics['per_class']['7']['precision']:.4f} |",
    ):
        assert figure in text
    plots = re.findall(r"\((plots/.*?)\)", text)
    assert plots == ["plots/curves.png", "plots/confusion.png", "plots/calibration.png"]
    assert all((run.folder / plot).read_bytes().startswith(PNG) for plot in plots)
    assert run.finished_folds == [0, 1, 2]
