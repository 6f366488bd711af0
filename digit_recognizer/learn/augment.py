"""Move training images a little: a fresh draw for every image in every epoch.

In: images (n, 28, 28, 1) float32 and a numpy generator. Out: the same shape. What always holds:
each image is resampled once, however many kinds of movement are asked for (rotating, then zooming,
then shifting would blur it three times), and the same generator state gives the same images.
"""

import numpy as np

from digit_recognizer.experiments.experiment import Augmentation

SIZE = 28
CENTRE = (SIZE - 1) / 2
ELASTIC_GRID = 6  # control points on a side: displacements vary over about five pixels

# Images moved at a time: so few that their arrays stay in the cache and come from memory that the
# process has already. All 128 of a batch at once take twice as long.
_AT_ONCE = 32


def augment(
    images: np.ndarray, augmentation: Augmentation, generator: np.random.Generator
) -> np.ndarray:
    if augmentation == Augmentation():
        return images
    transforms = draw_affine(augmentation, len(images), generator)
    along_x = along_y = np.zeros((len(images), 1, 1), np.float32)
    if augmentation.elastic:
        along_x, along_y = draw_displacement(augmentation.elastic, len(images), generator)
    moved = np.empty(images.shape, np.float32)
    for start in range(0, len(images), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        places = move_grid(transforms[part], (along_x[part], along_y[part]))
        moved[part] = sample_at(images[part], *places)
    return moved


def draw_affine(
    augmentation: Augmentation, count: int, generator: np.random.Generator
) -> np.ndarray:
    """Return (count, 6) maps from output to input positions, all about the image's centre.

    An output point (x, y) shows what the input has at (a0 x + a1 y + a2, b0 x + b1 y + b2).
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
    return np.stack([a0, a1, a2, b0, b1, b2], axis=1).astype(np.float32)


def draw_displacement(
    deviation: float, count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return smooth (count, 28, 28) displacements along x and y, in pixels.

    Normal draws at a coarse grid of control points, interpolated linearly between them.
    """
    spread = spread_of_control_points().astype(np.float32)
    shape = (2, count, ELASTIC_GRID, ELASTIC_GRID)
    coarse = generator.standard_normal(shape, np.float32) * np.float32(deviation)
    along_x, along_y = spread @ coarse @ spread.T
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


def sample_at(images: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the images' values at (x, y), linear between pixels, 0 outside."""
    # A border of one pixel of paper stands for everything outside.
    side = SIZE + 2
    flat = np.pad(images.reshape(-1, SIZE, SIZE), ((0, 0), (1, 1), (1, 1))).ravel()
    x, left = _split(x + 1, side)
    y, place = _split(y + 1, side)
    place *= side
    place += left
    place += (np.arange(len(x), dtype=np.int32) * side * side)[:, None, None]
    sampled = _mix(flat, place, x)
    place += side
    lower = _mix(flat, place, x)
    lower -= sampled
    lower *= y
    sampled += lower
    return sampled[..., None]


def _split(position: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how far each position is beyond the pixel before it, and that pixel's number."""
    np.clip(position, 0, side - 1, out=position)
    before = np.minimum(position.astype(np.int32), side - 2)
    position -= before
    return position, before


def _mix(flat: np.ndarray, place: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Return the value that lies this part of the way from each place to the next."""
    value = flat.take(place)
    further = flat.take(place + 1)
    further -= value
    further *= part
    value += further
    return value
