"""Training images as the networks see them: augmented.

In: images, labels and an experiment. Out: rows of pictures, the digit as it is and then draws of
its augmentation. What always holds: it is training's own function that moves them.
"""

import numpy as np

from digit_recognizer.experiments.experiment import Augmentation, Experiment
from digit_recognizer.pages.pictures import digit_uri

DRAWS = 7
_DIGITS = 6
_SEED = 0


def preview(images: np.ndarray, experiment: Experiment) -> list[list[str]]:
    """Return six rows of pictures; none where the experiment moves nothing."""
    if experiment.augmentation == Augmentation():
        return []
    # Keras takes seconds to load.
    from digit_recognizer.learn.augment import augment
    from digit_recognizer.learn.backend import configure
    from digit_recognizer.learn.prediction import as_input

    configure(1)
    generator = np.random.default_rng(_SEED)
    chosen = images[generator.permutation(len(images))[:_DIGITS]]
    batches = [
        np.asarray(augment(as_input(chosen), experiment.augmentation, generator))[..., 0]
        for _ in range(DRAWS)
    ]
    moved = [np.clip(batch.round(), 0, 255).astype(np.uint8) for batch in batches]
    return [
        [digit_uri(chosen[place]), *(digit_uri(batch[place]) for batch in moved)]
        for place in range(len(chosen))
    ]
