"""A line-up predicts as the blend does, from its runs or from its file."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.experiments.experiment import ConvStages, Dense, Experiment
from digit_recognizer.learn.weights import weights_of
from digit_recognizer.runs.blend import blend
from digit_recognizer.runs.folder import FoldResult, Run
from digit_recognizer.use.export import write
from digit_recognizer.use.export.blend import write_blend
from digit_recognizer.use.keras_recognizer import KerasRecognizer, load_as_trained, load_in_float32
from digit_recognizer.use.model_file import check_model
from digit_recognizer.use.onnx_recognizer import OnnxRecognizer
from digit_recognizer.use.recognizer import Recognizer
from digit_recognizer.use.recognizer_of import load_recognizer
from digit_recognizer.workspace import ProjectError, Workspace, write_json
from tests.commands import PROJECT
from tests.use.random_networks import THREADS, draw_images, make_member, make_run

DENSE = Experiment("dense", Dense((12,)), folds=3)
STAGES = Experiment("stages-tiny", ConvStages((6, 8)), folds=2, test_shift=1)
FACTS = {"format": "1", "label": "made up", "made_from": "nothing"}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "available_cores", lambda: THREADS)


@pytest.fixture
def runs(workspace: Workspace) -> list[Run]:
    return [make_run(workspace, DENSE), make_run(workspace, STAGES)]


@pytest.fixture(scope="module", params=["keras", "onnx"])
def recognizer(request: pytest.FixtureRequest) -> Recognizer:
    networks = KerasRecognizer("made up", [make_member(DENSE), make_member(STAGES)])
    if request.param == "keras":
        return networks
    return OnnxRecognizer(check_model(write_blend(networks, FACTS, ""), "made up"), threads=3)


def test_predictions_of_the_test_images_are_the_recorded_ones(
    workspace: Workspace, runs: list[Run]
) -> None:
    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    recorded = blend(runs, train.labels).test
    assert load_as_trained("", runs[:1]).recognize(test.images).tobytes() == (
        runs[0].load_test().tobytes()
    )
    answered = load_as_trained("both", runs).recognize(test.images)
    np.testing.assert_allclose(answered, recorded, rtol=0, atol=1e-7)
    folds = [run.load_fold_test(0) for run in runs]
    assert np.abs(np.mean(folds, axis=0) - recorded).max() > 0.01, "all folds count"


def test_networks_predict_in_the_precision_of_their_training(workspace: Workspace) -> None:
    run = make_run(workspace, replace(STAGES, precision="auto"), precision="bfloat16")
    images = load_test(workspace).images
    assert load_as_trained("", [run]).recognize(images).tobytes() == run.load_test().tobytes()
    difference = np.abs(load_in_float32("", [run], THREADS).recognize(images) - run.load_test())
    assert 1e-5 < difference.max() < 0.2


def test_a_prediction_does_not_depend_on_the_other_images(recognizer: Recognizer) -> None:
    images = draw_images(75)
    together = recognizer.recognize(images)
    assert (together.shape, together.dtype) == ((75, 10), np.float32)
    np.testing.assert_allclose(together.sum(axis=1), 1, rtol=1e-5)
    apart = [recognizer.recognize(images[index : index + 1])[0] for index in (0, 40, 74)]
    np.testing.assert_allclose(together[[0, 40, 74]], apart, atol=1e-6)
    assert recognizer.recognize(images[:0]).shape == (0, 10)
    assert recognizer.label == "made up"


def test_many_threads_can_predict_at_once() -> None:
    networks = KerasRecognizer("made up", [make_member(STAGES)])
    recognizer = OnnxRecognizer(check_model(write_blend(networks, FACTS, ""), "made up"), threads=2)
    images = draw_images(64)
    expected = recognizer.recognize(images)
    with ThreadPoolExecutor(8) as askers:
        parts = list(askers.map(recognizer.recognize, images.reshape(16, 4, 28, 28)))
    np.testing.assert_allclose(np.concatenate(parts), expected, atol=1e-6)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 28, 28), np.float32),
        np.zeros((1, 28, 28), np.int64),
        np.zeros((28, 28), np.uint8),
        np.zeros((1, 28, 28, 1), np.uint8),
        np.zeros((1, 32, 32), np.uint8),
    ],
)
def test_arrays_of_another_form_are_refused(recognizer: Recognizer, images: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 \(n, 28, 28\)"):
        recognizer.recognize(images)


def load(
    workspace: Workspace,
    *experiments: str,
    lineup: str | None = None,
    backend: str | None = None,
    model: Path | None = None,
) -> Recognizer:
    return load_recognizer(
        workspace, lineup, list(experiments), backend, model, Console(quiet=True)
    )


def test_contradictory_choices_are_refused(workspace: Workspace, runs: list[Run]) -> None:
    for choice, problem in (
        ({"backend": "pytorch"}, "BACKEND=pytorch; expected one of onnx, keras"),
        ({"backend": ""}, "expected one of onnx, keras"),
        ({"model": Path("x.onnx"), "lineup": "quick"}, "name it alone"),
        ({"model": Path("x.onnx"), "backend": "keras"}, "name it alone"),
        ({"lineup": "nonsense"}, "There is no line-up 'nonsense'"),
        ({"lineup": "quick"}, "There is no run 'stages-short'"),
        ({}, "Nothing has been trained to the end yet"),
    ):
        with pytest.raises(ProjectError, match=problem):
            load(workspace, **choice)  # type: ignore[arg-type]
    with pytest.raises(ProjectError, match="name it alone"):
        load(workspace, "dense", model=Path("x.onnx"))


@pytest.mark.parametrize("backend", ["onnx", "keras"])
def test_runs_of_different_data_are_not_blended(
    workspace: Workspace, runs: list[Run], backend: str
) -> None:
    write_json(runs[0].folder / "config.json", {**runs[0].config, "data": "b" * 64})
    with pytest.raises(ProjectError, match="trained on different data"):
        load(workspace, "dense", "stages-tiny", backend=backend)


@pytest.mark.parametrize("backend", ["onnx", "keras"])
def test_an_incomplete_run_does_not_predict(
    workspace: Workspace, runs: list[Run], backend: str
) -> None:
    (runs[0].folder / "fold-2/done.json").unlink()
    with pytest.raises(ProjectError, match="fold-2 is not finished"):
        load(workspace, "dense", backend=backend)


# Hides everything that only the full installation has.
ONLY_A_FILE = """
import sys
from importlib.metadata import distributions

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ImportError(name + " is not installed")

sys.meta_path.insert(0, Refuse())
import numpy as np
from pathlib import Path
from rich.console import Console
from digit_recognizer.use.recognizer_of import load_recognizer
from digit_recognizer.workspace import Workspace
recognizer = load_recognizer(
    Workspace(Path({root!r})), None, {experiments!r}, None, {model}, Console()
)
print(recognizer.recognize(np.zeros((2, 28, 28), np.uint8)).shape)
"""
TRAINS = ["tensorflow", "keras", "h5py", "joblib", "kaggle", "requests", "jinja2"]
READS = ["pandas", "sklearn", "matplotlib"]


def ask_without(absent: list[str], workspace: Workspace, experiments: list[str], model: str) -> str:
    code = ONLY_A_FILE.format(
        absent=absent, root=str(workspace.root), experiments=experiments, model=model
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_file_is_enough_and_an_up_to_date_one_needs_no_training_library(
    workspace: Workspace,
) -> None:
    run = make_run(workspace, DENSE)
    load(workspace, "dense")
    model = f"Path({str(workspace.exports / 'dense.onnx')!r})"
    assert "(2, 10)" in ask_without(TRAINS + READS, workspace, [], model)
    assert "(2, 10)" in ask_without(["tensorflow", "keras"], workspace, ["dense"], "None")
    # Keras is really hidden: with other weights in the runs it is needed, and missing.
    change_weights(run)
    told = ask_without(["tensorflow", "keras"], workspace, ["dense"], "None")
    assert "Making exports/dense.onnx first" in told
    assert "keras is not installed" in told


def change_weights(run: Run) -> None:
    (network,) = make_member(replace(DENSE, name="other"), folds=1).networks
    run.save_fold(
        FoldResult(
            0, weights_of(network), run.load_fold_oof(0), run.load_fold_test(0),
            run.fold_history(0).to_dict("records"), run.fold_facts(0),
        )
    )  # fmt: skip


def test_an_export_is_made_again_only_if_the_runs_have_changed(workspace: Workspace) -> None:
    run = make_run(workspace, DENSE)
    images, path = load_test(workspace).images, workspace.exports / "dense.onnx"
    np.testing.assert_allclose(
        load(workspace, "dense").recognize(images), run.load_test(), atol=1e-5
    )
    first, written = path.read_bytes(), path.stat()
    np.testing.assert_allclose(
        load(workspace, "dense").recognize(images), run.load_test(), atol=1e-5
    )
    assert path.stat() == written

    for ending in ("md", "tflite"):
        (workspace.exports / f"dense.{ending}").write_text("of the earlier networks")
    change_weights(run)
    changed = load(workspace, "dense").recognize(images)
    assert np.abs(changed - run.load_test()).max() > 0.01
    np.testing.assert_allclose(changed, load_as_trained("", [run]).recognize(images), atol=1e-5)
    assert [each.name for each in workspace.exports.iterdir()] == ["dense.onnx"]
    second = path.read_bytes()
    assert second != first

    path.write_bytes(second[:-100])
    np.testing.assert_allclose(load(workspace, "dense").recognize(images), changed, atol=1e-6)
    assert path.read_bytes() == second


def test_an_export_with_other_shifts_is_out_of_date(workspace: Workspace) -> None:
    """No weight has changed, but the predictions have."""
    run = make_run(workspace, STAGES)
    images = load_test(workspace).images
    before = load(workspace, STAGES.name).recognize(images)
    experiment = {**run.config["experiment"], "test_shift": 2}
    write_json(run.folder / "config.json", {**run.config, "experiment": experiment})
    assert np.abs(load(workspace, STAGES.name).recognize(images) - before).max() > 1e-3
