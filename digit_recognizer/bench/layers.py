"""A network as a plain list of layers, with the multiply-adds of each.

In: a Keras model. Out: JSON values, from which another library can build the same network. What
always holds: multiply-adds are counted for one image, forward only; additions, activations and
normalisation, which are a small part, are not counted.
"""

import math
from typing import Any

# The options that another library needs to build a layer; all are plain values.
_OPTIONS = {
    "activation",
    "dilation_rate",
    "epsilon",
    "filters",
    "groups",
    "kernel_size",
    "momentum",
    "padding",
    "pool_size",
    "rate",
    "scale",
    "strides",
    "units",
    "use_bias",
}


def describe_layers(model: Any) -> list[dict[str, Any]]:
    return [
        {
            "kind": stock_class(layer).__name__,
            "options": {k: v for k, v in layer.get_config().items() if k in _OPTIONS},
            "input": _shape(layer.input),
            "output": _shape(layer.output),
            "multiply_adds": _count_multiply_adds(layer),
        }
        for layer in model.layers
        if stock_class(layer).__name__ != "InputLayer"
    ]


def count_multiply_adds(layers: list[dict[str, Any]]) -> int:
    return sum(layer["multiply_adds"] for layer in layers)


def stock_class(layer: Any) -> type:
    """Return the layer's class, or the class of Keras that ours is derived from."""
    return next(kind for kind in type(layer).__mro__ if kind.__module__.startswith("keras."))


def _count_multiply_adds(layer: Any) -> int:
    """Each number of a kernel is used once for each position of the output."""
    kernels = [w for w in layer.trainable_weights if len(w.shape) > 1]
    if not kernels:
        return 0
    places = math.prod(_shape(layer.output)[:-1])
    return places * sum(math.prod(kernel.shape) for kernel in kernels)


def _shape(tensor: Any) -> list[int]:
    """Return the shape for one image; of several inputs, that of the first."""
    first = tensor[0] if isinstance(tensor, list) else tensor
    return list(first.shape[1:])
