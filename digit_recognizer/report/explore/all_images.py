"""Training and test images as one list, since duplicates occur across both.

In: both parts. Out: a `Pool`, whose images are numbered through, train first. What always holds: a
person is told a part and its row, the first being 1, as on every page.
"""

from dataclasses import dataclass

import numpy as np

from digit_recognizer.data.dataset import Digits


@dataclass(frozen=True)
class Pool:
    images: np.ndarray  # (n, 28, 28) uint8
    labels: np.ndarray  # of the training part, which comes first

    @classmethod
    def of(cls, train: Digits, test: Digits) -> "Pool":
        assert train.labels is not None
        return cls(np.concatenate([train.images, test.images]), train.labels)

    def is_train(self, image: int) -> bool:
        return image < len(self.labels)

    def part_of(self, image: int) -> str:
        return "train" if self.is_train(image) else "test"

    def row_of(self, image: int) -> int:
        return 1 + (image if self.is_train(image) else image - len(self.labels))

    def label_of(self, image: int) -> int | None:
        return int(self.labels[image]) if self.is_train(image) else None

    def conflict(self, images: list[int]) -> bool:
        """Whether these images, taken for the same, are labelled as different digits."""
        return len({self.labels[image] for image in images if self.is_train(image)}) > 1
