"""The whole of `make export`, in separate processes."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from digit_recognizer.runs.folder import open_run
from digit_recognizer.use.export import speed
from digit_recognizer.workspace import Workspace, sha256_of
from tests.commands import PROJECT, run, run_well
from tests.use.conftest import SMALL

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exported(small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    """A line-up that was exported after a killed attempt, and the command's output."""
    workspace = Workspace(tmp_path_factory.mktemp("exported") / "work space")
    shutil.copytree(small_home, workspace.root)
    killed = run(workspace, "export", fault=f"rename {SMALL}.tflite:1")
    assert killed.returncode == -signal.SIGKILL
    assert not (workspace.exports / f"{SMALL}.tflite").exists()
    assert not (workspace.exports / f"{SMALL}.md").exists(), "the card is last"
    before = (workspace.exports / f"{SMALL}.onnx").read_bytes()
    told = run_well(workspace, "export")
    assert (workspace.exports / f"{SMALL}.onnx").read_bytes() == before, "the same networks"
    return workspace, told


def test_its_output_describes_the_files(exported: tuple[Workspace, str]) -> None:
    _, told = exported
    assert f"\n{SMALL}: 2 networks, " in told
    differences = [float(each) for each in re.findall(r"differ by at most (\S+) in", told)]
    assert len(differences) == 3
    assert max(differences) < 1e-4
    assert told.count("test images, and in 0 labels.") == 3
    assert f"exports/{SMALL}.onnx, exports/{SMALL}.tflite, exports/{SMALL}.md" in told
    assert "Traceback" not in told
    assert "WARNING" not in told


def test_the_speed_of_each_engine_is_measured_in_its_own_process(
    exported: tuple[Workspace, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, _ = exported
    monkeypatch.setattr(speed, "IMAGES", 20)
    tasks = {
        "Keras": {"root": str(workspace.root), "runs": [SMALL]},
        "ONNX Runtime": {"path": str(workspace.exports / f"{SMALL}.onnx")},
        "LiteRT in TensorFlow": {"path": str(workspace.exports / f"{SMALL}.tflite")},
    }
    measured = list(speed.measure_speeds(tasks, np.zeros((1, 28, 28), np.uint8)))
    assert [each.engine for each in measured] == list(tasks)
    for each in measured:
        assert 0 < each.one_image < each.start
        assert each.many_images > 0
        assert (each.size is None) == (each.engine == "Keras")


def test_the_python_code_on_the_card_works(exported: tuple[Workspace, str]) -> None:
    workspace, _ = exported
    card = (workspace.exports / f"{SMALL}.md").read_text()
    for name in (f"{SMALL}.onnx", f"{SMALL}.tflite"):
        assert f"`{sha256_of(workspace.exports / name)}`" in card
    lines = re.search(r"```python\n(.*?)```", card, re.DOTALL)
    assert lines
    assert lines[1].count("\n") == 5
    done = subprocess.run(
        [sys.executable, "-c", lines[1]],
        cwd=workspace.exports,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(r"\[\d\] \[0\.\d+\]\n", done.stdout)


def test_the_file_contains_its_facts(exported: tuple[Workspace, str]) -> None:
    workspace, _ = exported
    model = onnx.load(workspace.exports / f"{SMALL}.onnx")
    facts = {each.key: each.value for each in model.metadata_props}
    metrics = open_run(workspace, SMALL).metrics
    assert facts["label"] == facts["experiments"] == SMALL
    assert facts["oof_errors"] == str(metrics["errors"])
    assert facts["data_source"] == "sample"
    assert facts["labelled_images"] == "1078"
    assert len(facts["made_from"]) == 64
    assert "other handwriting" in facts["limits"]
    assert facts["oof_score"] in model.doc_string


def test_another_process_uses_an_up_to_date_export_without_tensorflow(
    exported: tuple[Workspace, str],
) -> None:
    workspace, _ = exported
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "import numpy as np; from pathlib import Path; from rich.console import Console\n"
        "from digit_recognizer.data.dataset import load_test\n"
        "from digit_recognizer.use.recognizer_of import load_recognizer\n"
        "from digit_recognizer.workspace import Workspace\n"
        "workspace = Workspace.current()\n"
        "recognizer = load_recognizer(workspace, None, [], None, None, Console())\n"
        "np.save('answers.npy', recognizer.recognize(load_test(workspace).images))\n"
    )
    variables = {"PYTHONPATH": str(PROJECT), "DIGIT_RECOGNIZER_HOME": str(workspace.root)}
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=workspace.root,
        env={**os.environ, **variables},
        check=True,
    )
    answers = np.load(workspace.root / "answers.npy")
    recorded = open_run(workspace, SMALL).load_test()
    np.testing.assert_allclose(answers, recorded, atol=1e-5)


def test_saved_networks_predict_bit_for_bit_as_in_training(small_home: Path) -> None:
    code = (
        "from pathlib import Path; from rich.console import Console\n"
        "from digit_recognizer.data.dataset import load_test\n"
        "from digit_recognizer.runs.folder import open_run\n"
        "from digit_recognizer.use.recognizer_of import load_recognizer\n"
        "from digit_recognizer.workspace import Workspace\n"
        f"workspace, name = Workspace.current(), {SMALL!r}\n"
        "recognizer = load_recognizer(workspace, None, [name], 'keras', None, Console())\n"
        "answers = recognizer.recognize(load_test(workspace).images)\n"
        "print(answers.tobytes() == open_run(workspace, name).load_test().tobytes())\n"
    )
    variables = {"PYTHONPATH": str(PROJECT), "DIGIT_RECOGNIZER_HOME": str(small_home)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


def test_a_run_that_is_not_trained_cannot_be_exported(small_home: Path) -> None:
    refused = run(Workspace(small_home), "export", "--lineup", "quick")
    assert refused.returncode == 1
    assert "There is no run 'stages-short'" in refused.stdout
    assert "Traceback" not in refused.stdout
