"""Every contender, on tiny tasks."""

import json
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from digit_recognizer.bench import ours, pytorch, stock
from digit_recognizer.bench.contenders import ContenderError, contending, take_turns
from digit_recognizer.bench.layers import count_multiply_adds, describe_layers
from digit_recognizer.experiments.experiment import ConvStages, Dense, Deotte, Experiment
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.learn.backend import configure
from digit_recognizer.learn.models import build_model
from digit_recognizer.workspace import Workspace
from tests.bench.turns_of import answers_to, make_task

pytestmark = pytest.mark.slow

SMALL = Experiment(
    "small", ConvStages((4, 8)), batch_size=16, optimizer="adamw", average_decay=0.9, folds=3
)
DENSE = replace(EXPERIMENTS["dense-50-50"], epochs=3, folds=3)


@pytest.fixture(autouse=True, scope="module")
def _threads() -> None:
    """The number of threads must be set before TensorFlow is used."""
    configure(1)


def described(experiment: Experiment, precision: str = "float32") -> list[dict[str, Any]]:
    """Return the network's description after a way through JSON."""
    told = json.dumps(describe_layers(build_model(experiment, precision)))
    layers: list[dict[str, Any]] = json.loads(told)
    return layers


def is_of_80(accuracy: float) -> bool:
    """Whether it can be the accuracy on a third of the 240 images."""
    return abs(80 * accuracy - round(80 * accuracy)) < 1e-6


@pytest.mark.parametrize("role", ["train ours", "train stock", "predict ours", "predict stock"])
def test_a_contender_warms_up_and_then_answers_turn_by_turn(
    workspace: Workspace, role: str
) -> None:
    warm, *turns = answers_to(make_task(workspace, role, SMALL, images=32), 2)
    assert warm
    assert turns == [{}, {}], "the caller measures the time"


def test_ours_reports_its_network_and_precision(workspace: Workspace) -> None:
    warm, *_ = answers_to(make_task(workspace, "train ours", SMALL, images=16), 0)
    assert warm == {"layers": described(SMALL), "precision": "float32"}


@pytest.mark.parametrize("role", ["train ours", "predict ours"])
def test_ours_computes_in_the_precision_that_was_chosen_before(
    workspace: Workspace, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "choose_precision", lambda threads: "float32")
    undecided = replace(SMALL, precision="auto")
    (chosen,) = answers_to(make_task(workspace, role, undecided, images=16), 0)
    assert chosen["precision"] == "float32"
    task = make_task(workspace, role, undecided, images=16)
    (told,) = answers_to(task.knowing({"precision": "bfloat16", "xla": True}), 0)
    assert told["precision"] == "bfloat16"


def test_products_are_timed_in_both_precisions(workspace: Workspace) -> None:
    warm, *turns = answers_to(make_task(workspace, "multiply", side=16), 2)
    assert warm == {}
    assert [sorted(turn) for turn in turns] == [["bfloat16", "float32"]] * 2


def test_trainings_of_growing_length_are_each_scored_on_the_whole_fold(
    workspace: Workspace,
) -> None:
    task = make_task(workspace, "reach by the whole training", DENSE)
    warm, *turns = answers_to(task, 9)
    assert warm == {"precision": "float32"}
    assert [turn["epochs"] for turn in turns] == [1, 2, 3]
    assert all(is_of_80(turn["accuracy"]) for turn in turns)


def test_one_training_is_scored_on_the_whole_fold_after_each_epoch(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digit_recognizer.learn.training.CURVE_IMAGES", 7)
    _, *turns = answers_to(make_task(workspace, "reach by epochs", DENSE), 9)
    assert [turn["epochs"] for turn in turns] == [1, 2, 3]
    seconds = [turn["seconds"] for turn in turns]
    assert seconds == sorted(seconds)
    assert all(is_of_80(turn["accuracy"]) for turn in turns)


def test_the_keras_example_is_trained_epoch_by_epoch(workspace: Workspace) -> None:
    _, *turns = answers_to(make_task(workspace, "reach by the Keras example", DENSE), 1)
    assert [turn["epochs"] for turn in turns] == [1]
    assert 0 < turns[0]["accuracy"] < 1


def test_lengths_double_up_to_the_experiments_own() -> None:
    assert ours.lengths(12) == [1, 2, 4, 8, 12]
    assert ours.lengths(8) == [1, 2, 4, 8]
    assert ours.lengths(1) == [1]


@pytest.mark.parametrize("network", [ConvStages((4, 8)), Deotte(width=2), Dense((8,))])
def test_stock_has_the_same_layers_but_only_keras_classes(network: Any) -> None:
    model = build_model(Experiment("any", network))
    same = stock.restock(model)
    assert describe_layers(same) == describe_layers(model)
    assert all(type(layer).__module__.startswith("keras.") for layer in same.layers)
    assert not all(type(layer).__module__.startswith("keras.") for layer in model.layers) or (
        isinstance(network, Dense)
    )


def test_multiply_adds_agree_with_values_by_hand() -> None:
    by_hand = {
        # 3x3 kernels without padding: 28 -> 26 -> (pool) 13.
        "conv-32": 26 * 26 * 32 * 9 + 13 * 13 * 32 * 128 + 128 * 10,
        "dense-128-64": 784 * 128 + 128 * 64 + 64 * 10,
    }
    for name, expected in by_hand.items():
        assert count_multiply_adds(described(EXPERIMENTS[name])) == expected
    # Padded: 28 x 28, 14 x 14, and 7 x 7 flattened; strided: see Deotte, 24 -> 12.
    stages = 28 * 28 * 9 * (1 * 4 + 4 * 4) + 14 * 14 * 9 * (4 * 8 + 8 * 8) + 49 * 8 * 10
    assert count_multiply_adds(described(SMALL)) == stages
    assert described(SMALL, "bfloat16")[-1]["multiply_adds"] == 49 * 8 * 10


def test_a_missing_pytorch_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytorch.importlib.util, "find_spec", lambda name: None)
    assert not pytorch.is_installed()


# TensorFlow and PyTorch in one process may crash, so these tests use separate processes as well.
needs_pytorch = pytest.mark.skipif(not pytorch.is_installed(), reason="PyTorch is not installed")


@needs_pytorch
@pytest.mark.slow
@pytest.mark.parametrize(
    ("role", "network", "precision"),
    [
        ("train pytorch", ConvStages((4, 8)), "bfloat16"),
        ("train pytorch", Deotte(width=2), "float32"),
        ("predict pytorch", Dense((8,)), "float32"),
    ],
)
def test_pytorch_computes_the_same_network(
    workspace: Workspace, role: str, network: Any, precision: str
) -> None:
    experiment = Experiment("any", network)
    model = build_model(experiment)
    task = make_task(
        workspace,
        role,
        experiment,
        images=16,
        layers=described(experiment),
        precision=precision,
    )
    with contending(task) as contender:
        assert contender.warm_up()["parameters"] == sum(
            int(np.prod(weight.shape)) for weight in model.trainable_weights
        )
        assert len(take_turns({"it": contender}, 2)["it"]) == 2


@needs_pytorch
def test_pytorch_refuses_a_layer_without_a_translation(workspace: Workspace) -> None:
    layer = {"kind": "Add", "options": {}, "input": [1], "output": [1], "multiply_adds": 0}
    with (
        contending(make_task(workspace, "train pytorch", layers=[layer])) as contender,
        pytest.raises(ContenderError, match="no translation of the layer Add"),
    ):
        contender.warm_up()


def test_a_layer_of_keras_is_its_own_stock_class() -> None:
    assert stock.stock_class(keras.layers.ReLU()) is keras.layers.ReLU
