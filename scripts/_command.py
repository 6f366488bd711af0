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

from digit_recognizer.workspace import ProjectError


class Terminated(BaseException):
    """SIGTERM, as an exception, so that locks, workers and temporary files are let go of."""


def run(main: Callable[[], None]) -> None:
    signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        main()
    except ProjectError as error:
        _end(f"Error: {error}", 1)
    except OSError as error:
        _end(f"Error: {error.filename or 'input/output'}: {error.strerror or error}.", 1)
    except KeyboardInterrupt:
        _end("Stopped. What was finished is kept; the same command goes on from there.", 130)
    except Terminated:
        _end("Terminated. What was finished is kept; the same command goes on from there.", 143)


def _end(message: str, code: int) -> None:
    if os.environ.get("DEBUG") == "1":
        traceback.print_exc()
    print(message, file=sys.stderr)
    sys.exit(code)


def _raise_terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated
