"""What the commands of this package need of trained networks, whatever runs them."""

from typing import Protocol

import numpy as np


class Recognizer(Protocol):
    """A line-up's networks, blended: as they were trained, or exported to one file."""

    @property
    def label(self) -> str:
        """What the line-up is called."""
        ...

    def recognize(self, images: np.ndarray) -> np.ndarray:
        """Return (n, 10) float32 probabilities of uint8 images (n, 28, 28), white on black."""
        ...
