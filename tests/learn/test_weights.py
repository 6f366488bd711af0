"""Weights from a file that somebody else may have written: only numbers come out of it."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from digit_recognizer.experiments.experiment import Dense, Experiment
from digit_recognizer.learn.backend import configure
from digit_recognizer.learn.models import build_model
from digit_recognizer.learn.weights import load_model, weights_of
from digit_recognizer.workspace import ProjectError

EXPERIMENT = Experiment("tiny", Dense((4,)))
KERNEL = "layers/dense/vars/0"
SHAPE = (784, 4)


@pytest.fixture(scope="module")
def good() -> bytes:
    configure(1)
    return weights_of(build_model(EXPERIMENT))


def rewrite(good: bytes, change: Callable[[h5py.File], object]) -> bytes:
    buffer = io.BytesIO(good)
    with h5py.File(buffer, "r+") as file:
        del file[KERNEL]
        change(file)
    return buffer.getvalue()


def test_weights_come_back_as_they_were() -> None:
    configure(1)
    model = build_model(EXPERIMENT)
    loaded = load_model(EXPERIMENT, weights_of(model), 1)
    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def link_to_another_file(file: h5py.File, secret: Path) -> None:
    file[KERNEL] = h5py.ExternalLink(str(secret), "x")


def keep_numbers_in_another_file(file: h5py.File, secret: Path) -> None:
    file["layers/dense/vars"].create_dataset("0", SHAPE, "f4", external=[(str(secret), 0, 12544)])


def show_another_file_s_numbers(file: h5py.File, secret: Path) -> None:
    layout = h5py.VirtualLayout(SHAPE, "f4")
    layout[:] = h5py.VirtualSource(str(secret), "x", shape=SHAPE)
    file["layers/dense/vars"].create_virtual_dataset("0", layout)


def link_inside(file: h5py.File, secret: Path) -> None:
    file[KERNEL] = h5py.SoftLink("/layers/dense_1/vars/0")


def be_of_another_shape(file: h5py.File, secret: Path) -> None:
    file[KERNEL] = np.zeros((3, 3), np.float32)


def claim_terabytes(file: h5py.File, secret: Path) -> None:
    file["layers/dense/vars"].create_dataset("0", (10**6, 10**6), "f4", chunks=(1000, 1000))


def lack_them(file: h5py.File, secret: Path) -> None:
    assert KERNEL not in file


def lack_all_layers(file: h5py.File, secret: Path) -> None:
    del file["layers"]


@pytest.mark.filterwarnings("ignore:Skipping nested container")
@pytest.mark.parametrize(
    "change",
    [
        link_to_another_file, keep_numbers_in_another_file, show_another_file_s_numbers,
        link_inside, be_of_another_shape, claim_terabytes, lack_them,
        lack_all_layers,
    ],
)  # fmt: skip
def test_hdf5_that_is_more_or_less_than_weights_is_refused(
    good: bytes, tmp_path: Path, change: Callable[[h5py.File, Path], object]
) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.full(SHAPE, 7, np.float32)
    changed = rewrite(good, lambda file: change(file, secret))
    with pytest.raises(ProjectError, match="tiny: its weights are not those of its network"):
        load_model(EXPERIMENT, changed, 1)


class Canary:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self.path), "w")


def sing(inputs: Any, path: str) -> Any:
    Path(path).touch()
    return inputs


@pytest.mark.filterwarnings("ignore:Skipping nested container")
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_model_with_code_in_the_weights_place_is_not_run(tmp_path: Path, ending: str) -> None:
    canary, path = tmp_path / "canary", tmp_path / f"lambda.{ending}"
    pixels = keras.Input((28, 28, 1))
    layer = keras.layers.Lambda(sing, arguments={"path": str(canary)})
    keras.Model(pixels, keras.layers.Flatten()(layer(pixels))).save(path)
    assert canary.exists(), "the canary would have sung"
    canary.unlink()
    with pytest.raises(ProjectError, match="its weights are not those"):
        load_model(EXPERIMENT, path.read_bytes(), 1)
    assert not canary.exists()


def test_a_pickle_in_the_weights_place_is_not_opened(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    with pytest.raises(ProjectError, match="its weights are not those"):
        load_model(EXPERIMENT, pickle.dumps(Canary(canary)), 1)
    assert not canary.exists()


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.99])
def test_a_file_cut_short_is_refused(good: bytes, kept: float) -> None:
    with pytest.raises(ProjectError, match="its weights are not those"):
        load_model(EXPERIMENT, good[: int(kept if kept > 1 else kept * len(good))], 1)
