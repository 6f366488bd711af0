"""One Keras network as ONNX nodes, layer by layer.

In: a network as `learn.models` builds it, and the name of its pixels, (n, 1, 28, 28) float32. Out:
the name of its logits, (n, 10). What always holds: a layer or option that is not known here is an
error that names it; layers that only training needs are left out; the same networks give the same
bytes, because names depend only on the order of writing.

Keras has channels last, ONNX has them before rows and columns. This matters for the kernels of
convolutions and for the order in which features are flattened. Batch normalisation is not merged
into convolutions here, because ONNX Runtime does that when it loads the file.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from digit_recognizer.learn.augment import CENTRE, SIZE
from digit_recognizer.learn.models.digit_width import LARGEST_STRETCH, digit_width_layer
from digit_recognizer.workspace import ProjectError

_CHANNELS_LAST = [0, 2, 3, 1]


@dataclass
class GraphWriter:
    """An ONNX graph that is written node by node."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def write(self, operator: str, name: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node; return the name of its output, which is also the node's name."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def keep(self, name: str, values: np.ndarray) -> str:
        """Add a constant, such as weights; return its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def write_network(graph: GraphWriter, network: Any, pixels: str, place: str) -> str:
    """Write all layers, with names that begin with `place`."""
    names = {id(network.input): pixels}
    for number, layer in enumerate(network.layers[1:], start=1):  # the first layer is the input
        # Keras's own names depend on what the process has built before.
        name = f"{place}/{number:02d}-{type(layer).__name__}"
        taken = layer.input if isinstance(layer.input, list) else [layer.input]
        inputs = [names[id(tensor)] for tensor in taken]
        if isinstance(layer, digit_width_layer()):
            written = _write_stretch(graph, layer.columns, name, *inputs)
        else:
            written = _write_layer(graph, layer, name, inputs)
        names[id(layer.output)] = written
    return names[id(network.output)]


def _write_layer(graph: GraphWriter, layer: Any, name: str, inputs: list[str]) -> str:
    from keras import layers

    where: dict[str, Any] = {}
    match layer:
        case layers.Dropout():
            return inputs[0]
        case layers.Add():
            operator = "Sum"
        case layers.ReLU(max_value=None, negative_slope=0, threshold=0):
            operator = "Relu"
        case layers.Flatten():
            operator = "Flatten"
            inputs = [graph.write("Transpose", f"{name}/rows", inputs, perm=_CHANNELS_LAST)]
        case layers.Rescaling(offset=0):
            operator = "Mul"
            inputs = [*inputs, graph.keep(f"{name}/scale", np.array(layer.scale, np.float32))]
        case layers.Cropping2D(cropping=((top, bottom), (first, last))):
            operator = "Slice"
            _, height, width, _ = layer.input.shape
            corners = ([top, first], [height - bottom, width - last], [2, 3])
            for what, values in zip(("from", "to", "axes"), corners, strict=True):
                inputs = [*inputs, graph.keep(f"{name}/{what}", np.array(values))]
        case layers.MaxPooling2D():
            operator = "MaxPool"
            where = _describe_window(layer, layer.pool_size)
        case layers.BatchNormalization():
            operator = "BatchNormalization"
            statistics = ("gamma", "beta", "moving_mean", "moving_variance")
            inputs = [*inputs, *_keep_weights(graph, layer, name, *statistics)]
            where = {"epsilon": layer.epsilon}
        case layers.Conv2D(groups=1, dilation_rate=(1, 1)):
            operator = "Conv"
            kernel = layer.kernel.numpy().transpose(3, 2, 0, 1)
            inputs = [*inputs, graph.keep(f"{name}/kernel", kernel)]
            inputs += _keep_weights(graph, layer, name, *(["bias"] if layer.use_bias else []))
            where = _describe_window(layer, layer.kernel_size)
        case layers.Dense():
            operator = "Gemm"
            weights = ["kernel", "bias"] if layer.use_bias else ["kernel"]
            inputs = [*inputs, *_keep_weights(graph, layer, name, *weights)]
        case _:
            raise ProjectError(
                f"{name}: a layer of this kind cannot be exported; use/export/network.py cannot "
                "translate it to ONNX."
            )
    written = graph.write(operator, name, inputs, **where)
    return _write_activation(graph, layer, written) if operator in ("Conv", "Gemm") else written


def _write_stretch(graph: GraphWriter, columns: int, name: str, pixels: str) -> str:
    """Write what `DigitWidth` does, step by step."""
    places = np.arange(SIZE, dtype=np.float32)

    def write(operator: str, step: str, *inputs: str | np.ndarray | float, **options: Any) -> str:
        """Add a node; numbers among its inputs become constants."""
        step = f"{name}/{step}"
        named = [
            each
            if isinstance(each, str)
            else graph.keep(f"{step}/{place}", np.asarray(each, np.float32))
            for place, each in enumerate(inputs)
        ]
        return graph.write(operator, step, named, **options)

    def find_edge(step: str, numbers: np.ndarray) -> str:
        numbered = write("Mul", f"{step}-numbers", has_ink, numbers)
        return write("ReduceMax", step, numbered, axes=[3])

    has_ink = write("Sign", "has-ink", write("ReduceMax", "darkest", pixels, axes=[2]))
    right = find_edge("right", places)
    left = write("Sub", "left", SIZE - 1, find_edge("from-right", places[::-1]))
    between = write("Add", "between", write("Sub", "difference", right, left), 1)
    width = write("Max", "width", between, 1)
    share = write("Div", "share", width, columns)
    step = write("Max", "step", share, 1 / LARGEST_STRETCH)
    middle = write("Div", "middle", write("Add", "sum", left, right), 2)
    away = write("Mul", "away", step, places - CENTRE)
    sources = write("Add", "sources", middle, away)
    distances = write("Abs", "distances", write("Sub", "apart", sources, places[:, None]))
    parts = write("Relu", "parts", write("Sub", "nearness", 1, distances))
    return write("MatMul", "stretched", pixels, parts)


def _write_activation(graph: GraphWriter, layer: Any, linear: str) -> str:
    match layer.activation.__name__:
        case "linear":
            return linear
        case "relu":
            return graph.write("Relu", f"{linear}/relu", [linear])
    raise ProjectError(f"{linear} ends with {layer.activation.__name__}, which cannot be exported.")


def _keep_weights(graph: GraphWriter, layer: Any, name: str, *weights: str) -> list[str]:
    return [graph.keep(f"{name}/{each}", getattr(layer, each).numpy()) for each in weights]


def _describe_window(layer: Any, sides: tuple[int, ...]) -> dict[str, Any]:
    """Return the window of a convolution or pooling; an odd pixel of padding comes last."""
    before, after = [0, 0], [0, 0]
    if layer.padding == "same":
        sizes = layer.input.shape[1:3]
        pads = [
            max((-(-size // stride) - 1) * stride + side - size, 0)
            for size, side, stride in zip(sizes, sides, layer.strides, strict=True)
        ]
        before, after = [pad // 2 for pad in pads], [pad - pad // 2 for pad in pads]
    return {"kernel_shape": sides, "strides": layer.strides, "pads": before + after}
