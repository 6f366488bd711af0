"""The interface of trained networks, whichever library runs them."""

from typing import Protocol

import numpy as np


class Recognizer(Protocol):
    """A line-up's networks, blended: as they were trained, or exported to one file."""

    @property
    def label(self) -> str:
        """The line-up's name."""
        ...

    def recognize(self, images: np.ndarray) -> np.ndarray:
        """Return (n, 10) float32 probabilities of uint8 images (n, 28, 28), white on black."""
        ...


def require_images(images: np.ndarray) -> None:
    """Refuse images that a network would accept but get wrong, such as pixels from 0 to 1."""
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError(
            f"Images came as {images.dtype} {images.shape}; expected uint8 (n, 28, 28)."
        )
