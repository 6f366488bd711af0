"""What a blend consists of, and what each member adds to it.

In: a line-up with its blend, and the labels. Out: its weights, where its members fail together,
and what it scores without each. What always holds: every score is of images that no weight was
fitted on.
"""

from dataclasses import dataclass

import numpy as np

from digit_recognizer.report.index_page.candidates import Candidate
from digit_recognizer.report.index_page.comparison import (
    Overlap,
    count_overlaps,
    count_shared,
    jaccard,
)
from digit_recognizer.runs.blend import Blend, blend
from digit_recognizer.scores import Comparison, Score, compare
from digit_recognizer.workspace import ProjectError


@dataclass(frozen=True)
class Member:
    name: str
    score: Score
    weight: float
    fitted_weight: float | None
    without: Score  # the blend of the others
    comparison: Comparison  # the whole blend first, that of the others second


@dataclass(frozen=True)
class Anatomy:
    """A blend taken apart."""

    candidate: Candidate
    members: list[Member]
    fitted: Blend | None
    note: str  # why there are no fitted weights
    overlaps: list[Overlap]
    shared: np.ndarray
    jaccard: np.ndarray
    votes: np.ndarray  # (members, images): the digit that each says
    all_wrong: np.ndarray  # rows, those that the blend is surest of first


def take_apart(candidate: Candidate, labels: np.ndarray) -> Anatomy:
    runs, whole, predictions = list(candidate.runs), candidate.blend, candidate.predictions
    assert whole and predictions
    fitted, note = None, ""
    try:
        fitted = blend(runs, labels, "fitted")
    except ProjectError as error:
        note = str(error)
    votes = np.stack([run.load_oof().argmax(axis=1) for run in runs])
    wrong = votes != labels
    members = []
    for run in runs:
        others = blend([other for other in runs if other is not run], labels)
        comparison = compare(predictions.wrong, others.oof.argmax(axis=1) != labels)
        members.append(
            Member(
                name=run.name,
                score=whole.members[run.name],
                weight=whole.weights[run.name],
                fitted_weight=fitted.weights[run.name] if fitted else None,
                without=others.score,
                comparison=comparison,
            )
        )
    all_wrong = np.flatnonzero(wrong.all(axis=0))
    surest = np.argsort(-predictions.confidence[all_wrong], kind="stable")
    return Anatomy(
        candidate=candidate,
        members=members,
        fitted=fitted,
        note=note,
        overlaps=count_overlaps(wrong, predictions.wrong),
        shared=count_shared(wrong),
        jaccard=jaccard(wrong),
        votes=votes,
        all_wrong=all_wrong[surest],
    )
