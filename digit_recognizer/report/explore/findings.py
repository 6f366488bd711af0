"""Everything that the page on the data shows, and its main points in a sentence each.

In: a workspace with data. Out: `Findings`. What always holds: everything is computed here, so that
a template only shows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train, read_source
from digit_recognizer.report.explore.classes import ClassCount, Look, count_classes, look_at_classes
from digit_recognizer.report.explore.drift import Drift, measure_drift
from digit_recognizer.report.explore.duplicates import Duplicates, Pool, find_duplicates
from digit_recognizer.report.explore.embedding import Plane, embed
from digit_recognizer.report.explore.ink import (
    InkPlaces,
    Intensities,
    amount_of_ink,
    find_ink,
    measure_intensities,
)
from digit_recognizer.report.explore.neighbours import Neighbours, Pair, find_neighbours
from digit_recognizer.report.label_errors import Judgement, NoJudgement, judge_labels
from digit_recognizer.scores import format_percent
from digit_recognizer.workspace import Workspace


@dataclass(frozen=True)
class PartInk:
    """What is known of the ink of train or of test."""

    intensities: Intensities
    amounts: np.ndarray
    places: InkPlaces | None


@dataclass(frozen=True)
class Findings:
    source: dict[str, Any]
    fingerprint: str
    pool: Pool
    counts: list[ClassCount]
    looks: list[Look]
    train_ink: PartInk
    test_ink: PartInk
    drift: Drift | None
    duplicates: Duplicates
    neighbours: Neighbours
    plane: Plane | None
    judgement: Judgement | NoJudgement

    @property
    def labels(self) -> np.ndarray:
        return self.pool.labels

    @property
    def conflicting_pairs(self) -> list[Pair]:
        return [
            pair for pair in self.neighbours.pairs if self.pool.conflict([pair.one, pair.other])
        ]


def explore(workspace: Workspace, console: Console | None = None) -> Findings:
    source = read_source(workspace)
    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    pool = Pool.of(train, test)
    duplicates = find_duplicates(pool)
    copies = {image for group in duplicates.groups for image in group[1:]}
    return Findings(
        source=source,
        fingerprint=fingerprint_of(train, test),
        pool=pool,
        counts=count_classes(train.labels),
        looks=look_at_classes(train.images, train.labels),
        train_ink=_measure_ink(train.images),
        test_ink=_measure_ink(test.images),
        drift=measure_drift(train.images, test.images),
        duplicates=duplicates,
        neighbours=find_neighbours(pool.images, left_out=copies),
        plane=embed(train.images),
        judgement=judge_labels(workspace, train, test, console),
    )


def list_main_points(findings: Findings) -> list[str]:
    """Return the main points, most basic first."""
    least = min(findings.counts, key=lambda count: count.images)
    most = max(findings.counts, key=lambda count: count.images)
    duplicates, pairs = findings.duplicates, findings.neighbours.pairs
    points = [
        f"{len(findings.labels):,} labelled and "
        f"{len(findings.pool.images) - len(findings.labels):,} test images. Each digit has between "
        f"{format_percent(least.share, 1)} ({least.digit}) and {format_percent(most.share, 1)} "
        f"({most.digit}) of the labelled images; an even split would be 10.0 %.",
        f"{format_percent(findings.train_ink.intensities.empty, 1)} of all training pixels are 0"
        + (
            f", and {int(findings.train_ink.places.never.sum())} of the 784 are 0 in every "
            "training image."
            if findings.train_ink.places
            else "."
        ),
    ]
    if findings.drift:
        points.append(
            f"Training against test images: a classifier {findings.drift.verdict} (AUC "
            f"{findings.drift.auc:.3f}, standard error {findings.drift.standard_error:.3f}; by "
            "chance 0.5)."
        )
    points.append(
        f"Exact copies: {_tell(len(duplicates.groups), 'group', len(duplicates.conflicting))}."
    )
    more = "" if findings.neighbours.is_complete else "at least "
    points.append(
        f"Near copies: {more}{_tell(len(pairs), 'pair', len(findings.conflicting_pairs))}."
    )
    match findings.judgement:
        case Judgement(suspects=suspects, names=names):
            points.append(
                f"{_number(len(suspects), 'label')} of {len(findings.labels):,} "
                f"{'is' if len(suspects) == 1 else 'are'} suspected to be wrong by "
                f"{', '.join(names)}."
            )
        case NoJudgement():
            points.append("Suspected label errors are known only after a run: `make train`.")
    return points


def _measure_ink(images: np.ndarray) -> PartInk:
    return PartInk(measure_intensities(images), amount_of_ink(images), find_ink(images))


def _tell(count: int, noun: str, conflicting: int) -> str:
    if not count:
        return "none"
    return f"{_number(count, noun)}, {conflicting or 'none':{',' if conflicting else ''}} " + (
        "with labels that contradict each other"
    )


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
