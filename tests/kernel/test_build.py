"""A kernel's script holds the code and no more, runs anywhere, and does what the scripts do."""

import ast
import base64
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from slugify import slugify

from digit_recognizer.data.sources.mounted import VARIABLE
from digit_recognizer.kernel import build
from digit_recognizer.kernel.build import Job, build_kernel, plan_job
from digit_recognizer.kernel.install_runs import install_runs
from digit_recognizer.kernel.launcher import launch
from digit_recognizer.runs.environment import current_commit
from digit_recognizer.runs.folder import open_run
from digit_recognizer.workspace import Workspace, sha256_of
from tests.commands import PROJECT, TINY, run_well, submission_hash, train_tiny
from tests.made_up_runs import make_up_run

SETTINGS = TINY[TINY.index("--set") + 1 :]


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work space")


def plan_tiny(workspace: Workspace) -> Job:
    return plan_job(workspace, None, ["dense-50-50"], SETTINGS, "tiny")


def build_and_read(workspace: Workspace, job: Job) -> str:
    folder = build_kernel(workspace, job, None)
    return (folder / f"{job.slug}.py").read_text()


def payload_of(script: str) -> zipfile.ZipFile:
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(script).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    code = base64.b64decode(values["PAYLOAD"])
    assert sha256_of(code) == values["SHA256"]
    return zipfile.ZipFile(io.BytesIO(code))


def start_script(script: Path, folder: Path, **variables: str) -> subprocess.Popen[str]:
    """Start a kernel as Kaggle does: in an empty folder, without the project on any path."""
    folder.mkdir()
    hidden = ("PYTHONPATH", "DIGIT_RECOGNIZER_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.Popen(
        [sys.executable, str(script)],
        cwd=folder,
        env=environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end_script(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the kernel's end; return its exit code and everything that it printed."""
    output, _ = process.communicate(timeout=600)
    return process.returncode, output


@pytest.mark.slow
def test_a_kernel_far_from_home_makes_what_the_scripts_make_at_home(
    workspace: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    folder = build_kernel(workspace, plan_tiny(workspace), "somebody")
    shutil.copytree(folder, tmp_path / "uploaded")
    shutil.copytree(tiny_source, tmp_path / "input" / "digit-recognizer")
    away = tmp_path / "away"
    script = tmp_path / "uploaded" / "digit-recognizer-tiny.py"
    process = start_script(script, away, **{VARIABLE: str(tmp_path / "input")})
    train_tiny(workspace)
    at_home = submission_hash(workspace)

    status, output = end_script(process)
    assert status == 0, output
    assert "Traceback" not in output
    assert {path.name for path in away.iterdir()} == {"submission.csv", "runs.zip"}
    assert sha256_of(away / "submission.csv") == at_home

    shutil.rmtree(workspace.runs)
    shutil.rmtree(workspace.submissions)
    assert install_runs(workspace, away / "runs.zip") == ["tiny"]
    run = open_run(workspace, "tiny")
    assert run.fold_facts(0)["environment"]["commit"] == current_commit()
    assert "Blending tiny" in run_well(workspace, "submit", "--upload", "no")
    assert sha256_of(workspace.submissions / "submission.csv") == at_home


def test_a_kernel_without_data_ends_with_an_error(empty: Workspace, tmp_path: Path) -> None:
    script = build_kernel(empty, plan_tiny(empty), None) / "digit-recognizer-tiny.py"
    (tmp_path / "nothing").mkdir()
    variables = {VARIABLE: str(tmp_path / "nothing")}
    status, output = end_script(start_script(script, tmp_path / "away", **variables))
    assert status == 1
    assert "does not hold Kaggle's digit-recognizer files" in output
    assert "== train.py" not in output
    assert not (tmp_path / "away" / "submission.csv").exists()


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_tampered_script_is_refused(empty: Workspace, tmp_path: Path, place: float) -> None:
    text = build_and_read(empty, plan_tiny(empty))
    start = text.index('PAYLOAD = """') + 20
    index = start + int((text.rindex('"""') - start) * place)
    while text[index] in "\n=":
        index += 1
    script = tmp_path / "tampered.py"
    script.write_text(text[:index] + ("A" if text[index] != "A" else "B") + text[index + 1 :])
    status, output = end_script(start_script(script, tmp_path / "away"))
    assert status == 1
    assert "This script was changed or cut" in output
    assert not list((tmp_path / "away").iterdir())


def test_building_twice_gives_the_same_bytes(empty: Workspace, tmp_path: Path) -> None:
    first = build_and_read(empty, plan_tiny(empty))
    assert build_and_read(Workspace(tmp_path / "elsewhere"), plan_tiny(empty)) == first
    assert len(first) < 300_000
    assert f"commit        {current_commit()}\n" in first
    assert str(PROJECT) not in first
    assert str(tmp_path) not in first


def test_only_the_projects_own_code_goes_in(
    empty: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = set(payload_of(build_and_read(empty, plan_tiny(empty))).namelist())
    scripts = {f"scripts/{name}.py" for name in ("_command", "download", "train", "submit")}
    assert {name for name in expected if not name.startswith("digit_recognizer/")} == {
        "COMMIT",
        *scripts,
    }

    project = tmp_path.resolve() / "project"
    for name in ("digit_recognizer", "scripts"):
        shutil.copytree(PROJECT / name, project / name)
    (tmp_path / "secret.py").write_text("KEY = 'secret'")
    for name in (
        *(".env", "kaggle.json", "data/train.csv", "runs/x/config.json", "notes.py"),
        *("digit_recognizer/kaggle.json", "digit_recognizer/.env", "digit_recognizer/data.csv"),
        *("digit_recognizer/.ipynb_checkpoints/a.py", "digit_recognizer/a.b/c.py"),
        *("scripts/mine.py", "scripts/.env", "digit_recognizer/data/train.csv"),
    ):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("KEY = 'secret'")
    (project / "digit_recognizer" / "linked.py").symlink_to(tmp_path / "secret.py")
    (project / "digit_recognizer" / "folder").symlink_to(tmp_path)
    monkeypatch.setattr(build, "project_root", lambda: project)
    archive = payload_of(build_and_read(empty, plan_tiny(empty)))
    assert set(archive.namelist()) == expected
    assert not any(b"KEY = 'secret'" in archive.read(name) for name in archive.namelist())


@pytest.mark.parametrize("username", ["somebody", None])
def test_the_description_is_what_kaggles_client_wants(
    empty: Workspace, username: str | None
) -> None:
    for job in (
        plan_job(empty, None, [], [], None),
        plan_job(empty, "quick", [], [], None),
        plan_job(
            empty, None, ["stages", "deotte", "conv-32", "dense-256-128-early-stopping"], [], None
        ),
        plan_job(empty, None, ["stages"], ["seed=3"], "My_Long-" + 56 * "x"),
    ):
        folder = build_kernel(empty, job, username)
        assert folder == empty.kernel / job.slug
        described = json.loads((folder / "kernel-metadata.json").read_bytes())
        assert described["id"] == f"{username or 'INSERT_USERNAME'}/{job.slug}"
        assert slugify(described["title"]) == job.slug
        assert 5 <= len(described["title"]) <= 50
        assert (folder / described["code_file"]).is_file()
        assert {path.name for path in folder.iterdir()} == {
            described["code_file"],
            "kernel-metadata.json",
        }
        assert (described["language"], described["kernel_type"]) == ("python", "script")
        assert described["competition_sources"] == ["digit-recognizer"]
        assert described["is_private"] is described["enable_gpu"] is True
        assert described["enable_internet"] is False


def test_a_command_that_fails_ends_the_script_after_what_there_is_was_packed(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    make_up_run(empty, only_folds=(0, 2))
    (empty.root / "data").mkdir()
    monkeypatch.chdir(empty.root)
    code = build.zip_members({"scripts/train.py": b"import os; os.kill(os.getpid(), 9)"}, True)
    payload = base64.encodebytes(code).decode()
    monkeypatch.setenv("DIGIT_RECOGNIZER_HOME", "")
    monkeypatch.setenv("PYTHONUNBUFFERED", "")
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as ended:
        launch(payload, sha256_of(code), [["train.py"], ["submit.py"]], ["made-up"])
    assert ended.value.code == 137
    assert "train.py ended with -9" in capfd.readouterr().err
    names = zipfile.ZipFile("runs.zip").namelist()
    assert {name.split("/")[1] for name in names if "fold-" in name} == {"fold-0", "fold-2"}
    assert (empty.root / "data").exists(), "nothing is tidied away after a failure"
