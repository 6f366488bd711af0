"""What every script shares: finding the package, options, output, and exit codes.

Exit codes: 0 success; 1 a problem, explained in plain words; 2 wrong usage; 130 Ctrl-C; 143
terminated.
"""

import argparse
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# The next imports take a moment; Ctrl-C must not show a traceback during them.
signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))

from rich.console import Console  # noqa: E402

from digit_recognizer.workspace import ProjectError  # noqa: E402


class Terminated(BaseException):
    """SIGTERM as an exception, so that locks, workers and temporary files are cleaned up."""


class Parser(argparse.ArgumentParser):
    """A parser whose messages name options as `make` does: JOBS=, not --jobs."""

    def error(self, message: str) -> NoReturn:
        found = re.fullmatch(r"argument --(\w+): invalid (int|float) value: '(.*)'", message)
        if found:
            kind = "whole number" if found[2] == "int" else "number"
            message = f"{found[1].upper()}={found[3]}; expected a {kind}."
        message = re.sub(r"argument --(\w+):", lambda option: f"{option[1].upper()}=:", message)
        self.exit(2, f"Error: {message}\n")

    def add_selection(self) -> None:
        """Add the options for what to train, blend or show: a line-up or experiments."""
        self.add_argument("--lineup", help="a named list of experiments that are blended together")
        self.add_words("--experiments", metavar="NAME")

    def add_variation(self) -> None:
        """Add the options for other values of one experiment, and the name of the variation."""
        self.add_words("--set", metavar="KEY=VALUE", dest="settings")
        self.add_argument("--name", help="the name of the variation that --set makes")

    def add_words(self, name: str, **options: Any) -> None:
        """Add an option with several words, as arguments or as one: `--set="a=1 b=2"`."""
        self.add_argument(name, nargs="*", action=_Words, **{"default": [], **options})

    def add_numbers(self, name: str, **options: Any) -> None:
        self.add_words(name, const=int, default=None, **options)


class _Words(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        words: list[Any] = [word for value in values or [] for word in str(value).split()]
        if self.const is int:
            for index, word in enumerate(words):
                try:
                    words[index] = int(word)
                except ValueError:
                    parser.error(f"argument {option_string}: invalid int value: {word!r}")
        setattr(namespace, self.dest, words)


class _Output:
    """stdout or stderr that never fails: output that cannot be written is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._drop()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


def _prepare_output() -> None:
    """Make printing safe: characters, a closed terminal or a closed pipe cannot end the work."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed before the command started
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the end
        # Characters that the terminal's encoding does not have are printed as question marks.
        stream.reconfigure(errors="replace")
        setattr(sys, name, _Output(stream))


def make_console() -> Console:
    """Return a console that leaves wrapping to the terminal.

    It keeps using the present stdout, even if other code replaces it for a while.
    """
    return Console(file=sys.stdout, soft_wrap=True, highlight=False)


def say_at_once(doing: str) -> None:
    """Say what the command does, before imports and loading take some seconds.

    On stderr, so that a pipe gets only the result.
    """
    print(f"{doing} ...", file=sys.stderr, flush=True)


def run(main: Callable[[], None], goes_on: bool = False) -> None:
    """Run the command; `goes_on` means that it continues after it was stopped."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _raise_terminated)
    _prepare_output()
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
        return "The same command starts again from the beginning."
    again = "the same command without FRESH=1" if "--fresh" in sys.argv else "the same command"
    return f"Finished work is kept; {again} continues from there."


def _end(message: str, code: int) -> None:
    if os.environ.get("DEBUG") == "1":
        traceback.print_exc()
    print(message, file=sys.stderr)
    sys.exit(code)


def _raise_terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated
