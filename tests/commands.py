"""Run the project's scripts as a person does: in a process of their own, with real signals."""

import contextlib
import functools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from digit_recognizer.faults import VARIABLE
from digit_recognizer.workspace import Workspace, sha256_of
from tests.forkserver import Command, ForkServer

PROJECT = Path(__file__).resolve().parents[1]
# A network that learns the tiny data in a second, in three folds of two epochs.
TINY = [
    "--experiments",
    "dense-50-50",
    "--name",
    "tiny",
    "--set",
    "network.hidden_units=16",
    "pixels=unit",
    "epochs=2",
    "batch_size=32",
    "folds=3",
]


fork_server = functools.cache(ForkServer)


def start(
    workspace: Workspace,
    script: str,
    *arguments: str,
    fault: str = "",
    imported: bool = True,
    **variables: str,
) -> Command | subprocess.Popen[str]:
    """Start `scripts/<script>.py` in the workspace, in a process group of its own.

    Unless it is to be a new interpreter (`imported=False`), its imports are there already.
    """
    environment = {**os.environ, "DIGIT_RECOGNIZER_HOME": str(workspace.root), **variables}
    if fault:
        environment[VARIABLE] = fault
    path = PROJECT / "scripts" / f"{script}.py"
    if imported and sys.platform == "linux":
        return fork_server().start(path, list(arguments), environment)
    return subprocess.Popen(
        [sys.executable, str(path), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@contextlib.contextmanager
def started(
    workspace: Workspace, script: str, *arguments: str, **options: Any
) -> Iterator[Command | subprocess.Popen[str]]:
    """Start the script; in the end nothing of it is left, whatever the test made of it."""
    process = start(workspace, script, *arguments, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def run(
    workspace: Workspace, script: str, *arguments: str, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the script to its end; stdout and stderr come back together."""
    process = start(workspace, script, *arguments, **options)
    output, _ = process.communicate(timeout=600)
    assert process.returncode is not None
    return subprocess.CompletedProcess(process.args, process.returncode, output)


def run_well(workspace: Workspace, script: str, *arguments: str, **options: Any) -> str:
    """Run the script, which must succeed without a traceback; return what it printed."""
    done = run(workspace, script, *arguments, **options)
    assert done.returncode == 0, done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


def train_tiny(workspace: Workspace, *arguments: str, **options: Any) -> str:
    return run_well(workspace, "train", *TINY, *arguments, **options)


def trained_folds(output: str) -> list[int]:
    """The folds that a command says it has trained."""
    return [fold for fold in range(3) if f"tiny fold {fold}:" in output]


def submission_hash(workspace: Workspace) -> str:
    """Submit; return the sha256 of the file to upload."""
    run_well(workspace, "submit", "--experiments", "tiny")
    return sha256_of(workspace.submissions / "submission.csv")
