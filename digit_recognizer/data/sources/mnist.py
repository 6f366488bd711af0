"""Keras's copy of MNIST, split to the competition's sizes, with the answers.

Kaggle's data are these 70,000 digits in a cut of its own. Use this for practice only: a network
trained here may have seen the very digits that Kaggle asks for.
"""

from pathlib import Path

import numpy as np

from digit_recognizer.data.sources.made import write_competition
from digit_recognizer.workspace import ProjectError

SEED = 28


def write_mnist(incoming: Path) -> None:
    import keras  # takes seconds, so only when it is needed

    try:
        (images, labels), (more_images, more_labels) = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when its download fails
        raise ProjectError(
            f"Keras could not fetch MNIST ({error}). SOURCE=mnist needs the network once; "
            "SOURCE=sample never does."
        ) from error
    images = np.concatenate([images, more_images])
    labels = np.concatenate([labels, more_labels])
    order = np.random.default_rng(SEED).permutation(len(images))
    # The competition's 42,000 of 70,000 is three fifths; a smaller stand-in is cut alike.
    count = round(len(images) * 0.6)
    train, test = order[:count], order[count:]
    write_competition(incoming, images[train], labels[train], images[test], labels[test])
