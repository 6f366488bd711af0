"""Start the project's scripts as processes of their own, without waiting for their imports.

Importing TensorFlow, pandas and scikit-learn takes seconds of a processor, and most tests of a
command would do little else. So one process imports them once, and each command is a fork of it:
with its own process group, environment, working folder, output, signals and exit code, and with
nothing trained or configured before. What such a command starts as `python -m digit_recognizer...`,
to train in it, is a fork, too. What always holds: the server ends with the tests that
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
import select
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
    *("matplotlib.figure", "distributed", "optuna"),
)
_REQUEST = 1 << 20
# Scripts that start the package's own modules as processes, which then are forks, too.
_STARTS_MODULES = ("cluster", "tune")
_TEMPLATE = "DIGIT_RECOGNIZER_TEST_FORKS"  # where to ask for one


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
            "leads": True,
        }
        read, write = os.pipe()
        with open(os.devnull, "rb") as nothing:
            command = _ask(self._channel, request, [nothing.fileno(), write, write], read)
        os.close(write)
        return command


class Command:
    """A started script, as `subprocess.Popen` would describe it; stdout and stderr are one."""

    def __init__(self, args: Any, stdout: int | None, news: socket.socket) -> None:
        self.args = args
        self.stdin: Any = None
        self.stdout: Any = None
        if stdout is not None:
            self.stdout = open(stdout, encoding="utf-8")  # noqa: SIM115 - communicate() closes it
        self.returncode: int | None = None
        self._news = news.makefile("r")
        news.close()
        self.pid = int(self._news.readline())
        self._ended = threading.Event()
        threading.Thread(target=self._await_end, daemon=True).start()

    def _await_end(self) -> None:
        with self._news:
            # Nothing where the same signal has ended whoever was to tell.
            self.returncode = int(self._news.readline() or -signal.SIGKILL)
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
        if self.stdin and not self.stdin.closed:
            self.stdin.close()
        if self.stdout is None or self.stdout.closed:
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


def _serve(channel: socket.socket) -> dict[str, Any] | None:
    """Fork for each request; return it in the child, which is like a new interpreter for it.

    Return None when all is over.
    """
    while True:
        packed, descriptors, _, _ = socket.recv_fds(channel, _REQUEST, 4)
        if not packed:
            return None
        request = _fork_for(packed, descriptors)
        if request:
            channel.close()
            return request


def _fork_for(packed: bytes, descriptors: list[int]) -> dict[str, Any] | None:
    """Fork; return the request in the child that has become what was asked for, else None."""
    *streams, news = descriptors
    # A process between the server and the command: it waits for the command's end.
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        command = os.fork()
        if command == 0:
            os.close(news)
            request: dict[str, Any] = json.loads(packed)
            _become(request, streams)
            return request
        for stream in streams:
            os.close(stream)
        os.write(news, f"{command}\n".encode())
        _, status = os.waitpid(command, 0)
        os.write(news, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    for descriptor in descriptors:
        os.close(descriptor)
    return None


def _become(request: dict[str, Any], streams: list[int]) -> None:
    """Make this fork what a new interpreter would be for the request."""
    if request["leads"]:
        os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - until the end
    sys.stdout = open(1, "w", 1, "utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, "utf-8", closefd=False)  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if "DASK" in " ".join(os.environ):  # which Dask has read while it was imported
        importlib.import_module("dask").config.refresh()


def _offer_forks() -> dict[str, Any] | None:
    """Start a process that forks for what this command starts, and for its workers.

    Taken now, because later there are threads, which do not survive a fork. It is in the command's
    process group, like everything that the command starts, and ends with the command. Return the
    request in such a fork, else None.
    """
    # An abstract address: nothing is left on the disk.
    address = f"digit-recognizer-{os.getpid()}"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"\0{address}")
    listener.listen(64)
    alive, _held_to_the_end = os.pipe()
    if os.fork() == 0:
        os.close(_held_to_the_end)
        for number in (signal.SIGINT, signal.SIGTERM):  # to the group; the command answers them
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        with open(os.devnull, "r+b") as nothing:
            for number in range(3):  # whoever reads the command's output waits for all its writers
                os.dup2(nothing.fileno(), number)
        while True:
            ready, _, _ = select.select([listener, alive], [], [])
            if alive in ready:
                os._exit(0)
            with listener.accept()[0] as channel:
                packed, descriptors, _, _ = socket.recv_fds(channel, _REQUEST, 4)
            request = _fork_for(packed, descriptors)
            if request:
                listener.close()
                os.close(alive)
                return request
    listener.close()
    os.close(alive)
    os.environ[_TEMPLATE] = address
    fork_instead()
    return None


def fork_instead() -> None:
    """From now on the package's own modules start as forks, if this process was offered any."""
    if _TEMPLATE in os.environ:
        subprocess.Popen = _Popen  # type: ignore[misc]


def dask_setup(worker: Any) -> None:
    """Called by Dask in each worker, where its configuration names this module."""
    fork_instead()


class _Popen(subprocess.Popen):  # type: ignore[type-arg]
    """`subprocess.Popen`, but for `python -m digit_recognizer...`: that is a `Command`."""

    def __new__(cls, args: Any, *more: Any, **options: Any) -> Any:
        match args:
            case [sys.executable, "-m", str(module), *_] if module.startswith("digit_recognizer."):
                return _start_module(args, **options)
        return super().__new__(cls)


def _start_module(
    args: list[str],
    *,
    cwd: Path,
    stderr: Any,
    stdin: int,
    stdout: Any,
    text: bool = False,
    env: dict[str, str] | None = None,
) -> "Command":
    assert stdin == subprocess.PIPE, "as the package's modules are started"
    read_orders, write_orders = os.pipe()
    given = [read_orders, stdout, stderr]
    read = None
    if stdout == subprocess.PIPE:
        read, given[1] = os.pipe()
    streams = [each if isinstance(each, int) else each.fileno() for each in given]
    request = {
        "arguments": args[1:],
        "environment": dict(env or os.environ),
        "folder": str(cwd),
        "leads": False,
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as channel:
        channel.connect(f"\0{os.environ[_TEMPLATE]}")
        command = _ask(channel, request, streams, read)
    os.close(read_orders)
    if read is not None:
        os.close(given[1])
    command.stdin = open(write_orders, "w", encoding="utf-8")  # noqa: SIM115 - until the end
    return command


def _ask(
    channel: socket.socket, request: dict[str, Any], streams: list[int], read: int | None
) -> "Command":
    """Ask for a fork with these streams; `read` is this process's end of its stdout."""
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(channel, [json.dumps(request).encode()], [*streams, theirs.fileno()])
    return Command(request["arguments"], read, ours)


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
    request = _serve(channel)
    if request and Path(request["arguments"][0]).stem in _STARTS_MODULES:
        request = _offer_forks() or request
    if request:
        _run(request["arguments"])


def _run(arguments: list[str]) -> NoReturn:
    """Run the script and end as an interpreter does, only without taking apart what it imported."""
    try:
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            sys.path[0] = str(Path.cwd())
            _be_called(arguments[1])
            del sys.modules[arguments[1]]  # which runpy would warn of
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            sys.path[0] = str(Path(arguments[0]).parent)
            runpy.run_path(arguments[0], run_name="__main__")
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


def _be_called(module: str) -> None:
    """Let `ps` show what this is: the last 15 letters of the module's name."""
    Path("/proc/self/comm").write_text(module[-15:])


if __name__ == "__main__":
    main()
