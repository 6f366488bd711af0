"""Read an exported file: check that it is one of ours and holds nothing else.

In: a path or bytes. Out: a `ModelFile`. What always holds: a file that could do more than our own
exports is refused before ONNX Runtime loads it. It must not refer to other files, may contain only
the operators that exports contain, and no step may need much more memory than a network does.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from digit_recognizer.workspace import ProjectError, first_line

INPUT, OUTPUT = "images", "probabilities"
# Old enough for all runtimes of the last years; nothing newer is needed.
OPSET, IR_VERSION = 13, 7
OPERATORS = {
    "Abs", "Add", "BatchNormalization", "Cast", "Concat", "Conv", "Div", "Flatten", "Gemm",
    "MatMul", "Max", "MaxPool", "Mean", "Mul", "Pad", "ReduceMax", "ReduceMean", "Relu", "Reshape",
    "Sign", "Slice", "Softmax", "Sub", "Sum", "Transpose", "Unsqueeze",
}  # fmt: skip
FACTS = ("format", "label", "made_from")
FORMAT = "1"

_LARGEST_FILE = 512 * 2**20
# Values that one step may produce for an image; our widest network produces 55,296.
_LARGEST_STEP = 1_000_000


@dataclass(frozen=True)
class ModelFile:
    contents: bytes
    facts: dict[str, str]  # the metadata inside the file


def read_model(path: Path) -> ModelFile:
    """Read and check a file that may have come from anywhere."""
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE:
            _refuse(path.name, f"it has {size / 2**20:,.0f} MiB, and exports have less than 512")
        return check_model(path.read_bytes(), path.name)
    except OSError as error:
        raise ProjectError(f"Cannot read the model {path}: {error.strerror}.") from error


def check_model(contents: bytes, name: str) -> ModelFile:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(contents)
        _require_text(model)
        _require_plain(model, name)
        _require_interface(model.graph, name)
        _require_modest(model, name)
        facts = {entry.key: entry.value for entry in model.metadata_props}
    except (DecodeError, UnicodeDecodeError):  # names are decoded only when they are read
        _refuse(name, "it is not an ONNX file")
    if facts.get("format") != FORMAT or not all(facts.get(key) for key in FACTS):
        _refuse(name, "the facts about its runs are missing, or are of another version")
    if not facts["label"].isprintable():
        _refuse(name, "its label contains control characters")
    return ModelFile(contents, facts)


def _require_text(message: Any) -> None:
    """Names must be UTF-8; some versions of protobuf return others as bytes."""
    from google.protobuf.message import DecodeError

    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for part in [value] if hasattr(value, "ListFields") else value:
                _require_text(part)
        elif field.type == field.TYPE_STRING:
            texts = [value] if isinstance(value, str | bytes) else value
            if not all(isinstance(text, str) for text in texts):
                raise DecodeError("a name is not UTF-8")


def _require_plain(model: Any, name: str) -> None:
    """Allow only operators of the ONNX standard, without inner graphs or data in other files."""
    from onnx import AttributeProto, TensorProto

    if [(each.domain, each.version) for each in model.opset_import] != [("", OPSET)]:
        _refuse(name, f"it does not use only version {OPSET} of the standard's operators")
    foreign = sorted(
        {node.op_type for node in model.graph.node if node.domain}
        | ({node.op_type for node in model.graph.node} - OPERATORS)
    )
    if foreign or model.functions:
        _refuse(
            name, f"it has operators that exports do not have: {', '.join(foreign) or 'functions'}"
        )
    values = [attribute for node in model.graph.node for attribute in node.attribute]
    allowed = (AttributeProto.FLOAT, AttributeProto.INT, AttributeProto.INTS, AttributeProto.STRING)
    if any(each.type not in allowed for each in values) or model.graph.sparse_initializer:
        _refuse(name, "it has operators that contain graphs or tensors")
    if any(each.data_location == TensorProto.EXTERNAL for each in model.graph.initializer):
        _refuse(name, "it refers to data in other files")


def _require_interface(graph: Any, name: str) -> None:
    from onnx import TensorProto

    found = [_describe(each) for each in (*graph.input, *graph.output)]
    expected = [
        (INPUT, TensorProto.UINT8, (None, 28, 28)),
        (OUTPUT, TensorProto.FLOAT, (None, 10)),
    ]
    if found != expected:
        _refuse(
            name,
            f"its input is not {INPUT}, uint8 (n, 28, 28), or its output is not {OUTPUT}, float32 "
            "(n, 10)",
        )


def _describe(value: Any) -> tuple[str, int, tuple[int | None, ...]]:
    tensor = value.type.tensor_type
    sides = (side.dim_value if side.HasField("dim_value") else None for side in tensor.shape.dim)
    return value.name, tensor.elem_type, tuple(sides)


def _require_modest(model: Any, name: str) -> None:
    """For one image, the size of every step must be known in advance, and small."""
    import onnx
    from onnx import shape_inference

    alone = onnx.ModelProto()
    alone.CopyFrom(model)
    del alone.graph.value_info[:]  # do not trust what the file claims
    alone.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    try:
        onnx.checker.check_model(alone)
        inferred = shape_inference.infer_shapes(alone, strict_mode=True, data_prop=True)
    except (onnx.checker.ValidationError, shape_inference.InferenceError) as error:
        _refuse(name, f"its graph is invalid ({first_line(error)})")
    sizes = {
        each.name: math.prod(side or 0 for side in _describe(each)[2])
        for each in (*inferred.graph.value_info, *inferred.graph.output)
    }
    for node in model.graph.node:
        for made in node.output:
            if not 0 < sizes.get(made, 0) <= _LARGEST_STEP:
                _refuse(
                    name, f"its step {made!r} is larger than in any export, or its size is unknown"
                )


def _refuse(name: str, found: str) -> NoReturn:
    raise ProjectError(f"{name} is not a model that `make export` wrote: {found}. It was not run.")
