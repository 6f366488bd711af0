"""Write the page on the data, `reports/data.html`.

In: `data/`, and the runs trained last where there are any. Out: `reports/data.html`, and its main
points on the terminal. What always holds: the same data and runs give the same bytes, and what is
too much to show is counted.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from digit_recognizer.pages.page import find_links, print_points, render
from digit_recognizer.pages.pictures import digit_uri
from digit_recognizer.report.explore import plots
from digit_recognizer.report.explore.findings import Findings, explore, list_main_points
from digit_recognizer.report.label_errors import Judgement
from digit_recognizer.workspace import Workspace, sweep_temporaries, write_file

_PAGE = "data.html"
_TEMPLATE = Path(__file__).with_name(_PAGE)
_GROUPS_SHOWN = 24
_OF_A_GROUP_SHOWN = 6
_PAIRS_SHOWN = 24
_SUSPECTED_SHOWN = 60


@dataclass(frozen=True)
class Copy:
    """One of some images that are the same or nearly so."""

    picture: str
    part: str
    row: int
    label: int | None


def write_exploration(workspace: Workspace, console: Console) -> None:
    started = time.perf_counter()
    findings = explore(workspace, console)
    points = list_main_points(findings)
    links = find_links(workspace.reports, _PAGE)
    page = render(_TEMPLATE, links=links, points=points, **_show(findings)).encode()
    path = workspace.reports / _PAGE
    sweep_temporaries(workspace.reports)
    write_file(path, page)
    print_points(points, console)
    console.print(
        f"Written: {escape(workspace.show(path))}, {len(page) / 1e6:.1f} MB in "
        f"{time.perf_counter() - started:.0f} s."
    )


def _show(findings: Findings) -> dict[str, Any]:
    """Return what the template names."""
    labels, train, test = findings.labels, findings.train_ink, findings.test_ink
    judgement = findings.judgement
    conflicting = findings.conflicting_pairs
    rest = [pair for pair in findings.neighbours.pairs if pair not in set(conflicting)]
    pairs = [*conflicting, *rest][:_PAIRS_SHOWN]
    groups = findings.duplicates.groups
    groups = sorted(groups, key=lambda group: not findings.pool.conflict(group))[:_GROUPS_SHOWN]
    return {
        "findings": findings,
        "train_rows": len(labels),
        "test_rows": len(findings.pool.images) - len(labels),
        "counts_plot": plots.draw_counts(findings.counts),
        "looks": [
            {
                "digit": look.digit,
                "samples": [
                    (image + 1, digit_uri(findings.pool.images[image])) for image in look.images
                ],
                "mean": digit_uri(look.mean),
                "spread": digit_uri(look.spread),
            }
            for look in findings.looks
        ],
        "intensities_plot": plots.draw_intensities(train.intensities, test.intensities),
        "amounts_plot": plots.draw_amounts(train.amounts, test.amounts),
        "amounts_per_digit_plot": plots.draw_amounts_per_digit(train.amounts, labels),
        "places_plot": plots.draw_places(train.places) if train.places else None,
        "only_in_test": _count_only_in_test(findings),
        "groups": [
            [_copy(findings, image) for image in group[:_OF_A_GROUP_SHOWN]] for group in groups
        ],
        "group_sizes": [len(group) for group in groups],
        "pairs": [(pair, _copy(findings, pair.one), _copy(findings, pair.other)) for pair in pairs],
        "conflicting_pairs": len(conflicting),
        "pairs_by_parts": _count_by_parts(findings),
        "plane_plot": plots.draw_plane(findings.plane, labels) if findings.plane else None,
        "is_judged": isinstance(judgement, Judgement),
        "suspects": [
            (suspect, digit_uri(findings.pool.images[suspect.image]), suspect.image + 1)
            for suspect in judgement.suspects[:_SUSPECTED_SHOWN]
        ]
        if isinstance(judgement, Judgement)
        else [],
    }


def _copy(findings: Findings, image: int) -> Copy:
    pool = findings.pool
    return Copy(
        digit_uri(pool.images[image]),
        pool.part_of(image),
        pool.row_of(image),
        pool.label_of(image),
    )


def _count_only_in_test(findings: Findings) -> int:
    """Return how many pixels have ink in a test image and in no training image."""
    train, test = findings.train_ink.places, findings.test_ink.places
    return int((train.never & ~test.never).sum()) if train and test else 0


def _count_by_parts(findings: Findings) -> dict[str, int]:
    """Return how many near copies are within train, within test and across."""
    counts = {"within train": 0, "within test": 0, "across": 0}
    for pair in findings.neighbours.pairs:
        one, other = findings.pool.part_of(pair.one), findings.pool.part_of(pair.other)
        counts[f"within {one}" if one == other else "across"] += 1
    return counts
