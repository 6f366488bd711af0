"""What all commands share: options of any value, and output that nothing can break."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from digit_recognizer.workspace import Workspace
from tests.commands import PROJECT, TINY, run

SCRIPTS = PROJECT / "scripts"


@pytest.mark.parametrize(
    ("script", "option"),
    [
        *(("train", option) for option in ("name", "lineup", "experiments", "set")),
        *(("submit", option) for option in ("lineup", "experiments", "weights")),
        *(("tune", option) for option in ("experiment", "study", "storage", "sampler")),
        *(("kernel", "name"), ("report", "experiments"), ("download", "source")),
        *(("predict", "model"), ("serve", "backend"), ("cluster", "scheduler")),
    ],
)
def test_every_value_may_begin_with_a_dash(workspace: Workspace, script: str, option: str) -> None:
    done = run(workspace, script, f"--{option}=-rf", "--", "x.png" if script == "predict" else "")
    assert "expected one argument" not in done.stdout
    assert "expected at least" not in done.stdout


def test_make_attaches_every_value_to_its_option() -> None:
    recipes = (PROJECT / "Makefile").read_text()
    assert '--name="$$NAME"' in recipes
    assert re.findall(r'--[a-z]+ "?[$][$][A-Z]+', recipes) == []


def test_a_value_of_the_wrong_kind_is_told_as_make_calls_it(workspace: Workspace) -> None:
    for script, option in (("train", "--jobs=x"), ("train", "--folds=0 x"), ("tune", "--trials=x")):
        done = run(workspace, script, option)
        assert done.returncode == 2
        name = option[2:].partition("=")[0].upper()
        assert done.stdout == f"Error: {name}=x; expected a whole number.\n"


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1"])
def test_what_an_encoding_lacks_is_replaced(encoding: str) -> None:
    code = "from _command import make_console, run; run(lambda: make_console().print('1 ± 2 ✓'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=SCRIPTS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.decode(encoding).strip() == ("1 ? 2 ?" if encoding == "ascii" else "1 ± 2 ?")


def environment_of(workspace: Workspace) -> dict[str, str]:
    return {**os.environ, "DIGIT_RECOGNIZER_HOME": str(workspace.root)}


@pytest.mark.parametrize("output", ["a pipe without a reader", "a full disk"])
@pytest.mark.slow
def test_work_goes_on_when_nothing_can_be_printed(workspace: Workspace, output: str) -> None:
    if output == "a full disk":
        if not Path("/dev/full").exists():
            pytest.skip("this system has no /dev/full")
        write = os.open("/dev/full", os.O_WRONLY)
    else:
        read, write = os.pipe()
        os.close(read)
    process = subprocess.run(
        [sys.executable, str(SCRIPTS / "train.py"), *TINY],
        stdout=write,
        stderr=subprocess.PIPE,
        env=environment_of(workspace),
        check=False,
    )
    os.close(write)
    assert process.returncode == 0, process.stderr
    assert b"Traceback" not in process.stderr
    assert (workspace.runs / "tiny/metrics.json").exists()


def test_a_closed_stdout_is_no_error(workspace: Workspace) -> None:
    script = SCRIPTS / "download.py"
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" >&-', sys.executable, str(script), "--source", "auto"],
        stderr=subprocess.PIPE,
        env=environment_of(workspace),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("script", ["explore", "validate", "report", "explain", "export"])
def test_what_takes_seconds_to_begin_says_at_once_what_it_does(
    workspace: Workspace, tmp_path: Path, script: str
) -> None:
    # Nothing that takes a while to load is there yet: all of it needs NumPy.
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow/numpy.py").write_text("raise SystemExit('numpy is loaded')")
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / f"{script}.py")],
        capture_output=True,
        text=True,
        env=environment_of(workspace) | {"PYTHONPATH": str(tmp_path / "slow")},
        check=False,
    )
    said, last = done.stderr.splitlines()
    assert re.fullmatch(r"[A-Z][a-z]+ .+ \.\.\.", said)
    assert last == "numpy is loaded"
    assert done.stdout == "", "what is piped is the result alone"
