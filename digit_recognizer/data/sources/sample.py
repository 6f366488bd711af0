"""The bundled sample: scikit-learn's 1,797 real handwritten digits in the competition's shape.

They come as 8x8 images with 17 grey levels; here each is scaled into a 20x20 box and centred by
its mass in 28x28, which is how MNIST's own images were made from larger ones.
"""

from pathlib import Path

import numpy as np

from digit_recognizer.data.sources.made import write_competition

SEED = 28


def write_sample(incoming: Path) -> None:
    # Half a second that nothing but this needs.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    small, labels = load_digits(return_X_y=True)
    images = enlarge(small.reshape(-1, 8, 8) / 16)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, labels, train_size=0.6, stratify=labels, random_state=SEED
    )
    write_competition(incoming, train_images, train_labels, test_images, test_labels)


def enlarge(small: np.ndarray) -> np.ndarray:
    """Return 8x8 images in 0..1 as 28x28 uint8, digit in a 20x20 box, mass at the centre."""
    resize = _interpolation(8, 20)
    boxes = np.clip(resize @ small @ resize.T, 0, 1)
    images = np.zeros((len(small), 28, 28), np.uint8)
    places = np.arange(20)
    for image, box in zip(images, boxes, strict=True):
        mass = box.sum()
        top = _offset((box.sum(axis=1) * places).sum() / mass)
        left = _offset((box.sum(axis=0) * places).sum() / mass)
        image[top : top + 20, left : left + 20] = np.round(255 * box)
    return images


def _offset(centre: float) -> int:
    """Where the box begins, so that its centre of mass comes to lie on the image's."""
    return int(np.clip(np.round(13.5 - centre), 0, 8))


def _interpolation(old: int, new: int) -> np.ndarray:
    """The (new, old) matrix of linear interpolation between pixel centres."""
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    weights = 1 - np.abs(np.clip(centres, 0, old - 1)[:, None] - np.arange(old))
    return np.clip(weights, 0, None)
