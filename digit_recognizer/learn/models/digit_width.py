"""Stretch digits to one width, so that a network sees them in another shape than others do.

In: images (n, 28, 28, 1). Out: the same shape, each digit's columns of ink in the middle. What
always holds: an image's result depends on that image alone, and paper stays paper.

In training the layer passes images on, because they are stretched before they are moved at random;
it works in predictions, so a network can be used without knowing about it.
"""

from functools import cache
from typing import Any

import numpy as np

from digit_recognizer.learn.augment import CENTRE, SIZE

# A 1 has two to four columns: stretched to the width of a 0, nothing would be left of its shape.
LARGEST_STRETCH = 2.0
_AT_ONCE = 1_000


@cache
def digit_width_layer() -> Any:
    """Return the class of the layer; Keras is loaded only now."""
    import keras

    class DigitWidth(keras.layers.Layer):
        def __init__(self, columns: int, **options: Any) -> None:
            # In float32: bfloat16 knows no place between two pixels of the right half.
            super().__init__(trainable=False, dtype="float32", **options)
            self.columns = columns

        def call(self, images: Any, training: bool | None = None) -> Any:
            return images if training else _stretch(images, self.columns)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

    return DigitWidth


def stretch_digits(images: np.ndarray, columns: int) -> np.ndarray:
    """Return uint8 images (n, 28, 28) with every digit stretched."""
    from keras import ops

    stretched = np.empty_like(images)
    for start in range(0, len(images), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        pixels = ops.convert_to_tensor(images[part].astype(np.float32)[..., None])
        stretched[part] = np.rint(ops.convert_to_numpy(_stretch(pixels, columns))[..., 0])
    return stretched


def _stretch(images: Any, columns: int) -> Any:
    from keras import ops

    pixels = images[..., 0]
    has_ink = ops.sign(ops.max(pixels, axis=1))
    places = np.arange(SIZE, dtype=np.float32)
    right = ops.max(has_ink * places, axis=1)
    left = (SIZE - 1) - ops.max(has_ink * places[::-1].copy(), axis=1)
    # Without ink, any width will do.
    width = ops.maximum(right - left + 1, 1.0)
    step = ops.maximum(width / columns, 1 / LARGEST_STRETCH)
    # Where each output column looks in the input; linear between two columns.
    sources = (left + right)[:, None] / 2 + step[:, None] * (places - CENTRE)
    parts = ops.relu(1.0 - ops.abs(sources[:, None, :] - places[:, None]))
    return ops.matmul(pixels, parts)[..., None]
