"""What each pixel adds on the way from black paper to the image.

In: functions that give the log-odds of a digit and their gradient. Out: a map (Sundararajan, Taly
and Yan, 2017). What always holds: the map's sum is what the image has above black paper, or the
shortfall is said; a pixel without ink is exactly zero.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# By how much the sum may be off, in log-odds, before the path is cut finer. Maps are of some units.
TOLERANCE = 0.1
_FEWEST, _MOST = 64, 1024


@dataclass(frozen=True)
class Integrated:
    map: np.ndarray  # (28, 28) float32
    change: float  # the log-odds of the image less those of black paper
    steps: int

    @property
    def shortfall(self) -> float:
        """What the sum lacks, because the path was cut into steps."""
        return self.change - float(self.map.sum(dtype=np.float64))


def integrate_gradients(
    odds: Callable[[np.ndarray], np.ndarray],
    gradients: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
) -> Integrated:
    """Return the map of one image (28, 28), with as many steps as its sum needs to come right."""
    image = image.astype(np.float32)
    black, own = odds(np.stack([np.zeros_like(image), image])).tolist()
    steps = _FEWEST
    while True:
        # The middle of each step: gradients jump, so a cleverer rule gains nothing.
        along = (np.arange(steps, dtype=np.float32) + 0.5) / steps
        mean = gradients(along[:, None, None] * image).mean(axis=0)
        found = Integrated(mean * image, own - black, steps)
        if abs(found.shortfall) <= TOLERANCE or steps == _MOST:
            return found
        steps *= 2
