"""What the backend is told depends on what there is to compute on."""

import sys
from pathlib import Path
from unittest.mock import MagicMock

import keras
import numpy as np
import pytest

from digit_recognizer.experiments.experiment import ConvStages, Dense, Experiment
from digit_recognizer.learn import backend, weights
from digit_recognizer.learn.backend import choose_precision, configure
from digit_recognizer.learn.models import build_model
from digit_recognizer.learn.weights import load_model, weights_of


@pytest.mark.parametrize("cards", [[], ["one"], ["one", "two"]])
def test_the_same_bits_are_demanded_of_a_processor_only(
    cards: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keras.backend.backend() == "tensorflow"
    tensorflow = MagicMock()
    tensorflow.config.list_physical_devices.return_value = cards
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    configure.__wrapped__(1)
    experimental = tensorflow.config.experimental
    assert experimental.enable_op_determinism.called == (not cards)
    grown = [call.args for call in experimental.set_memory_growth.call_args_list]
    assert grown == [(card, True) for card in cards]


@pytest.mark.parametrize("older", [None, "3.8.0"])
def test_weights_are_the_same_again_whatever_keras_saves_them(
    older: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "find_older_keras", lambda: older)
    monkeypatch.setattr(weights, "configure", lambda threads: None)
    monkeypatch.chdir(tmp_path)
    experiment = Experiment("small", Dense((4,)))
    model = build_model(experiment)
    saved = weights_of(model)
    assert len(saved) > 4 * 784 * 4
    loaded = load_model(experiment, saved, threads=1)
    for before, after in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert np.array_equal(before, after)
    assert not list(tmp_path.glob("*.h5"))


def test_layers_compute_as_told_and_keep_their_weights_and_logits_in_float32() -> None:
    experiment = Experiment("small", ConvStages((4,)))
    for precision in ("float32", "bfloat16"):
        model = build_model(experiment, precision)
        convolution = next(each for each in model.layers if isinstance(each, keras.layers.Conv2D))
        assert convolution.compute_dtype == precision
        assert {str(variable.dtype) for variable in model.trainable_variables} == {"float32"}
        assert model.output.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32", "what others build is not concerned"


def test_bfloat16_is_taken_only_where_it_is_the_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"float32": 1.0}
    monkeypatch.setattr(backend, "_time_convolution", seconds.get)
    for bfloat16, chosen in ((0.5, "bfloat16"), (0.9, "float32"), (4.0, "float32")):
        seconds["bfloat16"] = bfloat16
        assert choose_precision.__wrapped__(1) == chosen
    monkeypatch.setattr(backend, "describe_device", lambda: "Tesla T4")
    assert choose_precision.__wrapped__(1) == "float32"


def test_the_measurement_takes_a_moment() -> None:
    configure(1)
    assert all(0 < backend._time_convolution(each) < 1 for each in ("float32", "bfloat16"))
