"""What the backend is told depends on what there is to compute on."""

import sys
from pathlib import Path
from unittest.mock import MagicMock

import keras
import numpy as np
import pytest

from digit_recognizer.experiments import Dense, Experiment
from digit_recognizer.learn import weights
from digit_recognizer.learn.backend import configure
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
