"""`scripts/serve.py` as a process: how it starts and how it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digit_recognizer.use.serve.run import take_port
from digit_recognizer.workspace import ProjectError, Workspace
from tests.commands import run, start
from tests.use.conftest import SMALL
from tests.use.serve.asking import Process, ask, ask_picture, connect, serving, write_head
from tests.use.serve.measure import draw_picture


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "last"),
    [(signal.SIGINT, 0, "Ended."), (signal.SIGTERM, 143, "Terminated.")],
)
def test_a_signal_ends_it_at_once_whatever_it_does(
    home: Workspace, number: int, code: int, last: str
) -> None:
    with serving(home, "--experiments", SMALL) as process:
        reply = ask_picture(process.port, draw_picture(7))
        assert reply.json["digit"] == 7
        assert reply.json["digit"] != reply.json["runner_up"]
        # An idle connection, a slow client, and one that has not sent anything.
        with connect(process.port) as kept, connect(process.port) as slow, connect(process.port):
            kept.sendall(write_head(process.port, "GET", "/"))
            assert kept.recv(10)
            head = write_head(
                process.port, "POST", "/api/picture", content_type="image/png", content_length="99"
            )
            slow.sendall(head)
            started = time.monotonic()
            assert process.end(number) == code
            assert time.monotonic() - started < 4
    # One line with the address, and one at the end.
    assert process.lines[-2] == (
        f"{SMALL} is served at http://127.0.0.1:{process.port} "
        "(open it in a browser and draw a digit; Ctrl-C ends it)."
    )
    assert process.lines[-1].startswith(last)
    assert "Traceback" not in "\n".join(process.lines)


@pytest.mark.slow
def test_the_port_can_be_used_again_at_once(home: Workspace, free_port: int) -> None:
    for _ in range(2):
        with serving(home, "--experiments", SMALL, "--port", str(free_port)) as process:
            assert process.port == free_port
            assert ask(free_port, "GET", "/api/model").json["label"] == SMALL
            assert process.end(signal.SIGINT) == 0


@pytest.mark.slow
def test_an_exported_file_is_served_without_training_libraries(
    home: Workspace, tmp_path: Path
) -> None:
    with serving(home, "--experiments", SMALL):
        pass  # makes the export if there is none
    nothing = Workspace(tmp_path / "nothing")
    model = home.exports / f"{SMALL}.onnx"
    arguments = ("--port", "0", "--model", str(model))
    process = Process(start(nothing, "serve", *arguments, imported=False))
    try:
        process.wait_until_ready()
        assert ask_picture(process.port, draw_picture(3)).json["digit"] == 3
        maps = Path(f"/proc/{process.number}/maps")
        if maps.exists():
            loaded = maps.read_text()
            assert "onnxruntime" in loaded
            assert "tensorflow" not in loaded
            assert "pandas" not in loaded
    finally:
        process.kill()
    assert not nothing.root.exists()


def test_ctrl_c_ends_it_while_networks_load(
    workspace: Workspace, tmp_path: Path, free_port: int
) -> None:
    endless = tmp_path / "endless.onnx"
    os.mkfifo(endless)
    process = start(workspace, "serve", "--port", str(free_port), "--model", str(endless))
    while True:
        try:
            connect(free_port).close()
            break
        except ConnectionRefusedError:
            assert process.poll() is None
            time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 130
    assert output == "Stopped. The same command starts again from the beginning.\n"


def test_a_port_in_use_is_reported_first(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run(workspace, "serve", "--port", str(port))
    assert done.returncode == 1
    assert done.stdout.startswith(f"Error: Port {port} cannot be used: Address already in use.")
    assert "make serve PORT=0" in done.stdout
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_an_invalid_port_is_refused(port: int) -> None:
    with pytest.raises(ProjectError, match="from 0 to 65535"):
        take_port(port)


def test_without_networks_it_says_what_to_do(workspace: Workspace, free_port: int) -> None:
    done = run(workspace, "serve", "--port", str(free_port))
    assert done.returncode == 1
    assert done.stdout == (
        "Error: Nothing has been trained to the end yet. Run `make train` first.\n"
    )


def test_the_command_line_does_not_import_slow_libraries(workspace: Workspace) -> None:
    code = (
        "import sys; import digit_recognizer.use.serve.run; "
        "heavy = {'fastapi', 'uvicorn', 'onnxruntime', 'onnx', 'scipy', 'pandas', 'keras', "
        "'tensorflow', 'PIL'}; print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
