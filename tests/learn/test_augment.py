"""Moving images: once, by what was asked for, and the same way for the same generator."""

import keras
import numpy as np
import pytest

from digit_recognizer.data.sources.sample import enlarge
from digit_recognizer.experiments.experiment import Augmentation
from digit_recognizer.learn.augment import augment, draw_affine, draw_displacement
from digit_recognizer.learn.backend import configure

EVERYTHING = Augmentation(rotation=15, scale=0.1, shear=0.1, shift=2, elastic=0.7)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    configure(1)
    blob = np.zeros((64, 8, 8))
    blob[:, 2:6, 3:5] = 1
    return enlarge(blob).astype(np.float32)[..., None]


def centres(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat = np.asarray(images)[..., 0]
    mass = flat.sum(axis=(1, 2))
    places = np.arange(28)
    return (
        (flat.sum(axis=1) * places).sum(axis=1) / mass,
        (flat.sum(axis=2) * places).sum(axis=1) / mass,
    )


def moved(images: np.ndarray, augmentation: Augmentation, seed: int = 0) -> np.ndarray:
    return np.asarray(augment(images, augmentation, np.random.default_rng(seed)))


def test_nothing_asked_for_changes_nothing(images: np.ndarray) -> None:
    assert moved(images, Augmentation()).tobytes() == images.tobytes()


def test_the_same_generator_gives_the_same_images(images: np.ndarray) -> None:
    assert moved(images, EVERYTHING, 1).tobytes() == moved(images, EVERYTHING, 1).tobytes()
    assert moved(images, EVERYTHING, 1).tobytes() != moved(images, EVERYTHING, 2).tobytes()


def test_every_image_has_a_draw_of_its_own(images: np.ndarray) -> None:
    assert len({image.tobytes() for image in moved(images, EVERYTHING)}) == len(images)


def test_a_shift_moves_the_centre_by_as_much_as_was_drawn(images: np.ndarray) -> None:
    x_before, y_before = centres(images)
    shifted = moved(images, Augmentation(shift=3))
    x, y = centres(shifted)
    transforms = draw_affine(Augmentation(shift=3), len(images), np.random.default_rng(0))
    # An output pixel looks at (x + a2, y + b2), so the digit moves the other way.
    np.testing.assert_allclose(x - x_before, -transforms[:, 2], atol=1e-3)
    np.testing.assert_allclose(y - y_before, -transforms[:, 5], atol=1e-3)
    assert 2 < np.abs(x - x_before).max() <= 3


def test_rotation_scale_and_shear_are_about_the_centre() -> None:
    augmentation = Augmentation(rotation=30, scale=0.2, shear=0.2)
    transforms = draw_affine(augmentation, 100, np.random.default_rng(0)).astype(np.float64)
    centre = np.array([13.5, 13.5])
    for a0, a1, a2, b0, b1, b2, *_ in transforms:
        np.testing.assert_allclose(np.array([[a0, a1], [b0, b1]]) @ centre + (a2, b2), centre)


def test_a_rotation_keeps_areas_and_a_scale_changes_them_within_its_limits() -> None:
    generator = np.random.default_rng(0)
    rotated = draw_affine(Augmentation(rotation=30), 200, generator)
    np.testing.assert_allclose(area(rotated), 1, rtol=1e-5)
    scaled = area(draw_affine(Augmentation(scale=0.1), 200, generator))
    assert 0.81 <= scaled.min() < 0.9 < 1.1 < scaled.max() <= 1.21


def area(transforms: np.ndarray) -> np.ndarray:
    return transforms[:, 0] * transforms[:, 4] - transforms[:, 1] * transforms[:, 3]


def test_the_elastic_path_agrees_with_the_kernel_where_nothing_is_displaced(
    images: np.ndarray,
) -> None:
    affine = Augmentation(rotation=40, scale=0.1, shear=0.1, shift=3)
    barely = Augmentation(rotation=40, scale=0.1, shear=0.1, shift=3, elastic=1e-9)
    np.testing.assert_allclose(moved(images, barely), moved(images, affine), atol=0.01)
    # Keras's kernel takes two numbers more, of perspective.
    transforms = np.pad(
        draw_affine(affine, len(images), np.random.default_rng(0)), ((0, 0), (0, 2))
    )
    by_kernel = keras.ops.image.affine_transform(images, transforms, "bilinear", "constant", 0)
    np.testing.assert_allclose(moved(images, affine), by_kernel, atol=0.01)


def test_displacements_are_smooth_and_as_large_as_asked() -> None:
    along_x, along_y = draw_displacement(0.7, 500, np.random.default_rng(0))
    for along in (along_x, along_y):
        assert 0.4 < along.std() < 0.7, "interpolation between the draws averages them"
        steps = np.abs(np.diff(along, axis=1)).mean()
        assert steps < 0.4 * np.abs(along).mean(), "white noise would have 1.4"


def test_one_resampling_blurs_no_more_than_one(images: np.ndarray) -> None:
    """All movements together must not lose more contrast than a shift by half a pixel does."""
    together = moved(images, Augmentation(rotation=10, scale=0.1, shear=0.1, shift=2))
    once = (images + np.roll(images, 1, axis=2)) / 2
    once = (once + np.roll(once, 1, axis=1)) / 2
    assert sharpness(together) > sharpness(once)


def sharpness(images: np.ndarray) -> float:
    return float(np.abs(np.diff(np.asarray(images)[..., 0], axis=2)).max(axis=(1, 2)).mean())
