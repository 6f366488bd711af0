"""Call a function in a Python process of its own.

In: a function and its arguments, which can be pickled. Out: what it returns; a problem in its own
words, any other exception as text. What always holds: the process is gone when the call ends,
however that ends, and ends when its caller dies.
"""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from digit_recognizer.workspace import ProjectError, project_root

_LOOK_EVERY = 0.2  # seconds
_LAST_WORDS = 2_000  # characters


class ProcessDiedError(Exception):
    """The process ended without an answer; the text says how, and what it said last."""


def call_apart(function: Callable[..., Any], *arguments: Any, meanwhile: Callable[[], None]) -> Any:
    """Return the function's result; whatever `meanwhile` raises, now and then, ends the call."""
    with tempfile.TemporaryDirectory(prefix="digit-recognizer-") as name:
        folder = Path(name)
        (folder / "call").write_bytes(pickle.dumps((function, arguments)))
        with open(folder / "stderr", "wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", __spec__.name, name],
                stdin=subprocess.PIPE,  # which closes when this process dies
                stdout=stderr,
                stderr=stderr,
                cwd=project_root(),
            )
        try:
            while process.poll() is None:
                meanwhile()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_EVERY)
        finally:
            process.kill()
            process.communicate()
        return _read_outcome(folder, process.returncode)


def _read_outcome(folder: Path, code: int) -> Any:
    try:
        outcome = pickle.loads((folder / "outcome").read_bytes())  # noqa: S301 - our own
    except FileNotFoundError:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        words = (folder / "stderr").read_text(errors="replace")[-_LAST_WORDS:].strip()
        raise ProcessDiedError(f"{how}{': ' if words else ''}{words}") from None
    match outcome:
        case "returned", value:
            return value
        case "raised", error:
            raise error


def _answer(folder: Path) -> None:
    # Ctrl-C reaches every process of a terminal; the caller alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_caller, daemon=True).start()
    function, arguments = pickle.loads((folder / "call").read_bytes())  # noqa: S301 - our own
    try:
        outcome = pickle.dumps(("returned", function(*arguments)))
    except ProjectError as error:
        outcome = pickle.dumps(("raised", error))
    except Exception:
        # As text: an exception of TensorFlow's cannot be pickled.
        outcome = pickle.dumps(("raised", RuntimeError(traceback.format_exc())))
    draft = folder / "draft"
    draft.write_bytes(outcome)
    draft.replace(folder / "outcome")


def _end_with_caller() -> None:
    os.read(0, 1)  # not through sys.stdin, whose lock would be in the way of an ordinary end
    os._exit(1)


if __name__ == "__main__":
    _answer(Path(sys.argv[1]))
