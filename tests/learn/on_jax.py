"""What the tests of the graphics card's engine compute by JAX, in a process of their own.

That process's Keras computes by JAX, that of the tests by TensorFlow; so arrays go between them.
"""

from typing import Any

import numpy as np

from digit_recognizer.experiments.experiment import Augmentation, Experiment
from digit_recognizer.learn.training import FoldData


def move_images(
    images: np.ndarray, augmentation: Augmentation
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a random draw, its transforms and control points, and the images moved by it."""
    import jax

    from digit_recognizer.learn.gpu import augment

    draw = augment.draw(augmentation, len(images), jax.random.key(3))
    assert draw is not None
    moved = jax.jit(augment.move)(augment.pad(images), np.arange(len(images)), draw)
    return np.asarray(draw.transforms), np.asarray(draw.control_points), np.asarray(moved)


def draw_transforms(augmentation: Augmentation, count: int) -> tuple[np.ndarray, np.ndarray | None]:
    import jax

    from digit_recognizer.learn.gpu import augment

    draw = augment.draw(augmentation, count, jax.random.key(0))
    assert draw is not None
    points = draw.control_points
    return np.asarray(draw.transforms), None if points is None else np.asarray(points)


def take_step(
    experiment: Experiment, data: FoldData, batch: np.ndarray
) -> tuple[bytes, float, list[np.ndarray], list[np.ndarray]]:
    """Return a fresh network's weights; and a batch's loss, gradients and statistics after it."""
    import jax

    from digit_recognizer.learn.gpu.stack import Stack
    from digit_recognizer.learn.weights import weights_of

    stack = Stack(experiment, [0], data, "float32")
    program, state = stack.program, jax.tree.map(lambda value: value[0], stack.state)
    weights = program._weights.split(state.weights)

    def measure(weights: Any) -> tuple[Any, Any]:
        pixels = data.images[batch].astype(np.float32)[..., None]
        logits, statistics, _ = program._call(weights, state, pixels, training=True)
        return program._loss(jax.nn.one_hot(data.labels[batch], 10), logits), statistics

    (loss, moved), gradients = jax.jit(jax.value_and_grad(measure, has_aux=True))(weights)
    return (
        weights_of(stack.model),
        float(loss),
        [np.asarray(each) for each in gradients],
        [np.asarray(each) for each in program._statistics.split(moved)],
    )


def take_sharpness_aware_step(
    experiment: Experiment, data: FoldData, batch: np.ndarray
) -> tuple[bytes, list[np.ndarray], list[np.ndarray]]:
    """Return a fresh network's weights; what the optimizer went by, and the statistics after it."""
    import jax

    from digit_recognizer.learn.gpu.stack import Stack
    from digit_recognizer.learn.weights import weights_of

    stack = Stack(experiment, [0], data, "float32")
    program, state = stack.program, jax.tree.map(lambda value: value[0], stack.state)
    packed = weights_of(stack.model)
    pixels = data.images[batch].astype(np.float32)[..., None]
    state, _ = jax.jit(program.step)(state, pixels, data.labels[batch], 1e-3, 1)
    momentum = next(
        value
        for value, variable in zip(state.optimizer, program._optimizer.variables, strict=True)
        if variable.path.endswith("momentum")
    )
    return (
        packed,
        [np.asarray(each) for each in program._weights.split(momentum)],
        [np.asarray(each) for each in program._statistics.split(state.statistics)],
    )
