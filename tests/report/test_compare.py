"""Submissions side by side: what is counted is there, and nothing is said that does not follow."""

import io
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page
from rich.console import Console

from digit_recognizer.compete.ledger import list_entries, update_entry
from digit_recognizer.compete.submit import submit
from digit_recognizer.data.answers import format_answers
from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.report.compare_page.differences import (
    Difference,
    bound,
    compare_labels,
    group_alike,
    list_divided,
)
from digit_recognizer.report.compare_page.sources import Submission, find_submissions
from digit_recognizer.report.compare_page.write import compare_submissions
from digit_recognizer.runs.folder import open_run
from digit_recognizer.scores import exact_p
from digit_recognizer.workspace import ProjectError, Workspace
from tests.browser import PHONE, open_file, require_no_sideways_scrolling
from tests.commands import run
from tests.report.made_up_field import train

RANDOM = np.random.default_rng(0)
ONE, OTHER, THIRD = RANDOM.integers(0, 10, (3, 200))


# What follows


def test_every_difference_is_counted_once() -> None:
    found = compare_labels([ONE, OTHER, THIRD])
    assert [(each.first, each.second) for each in found] == [(0, 1), (0, 2), (1, 2)]
    first = found[0]
    assert first.images.tolist() == [i for i in range(200) if ONE[i] != OTHER[i]]
    assert sum(count for _, _, count in first.kinds) == first.count == np.sum(first.counts)
    assert all(first.counts[digit][digit] == 0 for digit in range(10))
    (turned,) = compare_labels([OTHER, ONE])
    assert np.array_equal(np.transpose(turned.counts), first.counts)
    (same,) = compare_labels([ONE, ONE])
    assert same.count == 0 and same.needed is None


@pytest.mark.parametrize("n", range(1, 40))
def test_so_many_must_be_right_to_be_significantly_better(n: int) -> None:
    difference = Difference(0, 1, np.arange(n), [], 100)
    enough = [right for right in range(n + 1) if right > n / 2 and exact_p(right, n - right) < 0.05]
    assert difference.needed == (min(enough) if enough else None)


@pytest.mark.parametrize(("n", "of"), [(1, 20), (4, 20), (5, 30)])
def test_bounds_are_those_of_all_that_is_possible(n: int, of: int) -> None:
    difference = Difference(0, 1, np.arange(n), [], of)
    # Each differing label is right for the first, for the second or for neither.
    for lead in range(-n, n + 1):
        possible = [
            (truth.count("first"), truth.count("second"))
            for truth in itertools.product(("first", "second", "neither"), repeat=n)
            if truth.count("first") - truth.count("second") == lead
        ]
        found = bound(difference, 0.5 + lead / of, 0.5)
        assert found.lead == lead
        assert found.is_possible
        assert found.first == (min(x for x, _ in possible), max(x for x, _ in possible))
        assert found.second == (min(y for _, y in possible), max(y for _, y in possible))
    assert not bound(difference, 0.5 + (n + 1) / of, 0.5).is_possible


def test_similar_submissions_lie_side_by_side_and_form_a_group() -> None:
    def change(labels: np.ndarray, count: int) -> np.ndarray:
        changed = labels.copy()
        changed[RANDOM.choice(len(labels), count, replace=False)] += 1
        return changed % 10

    labels = [ONE, OTHER, change(ONE, 3), change(OTHER, 3), change(ONE, 4)]
    order, groups = group_alike(compare_labels(labels), len(labels))
    assert sorted(map(sorted, groups)) == [[0, 2, 4], [1, 3]]
    assert [place for group in groups for place in group] == order
    divided = list_divided(labels)
    assert set(divided) == {i for i in range(200) if len({each[i] for each in labels}) > 1}


# What can be named


@pytest.fixture(scope="module")
def home(_installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with two runs and a submission of each and of both; only to be read."""
    root = tmp_path_factory.mktemp("compare") / "work space"
    shutil.copytree(_installed, root)
    workspace = Workspace(root)
    for seed, name in ((1, "first"), (2, "second")):
        train(workspace, name, skill=0.8, seed=seed)
    both = ["first", "second"]
    for names, weights in ((both[:1], "equal"), (both[1:], "equal"), (both, "fitted")):
        quiet = Console(file=io.StringIO())
        submit(workspace, None, names, weights, None, "no", False, 1, quiet)
    for entry, score in zip(list_entries(workspace), (0.9, 0.95), strict=False):
        update_entry(workspace, entry, public_score=score, status="complete")
    return workspace


def find(home: Workspace, *words: str) -> list[Submission]:
    return find_submissions(home, list(words), load_train(home), load_test(home))


def test_files_rows_and_runs_are_the_same_submission(home: Workspace, tmp_path: Path) -> None:
    entries = list_entries(home)
    path = home.submissions / entries[0].file
    elsewhere = tmp_path / "a.csv"
    shutil.copy(path, elsewhere)
    found = find(home, str(elsewhere), path.stem, "first")
    for each in found:
        assert np.array_equal(each.labels, open_run(home, "first").load_test().argmax(axis=1))
        assert each.probabilities is not None
        assert np.array_equal(each.probabilities, found[0].probabilities)  # type: ignore[arg-type]
    assert [each.public_score for each in found] == [0.9, 0.9, None]
    (newest, other) = find(home)[::-1]
    assert (newest.entry, other.entry) == (entries[2], entries[1])
    assert newest.blend is not None, "fitted weights are found again"
    assert list(newest.blend.members) == ["first", "second"]


def test_a_file_that_nothing_is_known_of_has_labels_alone(home: Workspace, tmp_path: Path) -> None:
    labels = np.zeros(len(load_test(home)), int)
    rows = format_answers(labels).decode().splitlines()
    (tmp_path / "b.csv").write_text("\n".join([rows[0], *rows[:0:-1]]) + "\n")  # last image first
    found = find(home, "first", str(tmp_path / "b.csv"))[1]
    assert not found.labels.any()
    assert found.entry is None and found.blend is None


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        ("ImageId,Label\n1,2\n", "1 rows that are not ImageId 1 to 60"),
        ("Id,Label\n1,2\n", "begins with 'Id,Label'"),
        ("ImageId,Label\n" + "".join(f"{i},3\n" for i in range(60)), "60 rows that are not"),
        ("ImageId,Label\n1,x\n", "row 1 (line 2)"),
    ],
)
def test_a_file_of_something_else_is_refused_by_its_name(
    home: Workspace, tmp_path: Path, contents: str, told: str
) -> None:
    path = tmp_path / "c.csv"
    path.write_text(contents)
    with pytest.raises(ProjectError) as refused:
        find(home, "first", str(path))
    assert str(refused.value).startswith(str(path))
    assert told in str(refused.value)


def test_unknown_names_and_too_few_are_answered_with_what_there_is(home: Workspace) -> None:
    for words, told in (
        (["first", "fist"], "Did you mean first?"),
        (["first"], "two submissions at least"),
        (["first", "first"], "named twice"),
        (["first", "gone/x.csv"], "is no file. There are: "),
    ):
        with pytest.raises(ProjectError, match=told.replace("?", r"\?")):
            find(home, *words)
    changed = home.submissions / list_entries(home)[0].file
    before = changed.read_bytes()
    changed.write_bytes(before[:-2] + (b"1\n" if before[-2:] != b"1\n" else b"2\n"))
    try:
        with pytest.raises(ProjectError, match="was changed since"):
            find(home, "first", changed.stem)
    finally:
        changed.write_bytes(before)


# What is shown


def test_the_command_prints_and_writes_what_follows(home: Workspace) -> None:
    done = run(home, "compare")
    assert done.returncode == 0, done.stdout
    told = " ".join(done.stdout.split())
    second, both = find(home)
    n = int((second.labels != both.labels).sum())
    assert f"differ in {n} of 60 labels" in told
    assert "of the" in told and "differing labels right" in told
    assert "Out of fold" in told

    third = run(home, "compare", "--files", "first", "second", "--", "x")
    assert third.returncode == 2
    nothing = run(Workspace(home.root / "nowhere"), "compare")
    assert nothing.returncode == 1
    assert "make download" in nothing.stdout


def test_public_scores_bound_what_each_has_right(home: Workspace) -> None:
    rows = [Path(entry.file).stem for entry in list_entries(home)[:2]]
    output = io.StringIO()
    compare_submissions(home, rows, Console(file=output, width=400))
    first, second = find(home, *rows)
    (difference,) = compare_labels([first.labels, second.labels])
    low, high = bound(difference, 0.9, 0.95).second
    assert f"{second.name} has 3 more right" in output.getvalue()
    assert f"{second.name} {low} to {high}." in output.getvalue()


@pytest.mark.parametrize("count", [2, 5, 12])
def test_names_can_be_read_at_80_columns(home: Workspace, tmp_path: Path, count: int) -> None:
    names = []
    for place in range(count):
        labels = np.zeros(len(load_test(home)), int)
        labels[: place + 1] = 1
        path = tmp_path / f"{place:02}.csv"
        path.write_bytes(format_answers(labels))
        names.append(str(path))
    output = io.StringIO()
    compare_submissions(home, names, Console(file=output, width=80, soft_wrap=True))
    table = output.getvalue().split("- ")[0]
    assert max(map(len, table.splitlines())) <= 80
    # A long name takes several lines, each of at least 20 characters.
    rows = [line for line in table.splitlines() if line.split()[:1] == [str(count)]]
    assert len(rows) == 1
    assert rows[0].split()[1] in names[-1] and len(rows[0].split()[1]) >= 20
    assert ("!= 1" in table) == (count < 12)


def test_what_is_needed_is_said_with_its_condition(home: Workspace, tmp_path: Path) -> None:
    """Where neither label is right, fewer right ones are enough: 6 to 0 of 49 is significant."""
    assert exact_p(0, 6) < 0.05
    names = []
    for label in (0, 1):
        path = tmp_path / f"{label}.csv"
        path.write_bytes(format_answers(np.full(len(load_test(home)), label)))
        names.append(str(path))
    output = io.StringIO()
    compare_submissions(home, names, Console(file=output, width=400))
    assert "differing labels right, if each time one of the two is right." in output.getvalue()


def test_the_page_shows_every_image_that_differs(tab: Page, home: Workspace) -> None:
    compare_submissions(home, ["first", "second"], Console(file=io.StringIO()))
    first, second = find(home, "first", "second")
    n = int((first.labels != second.labels).sum())
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        open_file(tab, home.reports / "compare.html")
        assert tab.locator("main .tile").count() == n
    button = tab.locator("table.matrix button").first
    title = button.get_attribute("title")
    assert title is not None
    button.click()
    assert tab.locator("dialog .tile").count() == int(title.split()[-2])
    tab.keyboard.press("Escape")
    tab.set_viewport_size(PHONE)
    require_no_sideways_scrolling(tab)

    words = ["first", "second", *(Path(entry.file).stem for entry in list_entries(home))]
    compare_submissions(home, words, Console(file=io.StringIO()))
    open_file(tab, home.reports / "compare.html")
    require_no_sideways_scrolling(tab)
    cells = tab.locator("#matrix + p + .wide td").all_inner_texts()
    assert sorted(filter(None, cells))[0] == "0", "a run and its own submission are the same"
