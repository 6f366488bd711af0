"""Images that occur more than once, pixel for pixel.

In: a pool of images. Out: groups of equal ones. What always holds: equal bytes, nothing less, make
a group; a group is in the order of its images, and groups in that of their first.
"""

from dataclasses import dataclass

from digit_recognizer.report.explore.all_images import Pool


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
