"""The augmentation of `learn/augment.py` in JAX, inside the compiled program.

In: a key, or a draw. Out: moved images. What always holds: a draw moves an image as the same draw
does in `learn/augment.py`, in one resampling.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from digit_recognizer.experiments.experiment import Augmentation
from digit_recognizer.learn.augment import CENTRE, ELASTIC_GRID, SIZE, spread_of_control_points

PADDED = SIZE + 2  # a border of one pixel of paper stands for everything outside


class Draw(NamedTuple):
    """How each of n images is moved."""

    transforms: Any  # (n, 6): from output to input positions, as in `learn/augment.py`
    control_points: Any  # (n, 2, grid * grid): displacements along x and y; None without them


def pad(images: np.ndarray) -> np.ndarray:
    """Return uint8 images (n, 28, 28) as `move` takes them, flat and with paper around each."""
    return np.pad(images, ((0, 0), (1, 1), (1, 1))).ravel()


def draw(augmentation: Augmentation, count: int, key: Any) -> Draw | None:
    """Return a fresh draw for so many images; None where nothing moves."""
    if augmentation == Augmentation():
        return None
    affine_key, elastic_key = jax.random.split(key)
    limits = np.array(
        [
            np.deg2rad(augmentation.rotation),
            augmentation.scale,
            augmentation.scale,
            augmentation.shear,
            augmentation.shift,
            augmentation.shift,
        ],
        np.float32,
    )
    drawn = jax.random.uniform(affine_key, (6, count), minval=-1, maxval=1) * limits[:, None]
    angle, scale_x, scale_y, shear, shift_x, shift_y = drawn
    scale_x, scale_y = 1 + scale_x, 1 + scale_y

    # Rotation times shear times scale, written out.
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    a0, a1 = cosine * scale_x, (cosine * shear - sine) * scale_y
    b0, b1 = sine * scale_x, (sine * shear + cosine) * scale_y
    a2 = CENTRE - a0 * CENTRE - a1 * CENTRE - shift_x
    b2 = CENTRE - b0 * CENTRE - b1 * CENTRE - shift_y
    control_points = None
    if augmentation.elastic:
        shape = (count, 2, ELASTIC_GRID * ELASTIC_GRID)
        control_points = augmentation.elastic * jax.random.normal(elastic_key, shape)
    return Draw(jnp.stack([a0, a1, a2, b0, b1, b2], axis=1), control_points)


def shift(padded: Any, which: Any, down: int, right: int) -> Any:
    """Return images (n, 28, 28, 1), float32: those that `which` numbers, moved by whole pixels."""
    places = np.arange(1, SIZE + 1)
    rows, columns = (np.clip(places - by, 0, PADDED - 1) for by in (down, right))
    corners = which[:, None, None] * (PADDED * PADDED)
    return _read(padded, corners + (rows[:, None] * PADDED + columns))[..., None]


def move(padded: Any, which: Any, draw: Draw | None) -> Any:
    """Return images (n, 28, 28, 1), float32: those that `which` numbers, moved.

    The value of each pixel is read straight from all the images, linear between four of theirs.
    """
    if draw is None:
        return shift(padded, which, 0, 0)
    rows, columns = (grid.astype(np.float32) for grid in np.mgrid[:SIZE, :SIZE])
    a0, a1, a2, b0, b1, b2 = (draw.transforms[:, index, None, None] for index in range(6))
    x = a0 * columns + a1 * rows + a2
    y = b0 * columns + b1 * rows + b2
    if draw.control_points is not None:
        # Both directions of the interpolation as one matrix product.
        spread = spread_of_control_points().astype(np.float32)
        both = np.kron(spread, spread).T
        displacement = jnp.matmul(draw.control_points, both, precision=jax.lax.Precision.HIGHEST)
        displacement = displacement.reshape(-1, 2, SIZE, SIZE)
        x, y = x + displacement[:, 0], y + displacement[:, 1]
    x, y = jnp.clip(x + 1, 0, PADDED - 1), jnp.clip(y + 1, 0, PADDED - 1)
    left = jnp.minimum(jnp.floor(x), PADDED - 2)
    top = jnp.minimum(jnp.floor(y), PADDED - 2)
    right_part, lower_part = x - left, y - top
    corner = which[:, None, None] * (PADDED * PADDED)
    corner = corner + top.astype(jnp.int32) * PADDED + left.astype(jnp.int32)
    upper = _read(padded, corner) * (1 - right_part) + _read(padded, corner + 1) * right_part
    corner = corner + PADDED
    lower = _read(padded, corner) * (1 - right_part) + _read(padded, corner + 1) * right_part
    return (upper * (1 - lower_part) + lower * lower_part)[..., None]


def _read(padded: Any, places: Any) -> Any:
    return padded.at[places].get(mode="promise_in_bounds").astype(jnp.float32)
