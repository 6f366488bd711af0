"""Predict probabilities with a network.

In: a network, uint8 images. Out: probabilities. What always holds: an image's probabilities do not
depend on the other images of its batch, except for the last bits.
"""

from typing import Any

import numpy as np

_BATCH = 500


def predict_probabilities(model: Any, images: np.ndarray, test_shift: int) -> np.ndarray:
    """Return (n, 10) float32 probabilities of uint8 images (n, 28, 28).

    With a test shift, the mean over the image as it is and moved along one diagonal, both ways:
    that was as good as four more directions, for the time of two.
    """
    from keras import ops

    moves = list_moves(test_shift)
    total = np.zeros((len(images), 10), np.float32)
    for down, right in moves:
        for start in range(0, len(images), _BATCH):
            part = slice(start, start + _BATCH)
            logits = model.predict_on_batch(as_input(_shift(images[part], down, right)))
            total[part] += np.asarray(ops.softmax(logits))
    return total / np.float32(len(moves))


def list_moves(test_shift: int) -> list[tuple[int, int]]:
    """Return by how many pixels, down and right, an image is moved for its predictions."""
    if not test_shift:
        return [(0, 0)]
    return [(0, 0), (test_shift, test_shift), (-test_shift, -test_shift)]


def as_input(images: np.ndarray) -> np.ndarray:
    """Return images as every network takes them: float32, pixels 0..255, one channel."""
    return images.astype(np.float32)[..., None]


def _shift(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Move images by whole pixels; what comes in at the edge is paper."""
    moved = np.zeros_like(images)
    height, width = images.shape[1:]
    moved[:, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = images[
        :, max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return moved
