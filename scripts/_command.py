"""What every script shares: the way to the package, and how a command ends.

Exit codes: 0 done; 1 a problem, said in plain words; 2 wrong usage; 130 Ctrl-C; 143 terminated.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# The imports that follow take a moment, in which Ctrl-C must not end in a traceback either.
signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))

from rich.console import Console  # noqa: E402

from digit_recognizer.workspace import ProjectError  # noqa: E402


class Terminated(BaseException):
    """SIGTERM, as an exception, so that locks, workers and temporary files are let go of."""


def make_console() -> Console:
    """Return a console that leaves the wrapping of sentences to the terminal.

    It keeps the stdout of now, whoever replaces that for a while.
    """
    return Console(file=sys.stdout, soft_wrap=True, highlight=False)


def run(main: Callable[[], None], goes_on: bool = False) -> None:
    """Run the command; `goes_on` if it takes up what was done before it was stopped."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        main()
    except ProjectError as error:
        _end(f"Error: {error}", 1)
    except OSError as error:
        _end(f"Error: {error.filename or 'input/output'}: {error.strerror or error}.", 1)
    except KeyboardInterrupt:
        _end(f"Stopped. {_what_is_next(goes_on)}", 130)
    except Terminated:
        _end(f"Terminated. {_what_is_next(goes_on)}", 143)


def _what_is_next(goes_on: bool) -> str:
    if not goes_on:
        return "The same command begins anew."
    again = "the same command without FRESH=1" if "--fresh" in sys.argv else "the same command"
    return f"What was finished is kept; {again} goes on from there."


def _end(message: str, code: int) -> None:
    if os.environ.get("DEBUG") == "1":
        traceback.print_exc()
    print(message, file=sys.stderr)
    sys.exit(code)


def _raise_terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated
