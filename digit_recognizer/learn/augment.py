"""Move training images a little: a fresh draw for every image in every epoch.

In: images (n, 28, 28, 1) float32 and a numpy generator. Out: the same shape. What always holds:
each image is resampled once, however many kinds of movement are asked for (rotating, then zooming,
then shifting would blur it three times), and the same generator state gives the same images.
"""

from typing import Any

import numpy as np

from digit_recognizer.experiments.experiment import Augmentation

SIZE = 28
CENTRE = (SIZE - 1) / 2
ELASTIC_GRID = 6  # control points on a side: displacements vary over about five pixels


def augment(images: Any, augmentation: Augmentation, generator: np.random.Generator) -> Any:
    if augmentation == Augmentation():
        return images
    from keras import ops

    transforms = draw_affine(augmentation, len(images), generator)
    if augmentation.elastic:
        displacement = draw_displacement(augmentation.elastic, len(images), generator)
        return sample_at(images, *move_grid(transforms, displacement))
    # One kernel call; fill_value 0 is the paper.
    return ops.image.affine_transform(images, transforms, "bilinear", "constant", 0)


def draw_affine(
    augmentation: Augmentation, count: int, generator: np.random.Generator
) -> np.ndarray:
    """Return (count, 8) maps from output to input positions, all about the image's centre.

    The eight numbers are those of `keras.ops.image.affine_transform`: an output point (x, y) shows
    what the input has at (a0 x + a1 y + a2, b0 x + b1 y + b2).
    """

    def draw(limit: float) -> np.ndarray:
        return generator.uniform(-limit, limit, count)

    angle = np.deg2rad(draw(augmentation.rotation))
    scale_x, scale_y = 1 + draw(augmentation.scale), 1 + draw(augmentation.scale)
    shear = draw(augmentation.shear)
    shift_x, shift_y = draw(augmentation.shift), draw(augmentation.shift)

    # Rotation times shear times scale, written out.
    cosine, sine = np.cos(angle), np.sin(angle)
    a0, a1 = cosine * scale_x, (cosine * shear - sine) * scale_y
    b0, b1 = sine * scale_x, (sine * shear + cosine) * scale_y
    a2 = CENTRE - a0 * CENTRE - a1 * CENTRE - shift_x
    b2 = CENTRE - b0 * CENTRE - b1 * CENTRE - shift_y
    none = np.zeros(count)
    return np.stack([a0, a1, a2, b0, b1, b2, none, none], axis=1).astype(np.float32)


def draw_displacement(
    deviation: float, count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return smooth (count, 28, 28) displacements along x and y, in pixels.

    Normal draws at a coarse grid of control points, interpolated linearly between them.
    """
    spread = spread_of_control_points()
    coarse = generator.normal(0, deviation, (2, count, ELASTIC_GRID, ELASTIC_GRID))
    along_x, along_y = (spread @ coarse @ spread.T).astype(np.float32)
    return along_x, along_y


def spread_of_control_points() -> np.ndarray:
    """Return (28, control points on a side): what part each has in a row's or column's pixels."""
    places = np.linspace(0, ELASTIC_GRID - 1, SIZE)
    return np.clip(1 - np.abs(places[:, None] - np.arange(ELASTIC_GRID)), 0, None)


def move_grid(
    transforms: np.ndarray, displacement: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return where each output pixel looks in the input: (n, 28, 28) x and y."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    a0, a1, a2, b0, b1, b2 = (transforms[:, index, None, None] for index in range(6))
    return a0 * x + a1 * y + a2 + displacement[0], b0 * x + b1 * y + b2 + displacement[1]


def sample_at(images: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the images' values at (x, y), linear between pixels, 0 outside."""
    # A border of one pixel of paper stands for everything outside.
    side = SIZE + 2
    flat = np.pad(np.asarray(images).reshape(-1, SIZE, SIZE), ((0, 0), (1, 1), (1, 1))).ravel()
    x, y = np.clip(x + 1, 0, side - 1), np.clip(y + 1, 0, side - 1)
    left, top = np.minimum(np.floor(x), side - 2), np.minimum(np.floor(y), side - 2)
    right_part, lower_part = x - left, y - top
    upper_left = top.astype(np.intp) * side + left.astype(np.intp)
    upper_left += (np.arange(len(x)) * side * side)[:, None, None]
    upper = flat[upper_left] * (1 - right_part) + flat[upper_left + 1] * right_part
    lower_left = upper_left + side
    lower = flat[lower_left] * (1 - right_part) + flat[lower_left + 1] * right_part
    sampled = upper * (1 - lower_part) + lower * lower_part
    return sampled[..., None].astype(np.float32)
