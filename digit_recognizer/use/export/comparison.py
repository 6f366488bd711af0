"""How far an export's predictions are from those of its networks.

In: probabilities of the same images. Out: a `Comparison`. What always holds: a number that is none
(NaN) counts as the largest difference there can be.
"""

from dataclasses import dataclass

import numpy as np

from digit_recognizer.workspace import ProjectError

# float32 has some 1e-7 to give; a layer that is taken for another differs by a hundredth and more.
BOUND = 1e-4


@dataclass(frozen=True)
class Comparison:
    images: int
    largest_difference: float
    changed_labels: int

    @property
    def is_close(self) -> bool:
        return self.largest_difference <= BOUND

    def __str__(self) -> str:
        return (
            f"{self.largest_difference:.1e} at most in the probabilities of {self.images:,} "
            f"test images, and in {self.changed_labels:,} labels"
        )


def compare(ours: np.ndarray, theirs: np.ndarray) -> Comparison:
    differences = np.abs(ours.astype(np.float64) - theirs)
    return Comparison(
        images=len(ours),
        largest_difference=float(np.nan_to_num(differences, nan=np.inf).max()),
        changed_labels=int((ours.argmax(axis=1) != theirs.argmax(axis=1)).sum()),
    )


def require_close(name: str, comparison: Comparison) -> None:
    if not comparison.is_close:
        raise ProjectError(
            f"{name} is not as Keras with the same weights: they differ by {comparison}; expected "
            f"{BOUND:g} at most. The file was not written, and an earlier one is as it was."
        )
