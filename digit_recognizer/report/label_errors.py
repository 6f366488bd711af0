"""Find labels that may be wrong.

In: labels and out-of-fold probabilities, or the runs trained last. Out: the suspected labels, the
most suspicious first. What always holds: a label is suspected only by networks that were not
trained on its image, and only if another digit gets at least the probability that this digit's own
images get on average (confident learning: Northcutt, Jiang and Chuang, 2021).
"""

from dataclasses import dataclass

import numpy as np
from rich.console import Console

from digit_recognizer.data.dataset import Digits, fingerprint_of
from digit_recognizer.runs.blend import blend
from digit_recognizer.runs.folder import open_run
from digit_recognizer.runs.selection import choose_trained
from digit_recognizer.scores import Score
from digit_recognizer.workspace import ProjectError, Workspace


@dataclass(frozen=True)
class SuspectedLabel:
    image: int  # its row
    label: int
    proposed: int
    label_probability: float
    proposed_probability: float

    @property
    def margin(self) -> float:
        return self.proposed_probability - self.label_probability


def find_suspected_labels(labels: np.ndarray, probabilities: np.ndarray) -> list[SuspectedLabel]:
    own = probabilities[np.arange(len(labels)), labels]
    present = np.unique(labels)
    # Nothing is ever proposed that no image is labelled as.
    usual = np.full(probabilities.shape[1], np.inf)
    usual[present] = [own[labels == digit].mean() for digit in present]
    proposed = np.where(probabilities >= usual, probabilities, -1.0).argmax(axis=1)
    strength = probabilities[np.arange(len(labels)), proposed]
    is_suspect = (strength >= usual[proposed]) & (proposed != labels) & (strength > own)
    suspects = [
        SuspectedLabel(
            int(image),
            int(labels[image]),
            int(proposed[image]),
            float(own[image]),
            float(strength[image]),
        )
        for image in np.flatnonzero(is_suspect)
    ]
    return sorted(suspects, key=lambda suspect: (-suspect.margin, suspect.image))


@dataclass(frozen=True)
class Judgement:
    """What the blend of these runs makes of the labels."""

    names: tuple[str, ...]
    score: Score
    suspects: list[SuspectedLabel]


@dataclass(frozen=True)
class NoJudgement:
    reason: str


def judge_labels(
    workspace: Workspace, train: Digits, test: Digits, console: Console | None = None
) -> Judgement | NoJudgement:
    assert train.labels is not None
    try:
        names = choose_trained(workspace, None, [], console).names
        runs = [open_run(workspace, name) for name in names]
        if any(run.config["data"] != fingerprint_of(train, test) for run in runs):
            return NoJudgement(
                "The runs trained last were trained on other data. Run `make train` first."
            )
        blended = blend(runs, train.labels)
    except ProjectError as error:
        return NoJudgement(str(error))
    return Judgement(names, blended.score, find_suspected_labels(train.labels, blended.oof))
