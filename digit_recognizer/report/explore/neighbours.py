"""Images that are nearly the same: moved by some pixels, or with a little noise.

In: images. Out: the pairs nearer than a limit, nearest first. What always holds: no pair within
the limit is missed unless the search says that it ended early, and exact copies are not among them.

How near two images are is the distance between them after each was moved, by whole pixels, until
its dark part sits in the middle, and scaled to length 1: from 0, the same, to the square root of
2, nothing in common. The limit comes from the data: it is how far the middle one of these images
is from itself after a move by a quarter of a pixel, a change too small to see.

All pairs of 70,000 images would be 2.4 billion comparisons of 784 pixels. Projections never make
a distance longer, so only pairs that are within the limit in the first principal component, and
then in the first some dozen, are compared whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# What is more than digits ever need, such as pure noise, ends the search instead of taking hours.
MOST_PAIRS = 20_000
MOST_COMPARED = 3_000_000

_MOVE = 0.25
_SAMPLE = 2_000
_COMPONENTS = 32
_BLOCK = 512
_DARK = 128  # what noise of some levels does not reach
_ROUNDING = 1e-3  # float32 must not lose a pair at the very limit
_AT_ONCE = 4096


@dataclass(frozen=True)
class Pair:
    one: int
    other: int
    distance: float


@dataclass(frozen=True)
class Neighbours:
    limit: float
    pairs: list[Pair]
    is_complete: bool  # whether the search went on to the end


def find_neighbours(images: np.ndarray, left_out: set[int] | None = None) -> Neighbours:
    """Search all images but those `left_out`, of which another copy is there."""
    from threadpoolctl import threadpool_limits

    inked = np.flatnonzero(images.reshape(len(images), -1).any(axis=1))
    searched = np.setdiff1d(inked, list(left_out or ()))
    if len(searched) < 2:
        return Neighbours(0.0, [], True)
    centred = move_to_middle(images[searched])
    limit = measure_limit(centred)
    # Thousands of small products: threads would wait for each other more than they compute.
    with threadpool_limits(1):
        one, other, distance, is_complete = _search(_to_unit_length(centred), limit)
    order = np.lexsort((searched[other], searched[one], distance))
    pairs = [
        Pair(int(searched[min(a, b)]), int(searched[max(a, b)]), float(d))
        for a, b, d in zip(one[order], other[order], distance[order], strict=True)
    ]
    return Neighbours(limit, pairs, is_complete)


def move_to_middle(images: np.ndarray) -> np.ndarray:
    """Return the images, each moved until as much is free above its dark part as below it."""
    # An image without anything dark is moved by all that it has.
    brightest = images.max(axis=(1, 2), keepdims=True)
    dark = images >= np.minimum(brightest, _DARK)
    places = np.arange(28)
    down = _free_space(dark.any(axis=2))
    right = _free_space(dark.any(axis=1))
    rows = (places - down[:, None]) % 28
    columns = (places - right[:, None]) % 28
    return np.asarray(
        images[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]
    )


def measure_limit(images: np.ndarray) -> float:
    """Return the median distance of a sample's images from themselves, moved a little sideways."""
    sample = images[:: max(1, len(images) // _SAMPLE)].astype(np.float32)
    moved = (1 - _MOVE) * sample + _MOVE * np.roll(sample, 1, axis=2)
    difference = _to_unit_length(sample) - _to_unit_length(moved)
    return float(np.median(np.linalg.norm(difference, axis=1)))


def _free_space(is_dark: np.ndarray) -> np.ndarray:
    """Return by how many places each row of 28 has to move for its dark part to be central."""
    before = is_dark.argmax(axis=1)
    behind = is_dark[:, ::-1].argmax(axis=1)
    return np.asarray((behind - before) // 2)


def _to_unit_length(images: np.ndarray) -> np.ndarray:
    vectors = images.reshape(len(images), -1).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _search(vectors: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Return both members' numbers and distances of the pairs within the limit, and if all."""
    reduced = _project(vectors)
    order = np.argsort(reduced[:, 0], kind="stable")
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    pairs = compared = 0
    for one, other in _candidates(np.ascontiguousarray(reduced[order]), limit + _ROUNDING):
        one, other = order[one], order[other]
        distance = np.linalg.norm(vectors[one] - vectors[other], axis=1)
        within = distance <= limit
        found.append((one[within], other[within], distance[within]))
        pairs += int(within.sum())
        compared += len(one)
        if pairs > MOST_PAIRS or compared > MOST_COMPARED:
            return *_join(found), False
    return *_join(found), True


def _candidates(reduced: np.ndarray, nearly: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the pairs whose projections are near, some thousand at a time.

    The projections are sorted by their first component, so what is too far along it needs no look.
    """
    first, lengths = reduced[:, 0], np.square(reduced).sum(axis=1)
    for start in range(0, len(reduced), _BLOCK):
        end = min(start + _BLOCK, len(reduced))
        reach = int(np.searchsorted(first, first[end - 1] + nearly, side="right"))
        squares = reduced[start:end] @ reduced[start:reach].T
        squares *= -2
        squares += lengths[start:reach]
        squares += lengths[start:end, None]
        one, other = np.nonzero(squares <= nearly**2)
        is_new = other > one
        one, other = one[is_new] + start, other[is_new] + start
        for at in range(0, len(one), _AT_ONCE):
            yield one[at : at + _AT_ONCE], other[at : at + _AT_ONCE]


def _join(
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    nothing = (np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32))
    one, other, distance = (np.concatenate(column) for column in zip(nothing, *found, strict=True))
    return one, other, distance


def _project(vectors: np.ndarray) -> np.ndarray:
    """Return the first principal components, from a sample of the images."""
    sample = vectors[:: max(1, len(vectors) // 10_000)]
    centre = sample.mean(axis=0)
    _, directions = np.linalg.eigh((sample - centre).T @ (sample - centre))
    leading = np.ascontiguousarray(directions[:, ::-1][:, :_COMPONENTS])
    return np.asarray((vectors - centre) @ leading)
