"""Folds on a Dask cluster: the same bytes as here, whatever dies on the way."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from digit_recognizer.data.sources import download
from digit_recognizer.data.sources.made import write_competition
from digit_recognizer.runs.environment import available_cores
from digit_recognizer.runs.folder import open_run
from digit_recognizer.workspace import Workspace
from tests.commands import (
    PROJECT,
    TINY,
    run,
    run_well,
    start,
    started,
    train_tiny,
    trained_folds,
)
from tests.learn.clusters import (
    Host,
    dask_worker,
    hashes_of,
    hosting,
    trainings,
    workers_of,
)
from tests.processes import await_true

pytestmark = pytest.mark.slow

ONE_THREAD = ("--jobs", str(available_cores()))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A scheduler and two workers that the tests share; no test may harm them."""
    with hosting(Workspace(tmp_path_factory.mktemp("cluster")), "--workers", "2") as host:
        yield host


@pytest.fixture(scope="session")
def here(tiny_source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The hashes that two processes of one thread lead to on this machine alone."""
    workspace = Workspace(tmp_path_factory.mktemp("here"))
    run_well(workspace, "download", "--source", str(tiny_source))
    train_tiny(workspace, *ONE_THREAD)
    return hashes_of(workspace, "tiny")


def test_a_cluster_leaves_the_same_bytes_as_processes_here(
    workspace: Workspace, cluster: Host, here: dict[str, str]
) -> None:
    output = train_tiny(workspace, "--cluster", cluster.address)
    assert f"2 workers of {cluster.address}, 1 thread" in output
    assert trained_folds(output) == [0, 1, 2]
    assert hashes_of(workspace, "tiny") == here
    for fold in range(3):
        facts = json.loads((workspace.runs / f"tiny/fold-{fold}/done.json").read_text())["facts"]
        assert facts["environment"]["threads"] == 1
        assert facts["device"] == "CPU"
    assert "begins again" not in output
    assert not list(workspace.runs.glob("tiny/.notes*"))


def test_a_run_goes_on_in_a_cluster_and_back(
    workspace: Workspace, cluster: Host, here: dict[str, str]
) -> None:
    for where, fold in ((ONE_THREAD, 0), (("--cluster", cluster.address), 1), (ONE_THREAD, 2)):
        assert trained_folds(train_tiny(workspace, *where, "--folds", str(fold))) == [fold]
    assert hashes_of(workspace, "tiny") == here


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGKILL", -9)])
def test_trainings_end_soon_when_whoever_asked_is_gone(
    workspace: Workspace, cluster: Host, name: str, code: int
) -> None:
    endless = [*TINY, "epochs=100000", "--cluster", cluster.address]
    with started(workspace, "train", *endless) as process:
        assert process.stdout
        seen = next(line for line in process.stdout if re.search(r"epoch \d+/100000 loss", line))
        assert "images/s" in seen, "how far they are comes from the workers"
        assert trainings(cluster.process.pid)
        os.kill(process.pid, signal.Signals[name])
        output, _ = process.communicate(timeout=600)
    assert process.returncode == code, output
    assert "Traceback" not in output
    await_true(lambda: not trainings(cluster.process.pid), "nothing is trained for nobody", 20)


def test_a_fold_whose_worker_dies_is_trained_again_elsewhere(
    workspace: Workspace, here: dict[str, str]
) -> None:
    join = ("--workers", "1", "--scheduler")
    with hosting(workspace, "--workers", "0") as scheduler:
        # SIGQUIT to its process group: the eighth batch is the last thing that this machine does.
        # It is the only one at first, so that it certainly begins a fold.
        with hosting(workspace, *join, scheduler.address, fault="batch:8:SIGQUIT") as dying:
            arguments = [*TINY, "--cluster", scheduler.address, "--wait", "600"]
            training = start(workspace, "train", *arguments)
            await_true(lambda: dying.process.poll() is not None, "the worker's machine ends")
        with hosting(workspace, *join, scheduler.address):
            output, _ = training.communicate(timeout=600)
    assert training.returncode == 0, output
    assert re.search(r"tiny fold \d begins again on tcp://\S+: tcp://\S+ has left", output)
    assert hashes_of(workspace, "tiny") == here


def test_a_fold_that_ends_every_worker_is_named(workspace: Workspace) -> None:
    variables = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    with (
        hosting(workspace, "--workers", "0", **variables) as scheduler,
        hosting(
            workspace,
            *("--scheduler", scheduler.address, "--workers", "1"),
            fault="batch:8:SIGQUIT",
        ),
        hosting(
            workspace,
            *("--scheduler", scheduler.address, "--workers", "1"),
            fault="batch:8:SIGQUIT",
        ),
    ):
        ended = run(workspace, "train", *TINY, "--cluster", scheduler.address, "--folds", "1")
    assert ended.returncode == 1, ended.stdout
    assert "tiny fold 1 was begun 2 times, and each time its worker died" in ended.stdout
    assert "Traceback" not in ended.stdout


def test_a_fold_whose_own_process_dies_each_time_is_named(
    workspace: Workspace, here: dict[str, str]
) -> None:
    with (
        hosting(workspace, "--workers", "0") as scheduler,
        # Every fold gets this far: 10 batches make one.
        hosting(workspace, *("--scheduler", scheduler.address, "--workers", "1"), fault="batch:8"),
    ):
        ended = run(workspace, "train", *TINY, "--cluster", scheduler.address)
    assert ended.returncode == 1, ended.stdout
    assert re.search(r"tiny fold \d was begun 3 times on tcp://", ended.stdout)
    assert "signal 9" in ended.stdout
    assert "Traceback" not in ended.stdout

    train_tiny(workspace, *ONE_THREAD)
    assert hashes_of(workspace, "tiny") == here


def test_without_workers_it_ends_in_time_and_keeps_what_is_done(
    workspace: Workspace, here: dict[str, str]
) -> None:
    with (
        hosting(workspace, "--workers", "0") as scheduler,
        # One fold is ten batches; this machine dies in its second.
        hosting(
            workspace,
            *("--scheduler", scheduler.address, "--workers", "1"),
            fault="epoch:3:SIGQUIT",
        ) as only,
    ):
        asked = [*TINY, "--cluster", scheduler.address, "--wait", "3"]
        process = start(workspace, "train", *asked)
        assert process.stdout
        first = next(line for line in process.stdout if "held-out images wrong" in line)
        only.kill()
        killed = time.monotonic()
        rest, _ = process.communicate(timeout=600)
    assert process.returncode == 1, rest
    assert f"No worker is connected to the scheduler at {scheduler.address}" in rest
    assert time.monotonic() - killed < 30
    assert "Traceback" not in rest

    resumed = train_tiny(workspace, *ONE_THREAD)
    assert set(trained_folds(resumed)).isdisjoint(trained_folds(first))
    assert hashes_of(workspace, "tiny") == here


def test_a_lost_scheduler_is_a_sentence(workspace: Workspace, here: dict[str, str]) -> None:
    with (
        hosting(workspace, "--workers", "1") as host,
        started(workspace, "train", *TINY, "epochs=100000", "--cluster", host.address) as process,
    ):
        await_true(lambda: trainings(host.process.pid), "a fold is trained", 120)
        host.kill()
        output, _ = process.communicate(timeout=600)
    assert process.returncode == 1, output
    assert f"The scheduler at {host.address} is gone" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://127.0.0.1:9", "after 4 s"),
        ("tcp://127.0.0.1", "missing port number"),
        ("http://127.0.0.1:8786", "unknown address scheme 'http'"),
        ("tls://127.0.0.1:8786", "TLS configuration"),
    ],
)
def test_no_scheduler_is_one_sentence_within_seconds(
    workspace: Workspace, address: str, words: str
) -> None:
    started = time.monotonic()
    refused = run(workspace, "train", *TINY, "--cluster", address)
    assert time.monotonic() - started < 30
    assert refused.returncode == 1
    assert f"No Dask scheduler answers at CLUSTER={address}" in refused.stdout
    assert words in refused.stdout
    assert len(refused.stdout.splitlines()) == 1, refused.stdout
    assert not (workspace.runs / "tiny").exists()


def test_a_web_server_is_no_scheduler(workspace: Workspace) -> None:
    serve = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout
        port = re.search(rb"port (\d+)", server.stdout.readline())
        assert port
        refused = run(workspace, "train", *TINY, "--cluster", f"tcp://127.0.0.1:{int(port[1])}")
        server.kill()
    assert refused.returncode == 1
    assert "no answer in 5 s" in refused.stdout


def test_a_worker_is_no_scheduler(workspace: Workspace, cluster: Host) -> None:
    refused = run(workspace, "train", *TINY, "--cluster", workers_of(cluster.address)[0])
    assert refused.returncode == 1
    assert "is a Dask worker, not a scheduler" in refused.stdout


def test_no_worker_with_what_a_fold_takes(workspace: Workspace, cluster: Host) -> None:
    asked = [*TINY, "--cluster", cluster.address, "--resources", "GPU=1", "--wait", "1"]
    refused = run(workspace, "train", *asked)
    assert refused.returncode == 1
    assert "None of the 2 workers" in refused.stdout
    assert "RESOURCES=GPU=1" in refused.stdout

    with hosting(workspace, "--workers", "0") as empty:
        refused = run(workspace, "train", *TINY, "--cluster", empty.address, "--wait", "1")
    assert refused.returncode == 1
    assert "No worker is connected" in refused.stdout


def test_folds_go_where_there_is_a_gpu(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that says so, and that JAX finds a device on: here its processor."""
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    with (
        hosting(workspace, "--workers", "1") as host,
        dask_worker(host.address, PROJECT, "--resources", "GPU=1"),
    ):
        output = train_tiny(workspace, "--cluster", host.address)
        assert "1 worker of" in output
        assert "with GPU=1" in output
        assert not trainings(host.process.pid)
        trained = open_run(workspace, "tiny")
        assert trained.is_complete
        assert trained.fold_facts(0)["environment"]["keras_backend"] == "jax"
        asked = ("--fresh", "--folds", "0", "--cluster", host.address, "--resources", "GPU=0")
        both = train_tiny(workspace, *asked)
    assert "2 workers of" in both


def test_a_worker_of_other_code_is_refused(
    workspace: Workspace, cluster: Host, tmp_path: Path
) -> None:
    other = copy_code(tmp_path / "other clone")
    with (other / "digit_recognizer/learn/schedule.py").open("a") as file:
        file.write("\n# another schedule\n")
    with (
        hosting(workspace, "--workers", "0") as scheduler,
        dask_worker(scheduler.address, other),
    ):
        run_well(workspace, "train", *TINY, "--jobs", "1")
        before = hashes_of(workspace, "tiny")
        refused = run(workspace, "train", *TINY, "--fresh", "--cluster", scheduler.address)
    assert refused.returncode == 1, refused.stdout
    assert "would not train as this machine does: code" in refused.stdout
    assert "Traceback" not in refused.stdout
    assert hashes_of(workspace, "tiny") == before, "FRESH=1 has deleted nothing"


def test_a_worker_without_the_code_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with (
        hosting(workspace, "--workers", "0") as scheduler,
        dask_worker(scheduler.address, tmp_path),
    ):
        refused = run(workspace, "train", *TINY, "--cluster", scheduler.address)
    assert refused.returncode == 1, refused.stdout
    assert "cannot take folds" in refused.stdout
    assert "No module named 'digit_recognizer'" in refused.stdout
    assert "Traceback" not in refused.stdout


def test_code_that_changes_under_a_running_worker_is_refused(
    workspace: Workspace, tmp_path: Path
) -> None:
    clone = copy_code(tmp_path / "clone")
    with (
        hosting(workspace, "--workers", "0") as scheduler,
        dask_worker(scheduler.address, clone),
    ):
        train_tiny(workspace, "--cluster", scheduler.address, "--folds", "0")
        with (clone / "digit_recognizer/learn/schedule.py").open("a") as file:
            file.write("\n# edited since\n")
        refused = run(workspace, "train", *TINY, "--cluster", scheduler.address)
    assert refused.returncode == 1, refused.stdout
    assert "would not train as this machine does: code" in refused.stdout


def test_what_is_slow_on_one_worker_is_not_taken(workspace: Workspace, cluster: Host) -> None:
    """A processor without bfloat16, as far as oneDNN is told."""
    with dask_worker(cluster.address, PROJECT, ONEDNN_MAX_CPU_ISA="AVX512_CORE"):
        asked = ("precision=auto", "--folds", "0", "--cluster", cluster.address)
        output = train_tiny(workspace, *asked)
    assert "3 workers" in output
    assert "1 thread, float32" in output
    done = json.loads((workspace.runs / "tiny/fold-0/done.json").read_text())
    assert done["facts"]["precision"] == "float32"


def test_the_digits_are_sent_once_to_each_worker(tmp_path: Path) -> None:
    """Bytes on the loopback of a network of its own, in which only this cluster talks."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "--net", "true"], check=False).returncode:
        pytest.skip("only root may make a network of its own")
    workspace = Workspace(tmp_path)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (20_240, 28, 28), np.uint8)
    labels = generator.integers(0, 10, 240, np.uint8)
    source = tmp_path / "source"
    source.mkdir()
    write_competition(source, images[:240], labels, images[240:], np.zeros(20_000, np.uint8))
    download(workspace, str(source))

    script = Path(__file__).parent / "one_network.py"
    command = ["unshare", "--net", sys.executable, str(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert done.returncode == 0, done.stdout + done.stderr
    sent = json.loads(done.stdout.splitlines()[-1])
    # To the scheduler, to the first worker, from there to the second; and four folds' results.
    digits = images.nbytes
    results = 4 * (20_000 + 60) * 10 * 4 * 2
    assert 3 * digits < sent < 3 * digits + results + 4e6, sent / digits


def copy_code(target: Path) -> Path:
    for name in ("digit_recognizer", "scripts"):
        shutil.copytree(PROJECT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    return target
