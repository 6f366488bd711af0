"""A file is written only if it predicts as Keras does, and files of earlier exports go."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.experiments.experiment import ConvStages, Dense, Experiment
from digit_recognizer.runs.folder import Run
from digit_recognizer.use.export import make, write
from digit_recognizer.use.export.make import export_lineup
from digit_recognizer.use.export.speed import Speed
from digit_recognizer.use.export.write import export_for_use
from digit_recognizer.use.keras_recognizer import KerasRecognizer
from digit_recognizer.use.onnx_recognizer import load_onnx
from digit_recognizer.workspace import ProjectError, Workspace, write_json
from tests.use.random_networks import THREADS, make_member, make_run

DENSE = Experiment("dense", Dense((12,)), folds=2)
STAGES = Experiment("stages-tiny", ConvStages((6, 8)), folds=2, test_shift=1)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "available_cores", lambda: THREADS)
    monkeypatch.setattr(make, "available_cores", lambda: THREADS)


@pytest.fixture
def run(workspace: Workspace) -> Run:
    return make_run(workspace, DENSE)


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return Console(file=(tmp_path / "told").open("w+"), soft_wrap=True, highlight=False)


def read(console: Console) -> str:
    console.file.seek(0)
    return console.file.read()


def files(workspace: Workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in workspace.exports.glob("*")}


def spoil(make_contents: Callable[..., bytes]) -> Callable[..., bytes]:
    """Return a function that writes other networks than those it is given."""

    def make_other(recognizer: KerasRecognizer, *more: Any) -> bytes:
        other = make_member(Experiment("another", Dense((12,))))
        return make_contents(KerasRecognizer(recognizer.label, [other]), *more)

    return make_other


@pytest.mark.parametrize("export", ["for use", "whole"])
def test_a_file_that_predicts_differently_from_keras_is_not_written(
    workspace: Workspace,
    run: Run,
    console: Console,
    monkeypatch: pytest.MonkeyPatch,
    export: str,
) -> None:
    workspace.exports.mkdir()
    for ending in ("onnx", "tflite", "md"):
        (workspace.exports / f"dense.{ending}").write_text("an earlier one")
    before = files(workspace)
    monkeypatch.setattr(write, "write_blend", spoil(write.write_blend))
    with pytest.raises(
        ProjectError, match=r"dense\.onnx differs from Keras .* expected at most 0\.0001"
    ):
        if export == "whole":
            export_lineup(workspace, None, ["dense"], False, console)
        else:
            export_for_use(workspace, "dense", [run], console)
    assert files(workspace) == before


def test_an_export_needs_the_data_of_its_training(
    workspace: Workspace, run: Run, console: Console
) -> None:
    write_json(run.folder / "config.json", {**run.config, "data": "b" * 64})
    with pytest.raises(ProjectError, match="trained on other data than those in"):
        export_lineup(workspace, None, ["dense"], False, console)
    assert not files(workspace)


def test_a_network_that_tensorflow_cannot_convert_is_still_exported_to_onnx(
    workspace: Workspace, run: Run, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(recognizer: KerasRecognizer) -> bytes:
        raise RuntimeError("no such [operation]\nin a long story")

    workspace.exports.mkdir()
    (workspace.exports / "dense.tflite").write_text("of earlier networks")
    monkeypatch.setattr(make, "write_litert", fail)
    export_lineup(workspace, None, ["dense"], False, console)
    assert "No LiteRT file was written: TensorFlow failed (no such [operation])" in read(console)
    assert set(files(workspace)) == {"dense.onnx", "dense.md"}
    assert b"tflite" not in files(workspace)["dense.md"]


def test_speed_is_measured_only_if_asked_for(
    workspace: Workspace, run: Run, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def measure(tasks: dict[str, Any], images: np.ndarray) -> Iterator[Speed]:
        for engine in tasks:
            asked.append(engine)
            yield Speed(engine, 0.0123, 1.0, 2.0, None)

    monkeypatch.setattr(make, "measure_speeds", measure)
    monkeypatch.setattr(make, "_convert", lambda export, console: None)
    export_lineup(workspace, None, ["dense"], False, console)
    assert not asked
    assert b"Not measured; `make export SPEED=1` measures it." in files(workspace)["dense.md"]

    export_lineup(workspace, None, ["dense"], True, console)
    assert asked == ["Keras", "ONNX Runtime"]
    assert files(workspace)["dense.md"].count(b"| 12.3 ms |") == 2
    assert "Measuring the speed of Keras, ONNX Runtime" in read(console)
    assert "2 of 2 measured" in read(console)


@pytest.mark.slow
def test_a_litert_file_that_predicts_differently_from_keras_is_not_written(
    workspace: Workspace, run: Run, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "write_litert", spoil(make.write_litert))
    export_lineup(workspace, None, ["dense"], False, console)
    assert "No LiteRT file was written: its predictions differ too much from Keras" in read(console)
    assert set(files(workspace)) == {"dense.onnx", "dense.md"}


@pytest.mark.slow
def test_the_files_and_the_card_agree_about_a_blend(
    workspace: Workspace, run: Run, console: Console
) -> None:
    runs = [run, make_run(workspace, STAGES, precision="bfloat16")]
    export_lineup(workspace, None, ["dense", "stages-tiny"], False, console)
    told = read(console)
    name = "dense+stages-tiny"
    assert set(files(workspace)) == {f"{name}.onnx", f"{name}.tflite", f"{name}.md"}
    card = files(workspace)[f"{name}.md"].decode()

    onnx = load_onnx(workspace.exports / f"{name}.onnx")
    labels = load_train(workspace).labels
    oof = np.mean([each.load_oof() for each in runs], axis=0, dtype=np.float64)
    wrong = oof.argmax(axis=1) != labels
    assert onnx.facts["oof_errors"] == str(wrong.sum())
    for digit in range(10):
        of_digit = labels == digit
        row = f"| {digit} | {of_digit.sum()} | {wrong[of_digit].sum()} |"
        assert row in card
    assert onnx.facts["experiments"] == "dense, stages-tiny"
    assert onnx.facts["networks"] == "4"
    assert onnx.facts["data_fingerprint"] == run.config["data"]
    for fact in ("oof_score", "limits", "commit", "made_from", "data_fingerprint"):
        assert onnx.facts[fact] in card, fact
    recorded = np.mean([each.load_test() for each in runs], axis=0)
    answered = onnx.recognize(load_test(workspace).images)
    difference = np.abs(answered - recorded).max()
    assert 1e-5 < difference < 0.1, "one of them was trained in bfloat16"
    assert f"the runs (bfloat16 and float32) differ by at most {difference:.1e}" in told
    assert "ONNX Runtime and Keras in float32 differ by" in told
    assert "and in 0 labels" in told
