"""What a blend consists of, and what each member adds to it.

In: a line-up with its blend, and the labels. Out: its weights, where its members fail together,
and what it scores without each. What always holds: every score is of images that no weight was
fitted on.
"""

from dataclasses import dataclass

import numpy as np

from digit_recognizer.report.index_page.candidates import Candidate
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
class Overlap:
    """Images that so many of the members get wrong."""

    members: int
    images: int
    blend_right: int


@dataclass(frozen=True)
class BlendAnalysis:
    """What a blend consists of."""

    candidate: Candidate
    members: list[Member]
    fitted: Blend | None
    note: str  # why there are no fitted weights
    overlaps: list[Overlap]
    shared: np.ndarray
    jaccard: np.ndarray
    votes: np.ndarray  # (members, images): the digit that each says
    all_wrong: np.ndarray  # rows, those that the blend is surest of first


def analyse_blend(candidate: Candidate, labels: np.ndarray) -> BlendAnalysis:
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
    return BlendAnalysis(
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


def count_overlaps(wrong: np.ndarray, blend_wrong: np.ndarray) -> list[Overlap]:
    """Return them for one member, two, ... all; `wrong` is (members, images)."""
    by_image = wrong.sum(axis=0)
    return [
        Overlap(members, int(those.sum()), int((those & ~blend_wrong).sum()))
        for members in range(1, len(wrong) + 1)
        for those in [by_image == members]
    ]


def count_shared(wrong: np.ndarray) -> np.ndarray:
    """Return (members, members): how many images both get wrong."""
    counts = wrong.astype(np.int64)
    shared: np.ndarray = counts @ counts.T
    return shared


def jaccard(wrong: np.ndarray) -> np.ndarray:
    """Return (members, members): the part of the images wrong in either that is wrong in both."""
    shared = count_shared(wrong)
    own = np.diag(shared)
    either = own[:, None] + own - shared
    # Two that make no error at all fail on the very same images.
    return np.where(either == 0, 1.0, shared / np.maximum(either, 1))
