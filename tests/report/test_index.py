"""The index tells what is in the run folders: every figure against another way to compute it."""

import itertools
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text
from playwright.sync_api import Locator, Page
from scipy.stats import binomtest

from digit_recognizer.compete.ledger import Entry, add_entry
from digit_recognizer.report.index_page.candidates import Candidate
from digit_recognizer.report.index_page.figures import draw_time_against_errors
from digit_recognizer.report.index_page.findings import Findings, find_all
from digit_recognizer.report.index_page.markdown import format_findings
from digit_recognizer.report.index_page.pairs import MOST
from digit_recognizer.report.index_page.write import write_index
from digit_recognizer.report.run_page.write import write_run_page
from digit_recognizer.runs.blend import blend
from digit_recognizer.runs.folder import open_run
from digit_recognizer.scores import Score
from digit_recognizer.workspace import Workspace, write_json
from tests.browser import PHONE, open_file, require_no_sideways_scrolling
from tests.made_up_runs import make_up_run
from tests.report.made_up_field import load_labels, train, train_standard, wrong_images

EVIL = '<img src=x onerror=alert(1)> & "|"'


def by_name(findings: Findings) -> dict[str, Candidate]:
    return {each.name: each for each in findings.field.candidates}


@pytest.fixture(scope="module")
def told(_installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with all kinds of runs, and their pages; only to be read."""
    root = tmp_path_factory.mktemp("told") / "work space"
    shutil.copytree(_installed, root)
    workspace = Workspace(root)
    train_standard(workspace)
    train(workspace, EVIL, skill=1.0, seed=3)
    train(workspace, "begun", skill=2.5, seed=4, only_folds=(1,))
    make_up_run(workspace, "elsewhere", seed=5)
    findings = find_all(workspace)
    write_index(workspace, findings)
    for run in findings.field.runs:
        write_run_page(workspace, run, findings.field.digits_of(run))
    write_index(workspace, findings)
    return workspace


@pytest.fixture
def page(tab: Page, told: Workspace) -> Page:
    open_file(tab, told.reports / "index.html")
    return tab


def rows_of(table: Locator) -> list[list[str]]:
    rows = table.locator("tbody tr").all()
    return [row.locator("th, td").all_inner_texts() for row in rows]


# What is found


def test_a_line_up_is_what_the_blend_of_its_runs_scores(workspace: Workspace) -> None:
    runs, labels = train_standard(workspace), load_labels(workspace)
    found = by_name(find_all(workspace))
    assert list(found) == sorted(found, key=lambda name: found[name].score.errors)
    assert found["standard"].score == blend(runs, labels).score
    mean = (np.load(runs[0].folder / "oof.npy") + np.load(runs[1].folder / "oof.npy")) / 2
    assert found["standard"].score.errors == sum(mean.argmax(axis=1) != labels)
    expected = -np.mean([np.log(mean[row, label]) for row, label in enumerate(labels)])
    assert found["standard"].log_loss == pytest.approx(expected, rel=1e-5)
    assert found["standard"].seconds == sum(run.metrics["seconds"] for run in runs)
    assert "best" not in found, "its runs are not there"


def test_what_was_trained_last_is_there_too(workspace: Workspace) -> None:
    runs = [train(workspace, name, seed=seed) for seed, name in enumerate(("a", "b"))]
    write_json(workspace.runs / "latest.json", {"label": "a+b", "names": ["a", "b"]})
    found = by_name(find_all(workspace))
    assert found["a+b"].score == blend(runs, load_labels(workspace)).score
    assert "trained last" in found["a+b"].description
    write_json(workspace.runs / "latest.json", {"label": "b", "names": ["b"]})
    found = by_name(find_all(workspace))
    assert set(found) == {"a", "b"}, "a line-up of one run is that run"
    assert "trained last" in found["b"].description


def test_a_blend_that_was_submitted_is_there_too(workspace: Workspace) -> None:
    runs = [train(workspace, name, seed=seed) for seed, name in enumerate(("a", "b", "c"))]
    write_json(workspace.runs / "latest.json", {"label": "c", "names": ["c"]})
    for lineup, members in (
        ("a+b", "a=0.5000 b=0.5000"),
        ("a+b (fitted weights)", "b=0.7000 a=0.3000"),
        ("gone", "a=0.5000 gone=0.5000"),
        ("c", "c=1.0000"),
        ("from elsewhere", ""),
    ):
        add_entry(workspace, replace(make_entry(lineup, None), members=members))
    findings = find_all(workspace)
    found = by_name(findings)
    assert set(found) == {"a", "b", "c", "a+b"}, "the same members once, and no missing ones"
    assert found["a+b"].score == blend(runs[:2], load_labels(workspace)).score
    assert [each.candidate.name for each in findings.analyses] == ["a+b"]
    page = write_index(workspace, findings).read_text()
    assert "There is no blend" not in page


def test_a_line_up_with_a_missing_fold_is_none(workspace: Workspace) -> None:
    train(workspace, "stages")
    train(workspace, "stages-light", only_folds=(0, 2))
    assert set(by_name(find_all(workspace))) == {"stages", "stages-light"}


def test_pairs_are_compared_on_the_images_that_both_were_judged_on(told: Workspace) -> None:
    labels, findings = load_labels(told), find_all(told)
    names = [each.name for each in findings.compared]
    assert set(names) == {"standard", "stages", "stages-light", EVIL, "begun"}
    assert len(findings.pairs) == 10
    whole = ("stages", "stages-light", EVIL)
    wrong = {name: wrong_images(open_run(told, name), labels) for name in whole}
    for pair in findings.pairs:
        first, second = names[pair.first], names[pair.second]
        if first in wrong and second in wrong:
            one, other = wrong[first] - wrong[second], wrong[second] - wrong[first]
            assert set(pair.comparison.only_first_wrong.tolist()) == one
            assert set(pair.comparison.only_second_wrong.tolist()) == other
            expected = binomtest(len(one), len(one | other)).pvalue
            assert pair.comparison.p == pytest.approx(expected)
            assert pair.comparison.images == len(labels)
        if "begun" in (first, second):
            assert pair.comparison.images == sum(open_run(told, "begun").folds == 1)


def test_without_a_member_is_the_blend_of_the_others(workspace: Workspace) -> None:
    names = ("a", "b", "c")
    runs = [train(workspace, name, seed=seed) for seed, name in enumerate(names)]
    labels = load_labels(workspace)
    write_json(workspace.runs / "latest.json", {"label": "all", "names": list(names)})
    (analysis,) = find_all(workspace).analyses
    oof = {run.name: np.load(run.folder / "oof.npy") for run in runs}
    whole = set(np.flatnonzero(sum(oof.values()).argmax(axis=1) != labels).tolist())
    for member in analysis.members:
        others = sum(each for name, each in oof.items() if name != member.name)
        wrong = set(np.flatnonzero(others.argmax(axis=1) != labels).tolist())
        assert member.without.errors == len(wrong)
        assert set(member.comparison.only_first_wrong.tolist()) == whole - wrong
        assert set(member.comparison.only_second_wrong.tolist()) == wrong - whole
        assert member.weight == pytest.approx(1 / 3)
    fitted = blend(runs, labels, "fitted")
    assert {each.name: each.fitted_weight for each in analysis.members} == fitted.weights
    wrong_in_any = set.union(*(wrong_images(run, labels) for run in runs))
    assert sum(overlap.images for overlap in analysis.overlaps) == len(wrong_in_any)
    wrong_in_all = set.intersection(*(wrong_images(run, labels) for run in runs))
    assert set(analysis.all_wrong.tolist()) == wrong_in_all


def test_members_of_other_folds_have_no_fitted_weights_and_it_says_why(
    workspace: Workspace,
) -> None:
    train(workspace, "stages")
    count = len(load_labels(workspace))
    train(workspace, "stages-light", folds=(np.arange(count)[::-1] % 3).astype(np.int8), seed=1)
    (analysis,) = find_all(workspace).analyses
    assert analysis.fitted is None
    assert "different folds" in analysis.note
    write_index(workspace, find_all(workspace))
    assert "different folds" in (workspace.reports / "index.html").read_text()


def test_runs_of_other_data_are_kept_apart(told: Workspace) -> None:
    findings = find_all(told)
    assert by_name(findings)["elsewhere"].predictions is None
    assert "elsewhere" not in [each.name for each in findings.compared + findings.timed]
    assert findings.field.digits_of(open_run(told, "elsewhere")) is None
    assert findings.field.digits_of(open_run(told, "stages")) is not None


def test_without_data_there_is_still_the_table(workspace: Workspace) -> None:
    train_standard(workspace)
    shutil.rmtree(workspace.data)
    findings = find_all(workspace)
    assert set(by_name(findings)) == {"stages", "stages-light"}
    assert findings.pairs == []
    page = write_index(workspace, findings).read_text()
    assert "make download" in page
    assert "stages-light" in page


def test_a_damaged_run_is_told_of_and_the_others_are_there(workspace: Workspace) -> None:
    train(workspace, "good")
    train(workspace, "stale")
    broken = train(workspace, "broken")
    (broken.folder / "config.json").write_text("{")
    metrics = workspace.runs / "stale/metrics.json"
    metrics.write_text(re.sub(r'"errors": \d+', '"errors": 1', metrics.read_text(), count=1))
    findings = find_all(workspace)
    assert [each.name for each in findings.compared] == ["good"]
    assert "make train EXPERIMENTS=stale" in by_name(findings)["stale"].note
    assert any("broken is left out" in problem for problem in findings.field.problems)


def test_of_very_many_the_best_are_compared(workspace: Workspace) -> None:
    for seed in range(MOST + 2):
        train(workspace, f"run-{seed}", seed=seed)
    findings = find_all(workspace)
    assert findings.compared == findings.field.candidates[:MOST]
    assert len(findings.pairs) == MOST * (MOST - 1) // 2
    page = write_index(workspace, findings).read_text()
    assert f"The best {MOST} are compared; 2 more" in page
    assert len(page) < 5e6


# What is drawn


@pytest.mark.parametrize("count", [2, 6, 8, 20])
def test_in_the_plot_no_name_lies_on_another_and_no_line_crosses_one(
    workspace: Workspace, count: int
) -> None:
    train(workspace, "a")
    (one,) = find_all(workspace).timed
    random = np.random.default_rng(count)
    timed = [
        replace(
            one,
            name=f"a name of ${number}$",
            score=Score(int(random.integers(100, 300)), 42_000),
            seconds=float(random.uniform(300, 3000)),
        )
        for number in range(count)
    ]
    figure, is_numbered = draw_time_against_errors(timed)
    assert is_numbered == (count == 20)
    figure.draw_without_rendering()
    texts = figure.axes[0].texts
    numbers = [str(number) for number in range(1, count + 1)]
    names = numbers if is_numbered else [each.name for each in timed]
    assert {text.get_text() for text in texts} == set(names)
    boxes = [Text.get_window_extent(text) for text in texts]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    lines = [
        (place, text.arrow_patch.get_transform().transform_path(text.arrow_patch.get_path()))
        for place, text in enumerate(texts)
        if text.arrow_patch is not None
    ]
    assert bool(lines) == (count > 2)
    if not is_numbered:
        for place, line in lines:
            others = boxes[:place] + boxes[place + 1 :]
            assert not any(line.intersects_bbox(box, filled=False) for box in others)
        pairs = itertools.combinations(lines, 2)
        assert not any(one.intersects_path(other, filled=False) for (_, one), (_, other) in pairs)


# What is shown


def test_the_table_has_every_candidate_and_says_what_is_missing(
    page: Page, told: Workspace
) -> None:
    shown = {row[0]: row for row in rows_of(page.locator("#candidates"))}
    found = by_name(find_all(told))
    assert shown.keys() == found.keys()
    for name, each in found.items():
        counted = each.score.errors
        expected = binomtest(counted, each.score.images).proportion_ci(0.95, method="wilson")
        low, high = (round(each.score.images * end) for end in (expected.low, expected.high))
        assert shown[name][1] == f"{counted} of {each.score.images} ({low} to {high})"
        assert shown[name][2] == f"{100 * each.score.accuracy:.3f}\u00a0%"
    assert shown["begun"][3] == "only 1 of 3"
    assert shown["elsewhere"][7] == "other (aaaaaaaa)"
    assert shown["stages"][7] == "in data/"


def test_the_table_sorts_by_errors_both_ways(page: Page) -> None:
    def errors() -> list[int]:
        return [int(row[1].split()[0]) for row in rows_of(page.locator("#candidates"))]

    button = page.locator("#candidates").get_by_role("button", name="errors")
    button.click()
    assert errors() == sorted(errors())
    button.click()
    assert errors() == sorted(errors(), reverse=True)


def test_a_cell_shows_the_images_that_one_of_the_pair_gets_wrong(
    page: Page, told: Workspace
) -> None:
    labels, names = load_labels(told), [each.name for each in find_all(told).compared]
    first, second = sorted((names.index("stages"), names.index("stages-light")))
    page.locator(
        f"#matrix tbody tr:nth-child({first + 1}) td:nth-child({second + 2}) button"
    ).click()
    dialog = page.get_by_role("dialog")
    one = wrong_images(open_run(told, names[first]), labels)
    other = wrong_images(open_run(told, names[second]), labels)
    heading = dialog.get_by_role("heading").inner_text()
    assert heading.startswith(
        f"{names[first]} against {names[second]}: of {len(labels)} images {len(one - other)} "
    )
    captions = dialog.locator("figcaption").all_inner_texts()
    assert len(captions) == min(12, len(one - other)) + min(12, len(other - one))
    for caption in captions:
        told_label, row = map(int, re.match(r"label (\d), row (\d+)", caption).groups())  # type: ignore[union-attr]
        row -= 1  # people count from 1
        assert row in one ^ other
        assert told_label == labels[row]
        for name, wrong in ((names[first], one), (names[second], other)):
            said = int(re.search(rf"^{name} (\d)$", caption, re.MULTILINE)[1])  # type: ignore[index]
            assert (said != told_label) == (row in wrong)


def test_the_matrix_says_how_many_errors_more_the_row_makes(page: Page, told: Workspace) -> None:
    labels = load_labels(told)
    cells = rows_of(page.locator("#matrix"))
    names = [row[0].split(" ", 1)[1] for row in cells]
    errors = {name: len(wrong_images(open_run(told, name), labels)) for name in ("stages", EVIL)}
    shown = cells[names.index("stages")][names.index(EVIL) + 1]
    assert int(shown.replace("−", "-")) == errors["stages"] - errors[EVIL]
    turned = cells[names.index(EVIL)][names.index("stages") + 1]
    assert int(turned.replace("−", "-")) == errors[EVIL] - errors["stages"]


def test_names_lead_to_the_pages_of_the_runs_and_back(page: Page) -> None:
    for name in ("stages", EVIL):
        page.locator("#candidates").get_by_role("link", name=name, exact=True).click()
        page.wait_for_load_state("load")
        assert page.get_by_role("heading", level=1).inner_text() == name
        page.get_by_role("navigation").get_by_role("link", name="All runs").click()
        page.wait_for_load_state("load")
    assert page.locator("#candidates").get_by_role("link", name="standard").count() == 0


def test_the_best_is_said_with_its_interval_and_its_equals(page: Page, told: Workspace) -> None:
    best = find_all(told).best
    assert best
    lead = page.locator(".lead").inner_text()
    counted = f"{best.score.errors} errors of {best.score.images} images out of fold"
    assert f"{counted} (95\u00a0% interval {best.score.errors_interval})" in lead
    assert ("No significant difference" in lead) == bool(find_all(told).level)


def test_every_heading_of_a_table_has_words(told: Workspace) -> None:
    for path in told.reports.glob("*.html"):
        assert not re.findall(r"<th[^>]*>\s*</th>", path.read_text()), path.name


def test_it_fits_a_phone_and_both_kinds_of_light(tab: Page, told: Workspace) -> None:
    colours = set()
    for light in ("light", "dark"):
        tab.emulate_media(color_scheme=light)  # type: ignore[arg-type]
        tab.set_viewport_size(PHONE)  # type: ignore[arg-type]
        open_file(tab, told.reports / "index.html")
        tab.locator("summary").last.click()
        require_no_sideways_scrolling(tab)
        colours.add(tab.evaluate("getComputedStyle(document.querySelector('svg')).color"))
    assert len(colours) == 2


def test_members_and_overlaps_are_on_the_page(page: Page, told: Workspace) -> None:
    labels = load_labels(told)
    first, second = (
        wrong_images(open_run(told, name), labels) for name in ("stages", "stages-light")
    )
    overlaps = rows_of(page.locator(".overlaps"))
    assert [row[1] for row in overlaps] == [str(len(first ^ second)), str(len(first & second))]
    assert rows_of(page.locator(".shared"))[0][2].startswith(f"{len(first & second)} (")
    members = {row[0]: row for row in rows_of(page.locator(".members"))}
    # Of two, the blend without one is the other.
    assert members["stages"][4].startswith(f"{len(second)} (")
    assert members["stages-light"][4].startswith(f"{len(first)} (")


# The board


def make_entry(lineup: str, public: float | None, errors: int | None = 200) -> Entry:
    accuracy = None if errors is None else 1 - errors / 42_000
    return Entry(
        "2026-01-02T03:04:05+00:00", lineup, "a", "0" * 12, "abc", "kaggle", "f" * 64,
        errors, None if errors is None else 42_000, accuracy, "x.csv", "0" * 64,
        public_score=public,
    )  # fmt: skip


def test_public_scores_stand_beside_ours(tab: Page, workspace: Workspace) -> None:
    train(workspace, "a")
    for entry in (
        make_entry(EVIL, 0.9951),
        make_entry("no score", None),
        make_entry("b", 0.99, None),
    ):
        add_entry(workspace, entry)
    open_file(tab, write_index(workspace, find_all(workspace)))
    rows = rows_of(tab.locator("#submissions"))
    assert [row[1] for row in rows] == [EVIL, "b"]
    assert rows[0][2:] == ["99.524\u00a0% (99.45 to 99.59)", "0.99510", "−0.3"]
    assert rows[1][2:] == ["", "0.99000", ""]
    assert tab.locator("img.picture").evaluate("image => image.naturalWidth") > 100


def test_without_a_public_score_it_says_how_to_get_one(page: Page) -> None:
    section = page.locator("#public ~ p").first.inner_text()
    assert "No submission has a public score yet" in section
    assert "make submit" in section


def test_a_ledger_that_cannot_be_read_costs_only_its_section(workspace: Workspace) -> None:
    train(workspace, "a")
    workspace.submissions.mkdir(exist_ok=True)
    (workspace.submissions / "ledger.db").write_text("this is no database" * 99)
    page = write_index(workspace, find_all(workspace)).read_text()
    assert "cannot be used" in page


# As text


def test_markdown_has_the_same_figures_and_escapes_names(told: Workspace) -> None:
    findings = find_all(told)
    text = format_findings(findings)
    found = by_name(findings)
    assert f"| standard | {found['standard'].score.percentage} |" in text
    assert "only 1 of 3" in text
    assert "\\<img src=x" in text
    assert '& "\\|"' in text.replace("\\&", "&")
    for line in text.splitlines():
        if line.startswith("| "):
            cells = re.split(r"(?<!\\)\|", line)
            assert len(cells) in (9, 5), line
