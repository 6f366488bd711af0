"""Find labels that may be wrong.

In: labels and out-of-fold probabilities. Out: the doubtful ones, most doubtful first. What always
holds: a label is doubted only by networks that did not learn from it, and only for another digit
that is given at least the probability which that digit's own images are given on average
(confident learning: Northcutt, Jiang and Chuang, 2021).
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Doubt:
    image: int  # its row
    label: int
    proposed: int
    label_probability: float
    proposed_probability: float

    @property
    def margin(self) -> float:
        return self.proposed_probability - self.label_probability


def find_doubts(labels: np.ndarray, probabilities: np.ndarray) -> list[Doubt]:
    own = probabilities[np.arange(len(labels)), labels]
    present = np.unique(labels)
    # Nothing is ever proposed that no image is labelled as.
    usual = np.full(probabilities.shape[1], np.inf)
    usual[present] = [own[labels == digit].mean() for digit in present]
    proposed = np.where(probabilities >= usual, probabilities, -1.0).argmax(axis=1)
    strength = probabilities[np.arange(len(labels)), proposed]
    doubtful = (strength >= usual[proposed]) & (proposed != labels) & (strength > own)
    doubts = [
        Doubt(
            int(image),
            int(labels[image]),
            int(proposed[image]),
            float(own[image]),
            float(strength[image]),
        )
        for image in np.flatnonzero(doubtful)
    ]
    return sorted(doubts, key=lambda doubt: (-doubt.margin, doubt.image))
