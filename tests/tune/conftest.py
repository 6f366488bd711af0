"""A real PostgreSQL server for the tests, if it is installed."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs; on Debian it is not in PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None


def choose_user() -> str | None:
    """Return the user that runs the server, which refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is no other user here")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of an empty database on this machine."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is missing (apt install postgresql)")
    user = choose_user()
    # Not pytest's folder, which other users cannot enter.
    root = Path(tempfile.mkdtemp(prefix="postgresql-"))
    if user:
        shutil.chown(root, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = root / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "tuner", "--auth=trust", "--no-sync"],
        user=user,
        cwd=root,
        check=True,
        capture_output=True,
    )
    log = (root / "log").open("wb")
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", root, "-F"],
        user=user,
        cwd=root,
        stdout=log,
        stderr=log,
    )
    try:
        deadline = time.monotonic() + 60
        ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "tuner"]
        while subprocess.run(ready, check=False).returncode != 0:
            assert server.poll() is None, (root / "log").read_text()
            assert time.monotonic() < deadline, (root / "log").read_text()
            time.sleep(0.1)
        yield f"postgresql+psycopg://tuner:geheim@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # does not wait for connections that are still open
        server.wait(timeout=600)
        log.close()
        shutil.rmtree(root)
