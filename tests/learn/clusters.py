"""Dask clusters of this machine, started as a person starts them, for tests to train on."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from digit_recognizer.workspace import Workspace, sha256_of
from tests.commands import start
from tests.processes import await_true, group_members

# What a cluster's workers start to train in is a fork, too, of one that has imported TensorFlow.
_FORKING = {"DASK_DISTRIBUTED__WORKER__PRELOAD": "tests.forkserver"}
ADDRESS = re.compile(r"(tcp|tls)://[0-9.]+:\d+")


@dataclass(frozen=True)
class Host:
    """A running `scripts/cluster.py` and all that it started: one process group."""

    process: subprocess.Popen[str]
    address: str  # of the scheduler
    said: str

    def kill(self) -> None:
        """What a power cut does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


@contextlib.contextmanager
def hosting(
    workspace: Workspace, *arguments: str, fault: str = "", **variables: str
) -> Iterator[Host]:
    """Start a cluster, or workers for one, and kill what is left of them in the end."""
    if "--scheduler" not in arguments:
        arguments = ("--port", "0", *arguments)
    process = start(workspace, "cluster", *arguments, fault=fault, **_FORKING, **variables)
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C ends" in line:
            break
    found = ADDRESS.search(said)
    assert found, said
    host = Host(process, found[0], said)
    try:
        yield host
    finally:
        host.kill()


@contextlib.contextmanager
def dask_worker(address: str, code: Path, *arguments: str, **variables: str) -> Iterator[None]:
    """Start a worker with Dask's own command, to which the folder `code` is on the Python path."""
    before = len(workers_of(address))
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
    process = subprocess.Popen(
        [*command, "--no-dashboard", "--host", "127.0.0.1", *arguments],
        env={**os.environ, "PYTHONPATH": str(code), **variables},
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await_true(lambda: len(workers_of(address)) > before, "a worker connects")
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def workers_of(address: str) -> list[str]:
    from distributed import Client  # noqa: TID251

    with Client(address, set_as_default=False) as client:
        return list(client.sync(client.scheduler.identity, n_workers=-1)["workers"])


def hashes_of(workspace: Workspace, name: str) -> dict[str, str]:
    """The sha256 of everything that training left but for what tells when and where."""
    folder = workspace.runs / name
    files = [*folder.glob("*.npy"), *folder.glob("fold-*/*.npy"), *folder.glob("fold-*/*.h5")]
    return {str(path.relative_to(folder)): sha256_of(path) for path in files}


def trainings(group: int) -> list[str]:
    """The commands of a process group that train folds on workers."""
    return [command for command in group_members(group) if "subprocess_call" in command]
