"""Start the project's scripts as processes of their own, without waiting for their imports.

Importing TensorFlow, pandas and scikit-learn takes seconds of a processor, and most tests of a
command would do little else. So one process imports them once, and each command is a fork of it:
with its own process group, environment, working folder, output, signals and exit code, and with
nothing trained or configured before. What always holds: the server ends with the tests that
started it.

In: `ForkServer().start(script, arguments, environment)`. Out: a `Command`, which has what is used
here of `subprocess.Popen`.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

_PROJECT = Path(__file__).resolve().parents[1]
_IMPORTED_FIRST = (
    *("numpy", "pandas", "scipy.ndimage", "sklearn.model_selection", "sklearn.datasets", "joblib"),
    *("rich.console", "rich.table", "rich.progress", "requests", "jinja2", "PIL.Image", "keras"),
    "matplotlib.figure",
)
_REQUEST = 1 << 20


class ForkServer:
    """The process that has imported everything; started at the first use."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forkserver", str(theirs.fileno())],
            cwd=_PROJECT,
            env=os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"},
            pass_fds=[theirs.fileno()],
            # Ctrl-C is for pytest; the server ends when the channel does.
            start_new_session=True,
        )
        theirs.close()

    def start(self, script: Path, arguments: list[str], environment: dict[str, str]) -> "Command":
        request = {
            "arguments": [str(script), *arguments],
            "environment": environment,
            "folder": str(Path.cwd()),
        }
        read, write = os.pipe()
        ours, theirs = socket.socketpair()
        with theirs:
            packed = json.dumps(request).encode()
            socket.send_fds(self._channel, [packed], [write, theirs.fileno()])
        os.close(write)
        return Command(request["arguments"], read, ours)


class Command:
    """A started script, as `subprocess.Popen` would describe it; stdout and stderr are one."""

    def __init__(self, args: Any, stdout: int, news: socket.socket) -> None:
        self.args = args
        self.stdout = open(stdout, encoding="utf-8")  # noqa: SIM115 - communicate() closes it
        self.returncode: int | None = None
        self._news = news.makefile("r")
        news.close()
        self.pid = int(self._news.readline())
        self._ended = threading.Event()
        threading.Thread(target=self._await_end, daemon=True).start()

    def _await_end(self) -> None:
        with self._news:
            self.returncode = int(self._news.readline())
        self._ended.set()

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """Return what is printed until the end, and None for stderr, which is part of it."""
        deadline = None if timeout is None else time.monotonic() + timeout
        if self.stdout.closed:
            self.wait(timeout)
            return "", None
        printed: list[str] = []
        reader = threading.Thread(target=lambda: printed.append(self.stdout.read()), daemon=True)
        reader.start()
        reader.join(timeout)
        if reader.is_alive():
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if deadline is None else max(1, deadline - time.monotonic()))
        self.stdout.close()
        return printed[0], None

    def send_signal(self, number: int) -> None:
        # The number may be another process's once this one has ended.
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _serve(channel: socket.socket) -> list[str] | None:
    """Fork for each request; return the arguments in the child, and None when all is over."""
    while True:
        packed, descriptors, _, _ = socket.recv_fds(channel, _REQUEST, 2)
        if not packed:
            return None
        stdout, news = descriptors
        # A process between the server and the command: it waits for the command's end.
        if os.fork() == 0:
            channel.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            command = os.fork()
            if command == 0:
                os.close(news)
                return _become(json.loads(packed), stdout)
            os.close(stdout)
            os.write(news, f"{command}\n".encode())
            _, status = os.waitpid(command, 0)
            os.write(news, f"{os.waitstatus_to_exitcode(status)}\n".encode())
            os._exit(0)
        os.close(stdout)
        os.close(news)


def _become(request: dict[str, Any], stdout: int) -> list[str]:
    """Make this fork what a new interpreter would be for the request; return its arguments."""
    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    os.dup2(stdout, 1)
    os.dup2(stdout, 2)
    os.close(stdout)
    sys.stdout = open(1, "w", 1, "utf-8", closefd=False)  # noqa: SIM115 - until the end
    sys.stderr = open(2, "w", 1, "utf-8", closefd=False)  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments: list[str] = request["arguments"]
    return arguments


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nothing is left of those that have ended
    channel = socket.socket(fileno=int(sys.argv[1]))
    for name in _IMPORTED_FIRST:
        importlib.import_module(name)
    package = importlib.import_module("digit_recognizer")
    for module in pkgutil.walk_packages(package.__path__, "digit_recognizer."):
        if not module.name.startswith("digit_recognizer.learn.gpu"):  # Keras is TensorFlow's here
            importlib.import_module(module.name)
    # A collection in a fork would copy every page of what was imported.
    gc.collect()
    gc.freeze()
    arguments = _serve(channel)
    if arguments:
        sys.argv = arguments
        sys.path[0] = str(Path(arguments[0]).parent)
        _run(arguments[0])


def _run(script: str) -> NoReturn:
    """Run the script and end as an interpreter does, only without taking apart what it imported."""
    try:
        runpy.run_path(script, run_name="__main__")
        code = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for its threads
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
