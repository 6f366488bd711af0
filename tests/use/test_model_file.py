"""Of model files from anywhere, only our own exports are run."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from digit_recognizer.experiments.experiment import ConvStages, Experiment
from digit_recognizer.use.export.blend import write_blend
from digit_recognizer.use.keras_recognizer import KerasRecognizer
from digit_recognizer.use.model_file import check_model, read_model
from digit_recognizer.use.onnx_recognizer import OnnxRecognizer, load_onnx
from digit_recognizer.workspace import ProjectError
from tests.use.random_networks import draw_images, make_member

FACTS = {"format": "1", "label": "made up", "made_from": "nothing"}
IMAGES = draw_images(3)


@pytest.fixture(scope="module")
def good() -> bytes:
    member = make_member(Experiment("tiny", ConvStages((6, 8)), test_shift=1), folds=1)
    return write_blend(KerasRecognizer("made up", [member]), FACTS, "Made up.")


def rewrite(good: bytes, change: Callable[[Any], object]) -> bytes:
    model = onnx.load_model_from_string(good)
    change(model)
    contents: bytes = model.SerializeToString()
    return contents


def find(model: Any, operator: str) -> Any:
    return next(node for node in model.graph.node if node.op_type == operator)


def test_our_own_file_is_accepted(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ours.onnx"
    path.write_bytes(good)
    assert read_model(path).facts == FACTS
    recognizer = load_onnx(path)
    assert recognizer.label == "made up"
    assert recognizer.recognize(IMAGES).shape == (3, 10)


def add_foreign_operator(model: Any) -> None:
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    model.graph.node.append(helper.make_node("Steal", [], ["x"], domain="com.example"))


def add_hidden_foreign_operator(model: Any) -> None:
    find(model, "Relu").domain = "com.microsoft"


def add_function(model: Any) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    model.functions.append(
        helper.make_function("", "Sum", ["x"], ["y"], [node], [helper.make_opsetid("", 13)])
    )


def add_inner_graph(model: Any) -> None:
    inner = helper.make_graph([], "inner", [], [])
    find(model, "Relu").attribute.append(helper.make_attribute("then_branch", inner))


def refer_to_file(model: Any) -> None:
    weights = model.graph.initializer[-1]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in {"location": "../../../etc/passwd", "offset": "0", "length": "40"}.items():
        weights.external_data.add(key=key, value=value)


def refer_to_file_in_an_attribute(model: Any) -> None:
    tensor = helper.make_tensor("t", TensorProto.FLOAT, [1], [0.0])
    find(model, "Relu").attribute.append(helper.make_attribute("value", tensor))


def take_other_images(model: Any) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT


def take_larger_images(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 32


def take_something_else(model: Any) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))


def answer_something_else(model: Any) -> None:
    model.graph.output[0].name = "tiny/mean-of-moves"


def answer_more(model: Any) -> None:
    model.graph.output.append(
        helper.make_tensor_value_info("as-numbers", TensorProto.FLOAT, ["n", 28, 28])
    )


def pad_without_end(model: Any) -> None:
    (name,) = [each for each in find(model, "Pad").input if each.endswith("paper")]
    (constant,) = [each for each in model.graph.initializer if each.name == name]
    wide = np.array([0, 0, 20_000, 20_000, 0, 0, 20_000, 20_000])
    constant.CopyFrom(numpy_helper.from_array(wide, name))


def double_again_and_again(model: Any) -> None:
    last = "as-numbers"
    position = 1
    for turn in range(40):
        node = helper.make_node("Concat", [last, last], [f"doubled-{turn}"], axis=1)
        model.graph.node.insert(position + turn, node)
        last = f"doubled-{turn}"


def loop_back(model: Any) -> None:
    find(model, "Relu").input[0] = "probabilities"


def use_a_newer_standard(model: Any) -> None:
    model.opset_import[0].version = 21


def forget_facts(model: Any) -> None:
    del model.metadata_props[:]


def be_of_another_format(model: Any) -> None:
    helper.set_model_props(model, {**FACTS, "format": "2"})


def have_a_colourful_name(model: Any) -> None:
    helper.set_model_props(model, {**FACTS, "label": "\x1b[31mred"})


CHANGES = {
    add_foreign_operator: "version 13 of the standard's operators",
    add_hidden_foreign_operator: "operators that exports do not have: Relu",
    add_function: "functions",
    add_inner_graph: "contain graphs or tensors",
    refer_to_file: "refers to data in other files",
    refer_to_file_in_an_attribute: "contain graphs or tensors",
    take_other_images: r"input is not images, uint8 \(n, 28, 28\)",
    take_larger_images: r"input is not images, uint8 \(n, 28, 28\)",
    take_something_else: "input is not images",
    answer_something_else: "input is not images",
    answer_more: "input is not images",
    pad_without_end: "larger than in any export",
    double_again_and_again: "larger than in any export|graph is invalid",
    loop_back: "graph is invalid",
    use_a_newer_standard: "version 13 of the standard",
    forget_facts: "facts about its runs are missing",
    be_of_another_format: "another version",
    have_a_colourful_name: "control characters",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_file_that_differs_from_exports_is_refused_in_one_sentence(
    good: bytes, tmp_path: Path, change: Callable[[Any], object]
) -> None:
    path = tmp_path / "foreign.onnx"
    path.write_bytes(rewrite(good, change))
    with pytest.raises(ProjectError, match=CHANGES[change]) as refusal:
        load_onnx(path)
    told = str(refusal.value)
    assert told.startswith("foreign.onnx is not a model that `make export` wrote")
    assert "\n" not in told
    assert "\x1b" not in told


@pytest.mark.parametrize(
    "contents", [b"", b"PK\x03\x04 a zip", b"\x89HDF\r\n\x1a\n", b"\x80\x04pickle", b"{}"]
)
def test_other_kinds_of_files_are_refused(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(contents)
    with pytest.raises(ProjectError, match=r"other\.onnx is not a model that `make export` wrote"):
        load_onnx(path)


def test_a_missing_file_or_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"Cannot read the model .*nowhere\.onnx: No such file"):
        load_onnx(tmp_path / "nowhere.onnx")
    with pytest.raises(ProjectError, match="Is a directory"):
        load_onnx(tmp_path)


def test_a_huge_file_is_refused_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    path.touch()
    os.truncate(path, 2**40)
    with pytest.raises(ProjectError, match="1,048,576 MiB"):
        load_onnx(path)


@pytest.mark.parametrize("text", [b"as-numbers", b"Relu", b"made up", b"label", b"made_from"])
def test_a_file_with_names_that_are_not_utf8_is_refused(good: bytes, text: bytes) -> None:
    assert text in good
    damaged = good.replace(text, b"\xff" + text[1:])
    with pytest.raises(ProjectError, match="it is not an ONNX file"):
        check_model(damaged, "damaged")


def test_a_damaged_file_is_refused_or_still_predicts(good: bytes) -> None:
    generator = np.random.default_rng(0)
    refused = 0
    for _ in range(120):
        damaged = bytearray(good)
        damaged[generator.integers(len(good))] ^= 1 << generator.integers(8)
        try:
            answers = OnnxRecognizer(check_model(bytes(damaged), "damaged"), 1).recognize(IMAGES)
        except ProjectError:
            refused += 1
        else:
            assert answers.shape == (3, 10)
    assert 0 < refused < 120
