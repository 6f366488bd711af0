"""Keras's layers, written so that several networks train side by side on a card.

In: one network's tensors, or, inside `jax.vmap`, those of several. Out: what Keras's own layers
return, to the last bits. What always holds: names of classes and variables are those of the layers
that other backends build, so that every backend reads the same weights.

`jax.vmap` makes a grouped convolution of a convolution, and libraries have no fast kernels for the
backward pass of one. A matrix product becomes a batched product, which they are fastest at.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras
from jax import lax

# How the gradient of a kernel is summed: in so many parts of so many rows, side by side.
_MOST_PARTS, _ROWS_OF_A_PART = 16, 1024
_ALIGNED = 8  # numbers of 16 bits that a card reads at once


class Conv2D(keras.layers.Conv2D):
    """As a product of patches with the kernel."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        height, width, channels, filters = kernel.shape
        patches = _cut_patches(inputs, (height, width), self.strides, self.padding)
        rows = jnp.reshape(kernel.value, (height * width * channels, filters))
        if filling := patches.shape[-1] - len(rows):
            rows = jnp.pad(rows, ((0, filling), (0, 0)))
        outputs = _multiply(patches.reshape(-1, patches.shape[-1]), rows)
        return outputs.reshape(*patches.shape[:3], filters)


def _cut_patches(images: Any, size: tuple[int, int], strides: tuple[int, int], padding: str) -> Any:
    """Return what the kernel sees at each place, (n, rows, columns, height * width * channels).

    Filled up with zeros to a length that matrix units can read.
    """
    pads = lax.padtype_to_pads(images.shape[1:3], size, strides, padding.upper())
    images = jnp.pad(images, ((0, 0), *pads, (0, 0)))
    count, height, width, channels = images.shape
    rows = (height - size[0]) // strides[0] + 1
    columns = (width - size[1]) // strides[1] + 1
    pieces = [
        lax.slice(
            images,
            (0, down, right, 0),
            (
                count,
                down + (rows - 1) * strides[0] + 1,
                right + (columns - 1) * strides[1] + 1,
                channels,
            ),
            (1, *strides, 1),
        )
        for down in range(size[0])
        for right in range(size[1])
    ]
    if filling := -len(pieces) * channels % _ALIGNED:
        pieces.append(jnp.zeros((count, rows, columns, filling), images.dtype))
    return jnp.concatenate(pieces, axis=-1)


@jax.custom_vjp
def _multiply(patches: Any, kernel: Any) -> Any:
    return patches @ kernel


def _multiply_forward(patches: Any, kernel: Any) -> Any:
    return patches @ kernel, (patches, kernel)


def _multiply_backward(saved: Any, gradient: Any) -> Any:
    patches, kernel = saved
    # A small result of very many rows: one product would keep a few of a card's units busy.
    parts = _count_parts(len(patches))
    by_kernel = jnp.einsum(
        "pnk,pnf->pkf",
        patches.reshape(parts, -1, patches.shape[1]),
        gradient.reshape(parts, -1, gradient.shape[1]),
        preferred_element_type=jnp.float32,
    )
    return gradient @ kernel.T, by_kernel.sum(0).astype(kernel.dtype)


_multiply.defvjp(_multiply_forward, _multiply_backward)


def _count_parts(rows: int) -> int:
    most = max(1, min(_MOST_PARTS, rows // _ROWS_OF_A_PART))
    return next(parts for parts in range(most, 0, -1) if rows % parts == 0)


class MaxPooling2D(keras.layers.MaxPooling2D):
    """By comparing the pixels of each window; the gradient goes to the first of the largest."""

    def call(self, inputs: Any) -> Any:
        down, right = self.pool_size
        if tuple(self.strides) != (down, right) or self.padding != "valid":
            return super().call(inputs)
        _, height, width, _ = inputs.shape
        whole = inputs[:, : height - height % down, : width - width % right]
        return _take_largest(whole, (down, right))


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _take_largest(images: Any, size: tuple[int, int]) -> Any:
    largest, *others = _list_places(images, size)
    for other in others:
        largest = jnp.maximum(largest, other)
    return largest


def _list_places(images: Any, size: tuple[int, int]) -> list[Any]:
    return [
        images[:, down :: size[0], right :: size[1]]
        for down in range(size[0])
        for right in range(size[1])
    ]


def _take_largest_forward(images: Any, size: tuple[int, int]) -> Any:
    largest = _take_largest(images, size)
    return largest, (images, largest)


def _take_largest_backward(size: tuple[int, int], saved: Any, gradient: Any) -> Any:
    images, largest = saved
    nothing = jnp.zeros_like(gradient)
    taken = jnp.zeros(gradient.shape, bool)
    places = []
    for place in _list_places(images, size):
        chosen = (place == largest) & ~taken
        places.append(jnp.where(chosen, gradient, nothing))
        taken = taken | chosen
    rows = [jnp.stack(places[at : at + size[1]], axis=3) for at in range(0, len(places), size[1])]
    return (jnp.stack(rows, axis=2).reshape(images.shape),)


_take_largest.defvjp(_take_largest_forward, _take_largest_backward)


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Over the last axis of (n, height, width, channels), reading the feature maps once."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        features = jnp.asarray(inputs, jnp.float32)
        if training and self.trainable:
            mean = features.mean((0, 1, 2))
            variance = jnp.maximum(jnp.square(features).mean((0, 1, 2)) - jnp.square(mean), 0)
            count = features.size / features.shape[-1]
            # The unbiased variance is the one to remember.
            for moving, new in (
                (self.moving_mean, mean),
                (self.moving_variance, variance * (count / max(count - 1, 1))),
            ):
                moving.assign(moving.value * self.momentum + new * (1.0 - self.momentum))
        else:
            mean, variance = self.moving_mean.value, self.moving_variance.value
        factor = self.gamma.value * lax.rsqrt(variance + self.epsilon)
        outputs = features * factor + (self.beta.value - mean * factor)
        return outputs.astype(self.compute_dtype)
