"""Stretch digits to one width, so that a network sees them in another shape than others do.

In: images (n, 28, 28, 1). Out: the same shape, each digit's columns of ink in the middle. What
always holds: an image's result depends on that image alone, and paper stays paper.

In training the layer passes images on, because they are stretched before they are moved at random;
it works in predictions, so a network can be used without knowing about it.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

SIDE = 28
CENTRE = (SIDE - 1) / 2
# A 1 has two to four columns: stretched to the width of a 0, nothing would be left of its shape.
LARGEST_STRETCH = 2.0
_AT_ONCE = 1_000


class DigitWidth(keras.layers.Layer):
    def __init__(self, columns: int, **options: Any) -> None:
        # In float32: bfloat16 knows no place between two pixels of the right half.
        super().__init__(trainable=False, dtype="float32", **options)
        self.columns = columns

    def call(self, images: Any, training: bool | None = None) -> Any:
        return images if training else self.stretch(images)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def stretch(self, images: Any) -> Any:
        pixels = images[..., 0]
        has_ink = ops.sign(ops.max(pixels, axis=1))
        places = np.arange(SIDE, dtype=np.float32)
        right = ops.max(has_ink * places, axis=1)
        left = (SIDE - 1) - ops.max(has_ink * places[::-1].copy(), axis=1)
        # Without ink, any width will do.
        width = ops.maximum(right - left + 1, 1.0)
        step = ops.maximum(width / self.columns, 1 / LARGEST_STRETCH)
        # Where each output column looks in the input; linear between two columns.
        sources = (left + right)[:, None] / 2 + step[:, None] * (places - CENTRE)
        parts = ops.relu(1.0 - ops.abs(sources[:, None, :] - places[:, None]))
        return ops.matmul(pixels, parts)[..., None]


def stretch_digits(images: np.ndarray, columns: int) -> np.ndarray:
    """Return uint8 images (n, 28, 28) with every digit stretched."""
    layer = DigitWidth(columns)
    stretched = np.empty_like(images)
    for start in range(0, len(images), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        pixels = layer.stretch(ops.convert_to_tensor(images[part].astype(np.float32)[..., None]))
        stretched[part] = np.rint(ops.convert_to_numpy(pixels)[..., 0])
    return stretched
