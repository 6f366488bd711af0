"""`make cluster`: what listens, and that nothing is left behind."""

import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from digit_recognizer.workspace import Workspace
from tests.commands import TINY, run, start, train_tiny, trained_folds
from tests.learn.clusters import hosting, workers_of
from tests.processes import assert_group_ends, await_true


def later(moment: int) -> Any:
    return pytest.param(moment, marks=pytest.mark.slow)


@pytest.mark.slow
def test_nothing_listens_beyond_this_machine(workspace: Workspace) -> None:
    psutil = pytest.importorskip("psutil")
    with (
        hosting(workspace, "--workers", "1") as host,
        hosting(workspace, "--workers", "1", "--scheduler", host.address) as more,
    ):
        assert host.address.startswith("tcp://127.0.0.1:")
        assert f"CLUSTER={host.address} make train" in host.said
        assert "password" not in host.said
        groups = (host.process.pid, more.process.pid)
        mine = {int(pid) for group in groups for pid in pids_of(group)}
        listening = [
            each.laddr
            for each in psutil.net_connections("tcp")
            if each.pid in mine and each.status == psutil.CONN_LISTEN
        ]
    assert len(listening) >= 5
    assert {address.ip for address in listening} == {"127.0.0.1"}


@pytest.mark.slow
def test_it_warns_of_a_door_that_is_open(workspace: Workspace) -> None:
    with hosting(workspace, "--workers", "0", "--listen", "0.0.0.0") as host:
        assert "can run whatever they like here" in host.said
        assert "127.0.0.1" not in host.address


@pytest.mark.slow
def test_tls_is_dasks_own_configuration(workspace: Workspace, tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=cluster"]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    settings = {
        "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "true",
        "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": certificate,
    }
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        settings[f"DASK_DISTRIBUTED__COMM__TLS__{role}__CERT"] = certificate
        settings[f"DASK_DISTRIBUTED__COMM__TLS__{role}__KEY"] = key
    with hosting(workspace, "--workers", "1", **settings) as host:
        assert host.address.startswith("tls://")
        asked = ("--folds", "0", "--cluster", host.address)
        assert trained_folds(train_tiny(workspace, *asked, **settings)) == [0]
        stranger = run(workspace, "train", *TINY, "--cluster", host.address)
        assert stranger.returncode == 1
        assert "TLS configuration" in stranger.stdout


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 0), ("SIGTERM", 143), ("SIGKILL", -9)])
def test_its_workers_end_with_it(workspace: Workspace, name: str, code: int) -> None:
    with hosting(workspace, "--workers", "1") as host:
        if name == "SIGINT":
            os.killpg(host.process.pid, signal.SIGINT)  # as a terminal does
        else:
            host.process.send_signal(signal.Signals[name])
        output, _ = host.process.communicate(timeout=600)
        assert host.process.returncode == code, output
        assert "Traceback" not in output
        assert_group_ends(host.process.pid)


# What the command has done by then: nothing, its imports, the scheduler's start, what follows, the
# start of the first worker, of both, and everything.
@pytest.mark.parametrize("moment", [1, later(2), later(3), 4, later(5), 6, later(7)])
@pytest.mark.parametrize(
    ("name", "code"), [pytest.param("SIGINT", 0, marks=pytest.mark.slow), ("SIGTERM", 143)]
)
def test_it_can_be_stopped_at_any_moment(
    workspace: Workspace, name: str, code: int, moment: int
) -> None:
    fault = f"cluster:{moment}:{name}"
    process = start(workspace, "cluster", "--port", "0", "--workers", "2", fault=fault)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == code, output
    assert "Traceback" not in output
    assert "never retrieved" not in output
    assert_group_ends(process.pid)


@pytest.mark.slow
def test_asked_twice_it_ends_at_once(workspace: Workspace) -> None:
    with hosting(workspace, "--workers", "2") as host:
        for _ in range(2):
            host.process.send_signal(signal.SIGTERM)
        output, _ = host.process.communicate(timeout=600)
        assert host.process.returncode == 143, output
        assert "Traceback" not in output
        assert_group_ends(host.process.pid)


@pytest.mark.slow
def test_a_worker_that_dies_is_started_again(workspace: Workspace) -> None:
    with hosting(workspace, "--workers", "1") as host:
        (before,) = workers_of(host.address)
        worker = max(int(pid) for pid in pids_of(host.process.pid))
        os.kill(worker, signal.SIGKILL)
        await_true(
            lambda: workers_of(host.address) not in ([], [before]), "another takes its place"
        )


@pytest.mark.slow
def test_workers_end_with_their_scheduler(workspace: Workspace) -> None:
    with hosting(workspace, "--workers", "0") as scheduler:
        arguments = ("--scheduler", scheduler.address, "--workers", "1")
        with hosting(workspace, *arguments) as workers:
            assert f"1 worker of one thread each for {scheduler.address}" in workers.said
            scheduler.kill()
            output, _ = workers.process.communicate(timeout=600)
            assert workers.process.returncode == 1, output
            assert f"The scheduler at {scheduler.address} is gone" in output
            assert "Traceback" not in output
            assert_group_ends(workers.process.pid)


def test_what_cannot_be_started_is_said(workspace: Workspace) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run(workspace, "cluster", "--workers", "0", "--port", str(port))
        assert refused.returncode == 1
        assert f"Cannot listen at 127.0.0.1, port {port}" in refused.stdout
        assert "Traceback" not in refused.stdout
    nobody = run(workspace, "cluster", "--scheduler", "tcp://127.0.0.1:9")
    assert nobody.returncode == 1
    assert "No Dask scheduler answers at SCHEDULER=tcp://127.0.0.1:9" in nobody.stdout
    negative = run(workspace, "cluster", "--workers", "-1")
    assert negative.returncode == 1
    assert "WORKERS=-1; expected 0 or more" in negative.stdout
    far = run(workspace, "cluster", "--port", "99999")
    assert far.returncode == 1
    assert "PORT=99999; expected at most 65535" in far.stdout


def pids_of(group: int) -> list[str]:
    listed = subprocess.run(
        ["ps", "-eo", "pgid=,pid="], capture_output=True, text=True, check=True
    ).stdout
    return re.findall(rf"^ *{group} +(\d+)$", listed, re.MULTILINE)
