"""A training that was stopped continues from its checkpoint, and ends with the same bits."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digit_recognizer.data.folds import assign_folds
from digit_recognizer.experiments.experiment import Augmentation, ConvStages, Dense, Experiment
from digit_recognizer.experiments.text import to_dict
from digit_recognizer.faults import VARIABLE
from digit_recognizer.learn.engine import Fit
from digit_recognizer.learn.gpu.engine import GpuEngine
from digit_recognizer.learn.training import FoldData, fit_fold
from digit_recognizer.runs.checkpoint import SAVE_EVERY, Checkpoint, UnusableError
from digit_recognizer.runs.folder import FoldResult
from digit_recognizer.workspace import ProjectError
from tests.learn.test_gpu import fit_all

# Everything that a training changes: dropout's and augmentation's random numbers, batch
# statistics, the optimizer's moments, averages, and the best weights so far.
CONV = Experiment(
    "conv",
    ConvStages((4, 4), dropout_rate=0.3),
    augmentation=Augmentation(rotation=10, elastic=0.5),
    optimizer="adamw",
    schedule="triangular",
    average_decay=0.9,
    epochs=4,
    batch_size=32,
    folds=3,
)
STOPPED_EARLY = Experiment(
    "dense", Dense((16,), dropout_rate=0.3), epochs=6, patience=3, batch_size=32, folds=3
)


class Stop(Exception):  # noqa: N818 - not an error
    pass


@pytest.fixture(scope="module")
def data() -> FoldData:
    draw = np.random.default_rng(0)
    labels = np.arange(150) % 10
    images = draw.integers(0, 60, (170, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=False):
        image[label * 2 : label * 2 + 4, 4:24] += 150
    return FoldData(images[:150], labels, assign_folds(labels, 3, 0), images[150:])


@pytest.fixture(autouse=True)
def _save_after_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SAVE_EVERY, "0")


def checkpoint_of(experiment: Experiment, folder: Path, fold: int = 1) -> Checkpoint:
    training = {"experiment": to_dict(experiment), "fold": fold}
    return Checkpoint(folder / f"fold-{fold}/checkpoint", training)


def fit(
    experiment: Experiment, data: FoldData, checkpoint: Checkpoint, stop_after: int = 0
) -> FoldResult:
    """Train; stop in the middle of the epoch after this one."""
    epochs: list[int] = []

    def report(news: dict[str, Any]) -> None:
        epochs.extend([news["epoch"]] if "epoch" in news else [])
        if stop_after and epochs and epochs[-1] == stop_after and "epoch" not in news:
            raise Stop

    return fit_fold(experiment, 1, data, 1, report, checkpoint=checkpoint)


def assert_same(result: FoldResult, expected: FoldResult) -> None:
    assert result.oof.tobytes() == expected.oof.tobytes()
    assert result.test.tobytes() == expected.test.tobytes()
    assert without_times(result) == without_times(expected)
    assert result.facts["images_trained"] == expected.facts["images_trained"]


def without_times(result: FoldResult) -> list[dict[str, float]]:
    return [
        {name: value for name, value in record.items() if name != "training_seconds"}
        for record in result.history
    ]


@pytest.mark.parametrize("experiment", [CONV, STOPPED_EARLY], ids=lambda each: each.name)
def test_stopped_twice_it_ends_with_the_same_bits(
    data: FoldData, tmp_path: Path, experiment: Experiment
) -> None:
    expected = fit_fold(experiment, 1, data, 1, lambda news: None)
    checkpoint = checkpoint_of(experiment, tmp_path)
    for epoch in (1, 3):
        with pytest.raises(Stop):
            fit(experiment, data, checkpoint, stop_after=epoch)
        saved = checkpoint.load()
        assert saved is not None
        assert saved.epochs == epoch
    result = fit(experiment, data, checkpoint)
    assert_same(result, expected)
    assert result.weights == expected.weights
    parts = result.facts["earlier_parts"]
    assert [part["up_to_epoch"] for part in parts] == [1, 3]
    assert result.facts["seconds"] > sum(part["seconds"] for part in parts)


def test_it_is_not_saved_more_often_than_it_pays(
    data: FoldData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SAVE_EVERY)
    checkpoint = checkpoint_of(STOPPED_EARLY, tmp_path)
    fit(STOPPED_EARLY, data, checkpoint)
    assert not checkpoint.path.exists(), "this took less than a minute"


@pytest.fixture(scope="module")
def saved(data: FoldData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoint of a training that was stopped."""
    folder = tmp_path_factory.mktemp("saved")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        patch.setenv(SAVE_EVERY, "0")
        fit(CONV, data, checkpoint_of(CONV, folder), stop_after=2)
    return folder


@pytest.fixture
def checkpoint(saved: Path, tmp_path: Path) -> Checkpoint:
    shutil.copytree(saved, tmp_path / "own")
    return checkpoint_of(CONV, tmp_path / "own")


@pytest.mark.parametrize("at", [0, 70, 3_000, -1])
def test_damage_is_noticed(checkpoint: Checkpoint, at: int) -> None:
    contents = bytearray(checkpoint.path.read_bytes())
    contents[at] ^= 1
    checkpoint.path.write_bytes(contents)
    with pytest.raises(UnusableError, match="it is damaged"):
        checkpoint.load()


@pytest.mark.parametrize("length", [0, 10, 65, 5_000])
def test_so_is_an_end_that_is_missing(checkpoint: Checkpoint, length: int) -> None:
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:length])
    with pytest.raises(UnusableError, match="it is damaged"):
        checkpoint.load()


def test_another_trainings_checkpoint_is_not_used(checkpoint: Checkpoint) -> None:
    for training, name in (
        ({**checkpoint.training, "fold": 2}, "fold"),
        ({**checkpoint.training, "experiment": to_dict(replace(CONV, seed=1))}, "experiment"),
    ):
        with pytest.raises(UnusableError, match=f"another {name}"):
            replace(checkpoint, training=training).load()


def test_a_checkpoint_of_other_code_is_refused_with_the_way_out(
    data: FoldData, checkpoint: Checkpoint
) -> None:
    other = replace(CONV, network=ConvStages((4, 6), dropout_rate=0.3))
    with pytest.raises(ProjectError, match=r"fold-1/checkpoint was saved by .* Delete the file"):
        fit(other, data, checkpoint)


@pytest.mark.slow
def test_on_a_card_each_fold_of_a_stack_continues(
    data: FoldData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = GpuEngine(("a card",), tmp_path / "compiled")

    def list_fits(folder: Path) -> list[Fit]:
        fits = []
        for fold in range(3):
            checkpoint = checkpoint_of(STOPPED_EARLY, folder, fold)
            saved = checkpoint.load()
            note = tmp_path / f"{fold}.json"
            epochs = saved.epochs if saved else 0
            fits.append(Fit(STOPPED_EARLY, fold, data, "float32", note, checkpoint, epochs))
        return fits

    expected = fit_all(on, list_fits(tmp_path / "undisturbed"))
    # Killed between the first and the second fold's checkpoint of the third epoch.
    stopped = tmp_path / "stopped"
    monkeypatch.setenv(VARIABLE, "checkpoint:7")
    with pytest.raises(ProjectError, match="was killed"):
        fit_all(on, list_fits(stopped))
    monkeypatch.delenv(VARIABLE)
    fits = list_fits(stopped)
    assert [fit.epochs_done for fit in fits] == [3, 2, 2]
    for label, result in fit_all(on, fits).items():
        assert result.oof == pytest.approx(expected[label].oof, abs=1e-5)
        assert len(result.history) == len(expected[label].history)
        assert result.facts["earlier_parts"][0]["environment"]["keras_backend"] == "jax"
