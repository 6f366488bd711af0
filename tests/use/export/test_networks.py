"""Every network that can be trained predicts in its file as it does in Keras."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import onnx
import pytest

from digit_recognizer.experiments.experiment import ConvStages, Dense
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.learn.models import build_model
from digit_recognizer.use.export.blend import write_blend
from digit_recognizer.use.export.litert import LiteRtRecognizer, write_litert
from digit_recognizer.use.export.write import compare
from digit_recognizer.use.keras_recognizer import KerasRecognizer, Member
from digit_recognizer.use.model_file import check_model
from digit_recognizer.use.onnx_recognizer import OnnxRecognizer
from digit_recognizer.workspace import ProjectError
from tests.use.random_networks import KINDS, draw_images, make_member

FACTS = {"format": "1", "label": "made up", "made_from": "nothing"}
IMAGES = draw_images(40)
ROUND = 5e-5  # rounding matters more with random weights than with trained ones


def write(*members: Member) -> bytes:
    return write_blend(KerasRecognizer("made up", list(members)), FACTS, "Made up.")


def run_onnx(contents: bytes) -> OnnxRecognizer:
    return OnnxRecognizer(check_model(contents, "made up"), threads=2)


def assert_same(ours: np.ndarray, theirs: np.ndarray) -> None:
    """The same up to rounding, and predictions that differ and are not extreme."""
    assert theirs.std(axis=0).min() > 1e-3, "predictions differ between images"
    assert theirs.max() < 0.9999
    np.testing.assert_allclose(ours, theirs, atol=ROUND)
    assert compare(ours, theirs).changed_labels == 0
    assert ours.dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_predicts_in_onnx_as_in_keras(kind: str) -> None:
    member = make_member(KINDS[kind])
    assert_same(run_onnx(write(member)).recognize(IMAGES), member.recognize(IMAGES))


def test_all_kinds_of_trained_networks_are_tested_here() -> None:
    kinds = {type(experiment.network) for experiment in KINDS.values()}
    assert {type(experiment.network) for experiment in EXPERIMENTS.values()} <= kinds
    assert {experiment.pixels for experiment in KINDS.values()} == {"raw", "unit"}


def test_experiments_have_equal_weight_whatever_their_folds_and_shifts() -> None:
    members = [make_member(KINDS["residual"], folds=1), make_member(KINDS["dense"], folds=3)]
    expected = (members[0].recognize(IMAGES) + members[1].recognize(IMAGES)) / 2
    assert_same(KerasRecognizer("", members).recognize(IMAGES), expected)
    assert_same(run_onnx(write(*members)).recognize(IMAGES), expected)


@pytest.mark.slow
def test_a_line_up_of_all_kinds_predicts_in_litert_as_in_keras() -> None:
    keras_recognizer = KerasRecognizer("all", [make_member(each, 1) for each in KINDS.values()])
    litert = LiteRtRecognizer("all", write_litert(keras_recognizer), threads=1)
    expected = keras_recognizer.recognize(IMAGES)
    assert_same(litert.recognize(IMAGES), expected)
    assert_same(litert.recognize(IMAGES[:7]), expected[:7])
    assert litert.recognize(IMAGES[:0]).shape == (0, 10)


@pytest.mark.parametrize("kind", KINDS)
def test_each_weight_has_the_same_effect_as_in_keras(kind: str) -> None:
    member = make_member(KINDS[kind], folds=1)
    before = member.recognize(IMAGES)
    followed = 0
    for variable in member.networks[0].weights:
        kept = np.asarray(variable.numpy())
        changed = kept.copy()
        changed.flat[changed.size // 2] += 2
        variable.assign(changed)
        expected = member.recognize(IMAGES)
        np.testing.assert_allclose(run_onnx(write(member)).recognize(IMAGES), expected, atol=ROUND)
        variable.assign(kept)
        # A unit that is always 0 has no effect.
        followed += np.abs(expected - before).max() > 10 * ROUND
    assert followed > 0.5 * len(member.networks[0].weights)


def test_the_same_networks_give_the_same_bytes_whatever_was_built_before() -> None:
    first = write(make_member(KINDS["stages"]))
    build_model(KINDS["dense"])
    assert write(make_member(KINDS["stages"])) == first


def test_the_file_uses_an_old_standard_and_contains_its_facts() -> None:
    model = onnx.load_model_from_string(write(make_member(KINDS["stages"])))
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 13)]
    assert model.ir_version == 7
    assert {each.key: each.value for each in model.metadata_props} == FACTS
    assert model.doc_string == "Made up."
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    assert sum(name.startswith("stages/fold-1/") for name in names) > 10


def build(*layers: Any) -> Member:
    pixels = keras.Input((28, 28, 1))
    features: Any = pixels
    for layer in layers:
        features = layer(features)
    return Member("odd", [keras.Model(pixels, features)], 0)


@pytest.mark.parametrize(
    ("layers", "named"),
    [
        ([keras.layers.LayerNormalization(), keras.layers.Flatten()], "01-LayerNormalization"),
        ([keras.layers.Flatten(), keras.layers.Dense(10, activation="gelu")], "gelu"),
        ([keras.layers.Rescaling(1 / 127.5, offset=-1)], "01-Rescaling"),
        ([keras.layers.Conv2D(4, 3, dilation_rate=2)], "01-Conv2D"),
        ([keras.layers.ReLU(max_value=6)], "01-ReLU"),
        ([keras.layers.ReLU(negative_slope=0.1)], "01-ReLU"),
    ],
)
def test_a_layer_without_a_translation_is_named(layers: list[Any], named: str) -> None:
    with pytest.raises(ProjectError, match=named):
        write(build(*layers))


def test_nan_counts_as_the_largest_difference() -> None:
    right = np.full((3, 10), 0.1, np.float32)
    wrong = right.copy()
    wrong[1, 4] = np.nan
    assert not compare(wrong, right).is_close
    assert compare(right, right).is_close
    near = right.copy()
    near[2, 7] += 2e-4
    found = compare(near, right)
    assert (found.is_close, found.changed_labels) == (False, 1)
    assert found.largest_difference == pytest.approx(2e-4, rel=1e-3)


def test_the_widest_network_is_accepted() -> None:
    """A network far wider than the experiments passes the checks for files from elsewhere."""
    wide = replace(EXPERIMENTS["stages"], network=ConvStages((64, 128, 128), crop=0))
    assert run_onnx(write(make_member(wide, folds=1))).recognize(IMAGES[:1]).shape == (1, 10)
    dense = replace(KINDS["dense"], network=Dense((784, 784)))
    assert run_onnx(write(make_member(dense, folds=1))).recognize(IMAGES[:1]).shape == (1, 10)
