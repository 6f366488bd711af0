"""Images that occur more than once, pixel for pixel.

In: the images of both parts as one list, a `Pool`, train first. Out: groups of equal ones. What
always holds: equal bytes, nothing less, make a group; a group is in the order of its images, and
groups are in that of their first. A person is told a part and its row, the first being 1.
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


@dataclass(frozen=True)
class Duplicates:
    groups: list[list[int]]
    within_train: int  # groups with at least two images of the part
    within_test: int
    across: int  # groups with images of both
    conflicting: list[list[int]]  # groups whose training images have different labels

    @property
    def copies(self) -> int:
        """Images that would go if one of each group stayed."""
        return sum(len(group) - 1 for group in self.groups)


def find_duplicates(pool: Pool) -> Duplicates:
    seen: dict[bytes, list[int]] = {}
    for image, pixels in enumerate(pool.images):
        # The bytes themselves are the key: a dictionary hashes them, and compares them too.
        seen.setdefault(pixels.tobytes(), []).append(image)
    groups = [group for group in seen.values() if len(group) > 1]
    in_train = [sum(map(pool.is_train, group)) for group in groups]
    of_both = list(zip(groups, in_train, strict=True))
    return Duplicates(
        groups,
        within_train=sum(train > 1 for _, train in of_both),
        within_test=sum(len(group) - train > 1 for group, train in of_both),
        across=sum(0 < train < len(group) for group, train in of_both),
        conflicting=[group for group in groups if pool.conflict(group)],
    )
