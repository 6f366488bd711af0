"""`make compare`: submissions side by side, on the terminal and as reports/compare.html.

In: words that name submissions. Out: a table, sentences, and a page with the images. What always
holds: the answers of the test part, where a source knows them, are not used.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from digit_recognizer.data.dataset import Digits, load_test, load_train
from digit_recognizer.pages.page import find_links, print_points, render
from digit_recognizer.pages.pictures import digit_uri
from digit_recognizer.report.compare_page.differences import (
    Difference,
    bound,
    compare_labels,
    group_alike,
    list_divided,
)
from digit_recognizer.report.compare_page.sources import Submission, find_submissions
from digit_recognizer.report.index_page.wording import relate_p
from digit_recognizer.runs.blend import Blend
from digit_recognizer.scores import LEVEL, compare, format_percent
from digit_recognizer.workspace import Workspace, write_file

_TEMPLATE = Path(__file__).with_name("compare.html")
_PAGE = "compare.html"
_MOST_TILES = 240
_MOST_PAIRS = 6  # of more, only the extremes are told in sentences
_KINDS_PRINTED = 5
_NAME = 20  # characters of a name in one line, at least
_ENDLESS = 100_000


@dataclass(frozen=True)
class Tile:
    uri: str
    image_id: int
    said: list[tuple[str, int, float | None]]  # who, which digit, its probability where known

    @property
    def kind(self) -> str:
        return "-".join(str(digit) for _, digit, _ in self.said)


def compare_submissions(workspace: Workspace, words: list[str], console: Console) -> Path:
    train, test = load_train(workspace), load_test(workspace)
    submissions = find_submissions(workspace, words, train, test)
    differences = compare_labels([each.labels for each in submissions])
    order, groups = group_alike(differences, len(submissions))
    divided = _choose_order(submissions)
    assert train.labels is not None
    if len(submissions) == 2:
        points = describe_pair(differences[0], submissions, train.labels)
    elif len(differences) <= _MOST_PAIRS:
        points = [describe_shortly(each, submissions, train.labels) for each in differences]
    else:
        by_count = sorted(differences, key=lambda difference: difference.count)
        points = [
            f"{what}: {describe_shortly(each, submissions, train.labels)}"
            for what, each in (("Most alike", by_count[0]), ("Least alike", by_count[-1]))
        ]
    if len(groups) > 1:
        points.append(_describe_groups(groups, submissions))
    _print(submissions, differences, points, console)
    path = workspace.reports / _PAGE
    tiles = [_make_tile(int(image), submissions, test) for image in divided[:_MOST_TILES]]
    page = render(
        _TEMPLATE,
        links=find_links(workspace.reports, _PAGE),
        submissions=submissions,
        differences=differences,
        points=points,
        order=order,
        square={(each.first, each.second): each for each in differences},
        tiles=tiles,
        divided=len(divided),
        images=len(test),
    )
    write_file(path, page.encode())
    console.print(f"Written: {workspace.show(path)}, with the images.")
    return path


def describe_pair(
    difference: Difference, submissions: list[Submission], labels: np.ndarray
) -> list[str]:
    """Return in sentences what follows from two submissions' difference."""
    first, second = submissions[difference.first], submissions[difference.second]
    names, n = f"{first.name} and {second.name}", difference.count
    if not n:
        return [f"{names} have the same labels."]
    told = [
        f"{names} differ in {n:,} of {difference.of:,} labels "
        f"({format_percent(difference.most_of_score, 2)}), so their scores over all test images "
        f"differ by {difference.most_of_score:.5f} at most."
    ]
    if first.public_score is not None and second.public_score is not None:
        told.append(_describe_public(difference, first, second))
    needed = difference.needed
    told.append(
        f"To be significantly better (p < {LEVEL:g}), one of them must have at least {needed:,} of "
        f"the {n:,} differing labels right, if each time one of the two is right."
        if needed
        else f"{n} differing label{'s are' if n > 1 else ' is'} too few for either to be "
        "significantly better, whichever is right."
    )
    if first.blend and second.blend:
        p = _compare_out_of_fold(first.blend, second.blend, labels)
        told.append(
            f"Out of fold, {first.name} makes {first.blend.score.errors:,} errors and "
            f"{second.name} {second.blend.score.errors:,} of {len(labels):,}; the difference is "
            f"{'' if p < LEVEL else 'not '}significant (p {relate_p(p)})."
        )
    return told


def describe_shortly(
    difference: Difference, submissions: list[Submission], labels: np.ndarray
) -> str:
    """Return the main figures of one pair among several."""
    first, second = submissions[difference.first], submissions[difference.second]
    n = difference.count
    told = f"{first.name} and {second.name}: "
    told += f"{n:,} label{'s differ' if n != 1 else ' differs'}" if n else "the same labels"
    if n:
        told += f", scores at most {difference.most_of_score:.5f} apart"
    if first.blend and second.blend:
        p = _compare_out_of_fold(first.blend, second.blend, labels)
        told += f"; out of fold p {relate_p(p)}"
    return f"{told}."


def _compare_out_of_fold(first: Blend, second: Blend, labels: np.ndarray) -> float:
    return compare(*(each.oof.argmax(axis=1) != labels for each in (first, second))).p


def _describe_public(difference: Difference, first: Submission, second: Submission) -> str:
    assert first.public_score is not None and second.public_score is not None
    told = f"Public scores: {first.public_score:.5f} and {second.public_score:.5f}."
    bounds = bound(difference, first.public_score, second.public_score)
    if not bounds.is_possible:
        return (
            f"{told} They differ by more than these labels can over all test images, so the board "
            "counts a part of them."
        )
    lead = (
        "both have equally many right"
        if not bounds.lead
        else f"{(first if bounds.lead > 0 else second).name} has {abs(bounds.lead):,} more right"
    )
    (low, high), (other_low, other_high) = bounds.first, bounds.second
    return (
        f"{told} If the board counts all test images, {lead}: of the differing labels "
        f"{first.name} has {low:,} to {high:,} right, {second.name} {other_low:,} to "
        f"{other_high:,}."
    )


def _describe_groups(groups: list[list[int]], submissions: list[Submission]) -> str:
    named = [", ".join(submissions[place].name for place in group) for group in groups]
    return f"By how often they differ, they form {len(groups)} groups: {'; '.join(named)}."


def _choose_order(submissions: list[Submission]) -> np.ndarray:
    """Return the divided images, the most undecided first where probabilities are known."""
    divided = list_divided([each.labels for each in submissions])
    known = [each.probabilities for each in submissions if each.probabilities is not None]
    if not known:
        return divided
    sure = np.mean([each[divided].max(axis=1) for each in known], axis=0)
    ordered: np.ndarray = divided[np.argsort(sure, kind="stable")]
    return ordered


def _make_tile(image: int, submissions: list[Submission], test: Digits) -> Tile:
    said = []
    for each in submissions:
        digit = int(each.labels[image])
        known = each.probabilities
        said.append((each.name, digit, None if known is None else float(known[image, digit])))
    return Tile(digit_uri(test.images[image]), image + 1, said)


def _print(
    submissions: list[Submission],
    differences: list[Difference],
    points: list[str],
    console: Console,
) -> None:
    table = _tabulate(submissions, differences)
    shortened = [replace(each, name=each.name[:_NAME]) for each in submissions]
    endless = console.options.update(max_width=_ENDLESS)
    needed = Measurement.get(console, endless, _tabulate(shortened, differences)).maximum
    if needed > console.width:
        # Many columns would leave the names no room. The sentences below have the counts, too.
        table = _tabulate(submissions, [])
    console.print(table)
    print_points(points, console)
    if len(submissions) == 2 and differences[0].count:
        kinds = differences[0].kinds
        told = ", ".join(f"{one} or {other} ({n:,})" for one, other, n in kinds[:_KINDS_PRINTED])
        more = f" and {len(kinds) - _KINDS_PRINTED} more kinds" * (len(kinds) > _KINDS_PRINTED)
        print_points(
            [f"Most often, by {submissions[0].name} or {submissions[1].name}: {told}{more}."],
            console,
        )


def _tabulate(submissions: list[Submission], differences: list[Difference]) -> Table:
    """Return a row for each submission, with columns of counts where there are differences."""
    table = Table(title="Submissions", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("name", overflow="fold")
    for heading in ("out of fold", "public"):
        table.add_column(heading, justify="right", no_wrap=True)
    if differences:
        for number in range(1, len(submissions)):
            table.add_column(f"!= {number}", justify="right", no_wrap=True)
    square = {(each.first, each.second): each.count for each in differences}
    for place, each in enumerate(submissions):
        counts = [f"{square[other, place]:,}" for other in range(place)] if differences else []
        table.add_row(
            str(place + 1),
            escape(each.name),
            describe_out_of_fold(each),
            "" if each.public_score is None else f"{each.public_score:.5f}",
            *counts,
        )
    return table


def describe_out_of_fold(submission: Submission) -> str:
    score = submission.blend.score if submission.blend else None
    score = score or (submission.entry.out_of_fold if submission.entry else None)
    return f"{score.errors:,} of {score.images:,}" if score else ""
