"""A logged-in client: every call is quiet, has a time limit, and is repeated where that helps.

In: credentials that the client finds itself. Out: what a call returns, or a `KaggleError`. What
always holds: nothing that the client prints is seen (it may print headers), no call waits for
ever (the client itself sets no time limits), and a call that may have been obeyed is not repeated.
"""

import contextlib
import importlib.util
import io
import itertools
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import metadata
from types import FrameType
from typing import Any, TypeVar

from rich.console import Console

from digit_recognizer.kaggle_api.credentials import (
    HOW_TO_GET,
    as_basic_header,
    find_credentials,
    is_sendable,
)
from digit_recognizer.kaggle_api.errors import TOO_MANY_REQUESTS, KaggleError, Problem, describe
from digit_recognizer.workspace import ProjectError

PATIENCE = "DIGIT_RECOGNIZER_PATIENCE"
_PATIENCE_SECONDS = 120.0
# How long to wait for any one answer, or for the next bytes of a file.
_ANSWER_SECONDS = 30.0
_LONGEST_PAUSE = 16.0

T = TypeVar("T")


class OutOfTime(BaseException):
    """No answer within the bound. Not an Exception: the client swallows those."""


class _CredentialsError(Exception):
    """The client found credentials and could not log in with them."""


@dataclass
class Client:
    """A way to Kaggle; `api` is the official client's KaggleApi."""

    api: Any
    credentials: str
    console: Console
    patience: float
    is_logged_in: bool = True

    @property
    def username(self) -> str:
        return str(self.api.config_values.get("username") or "")

    @property
    def answer_seconds(self) -> float:
        return min(_ANSWER_SECONDS, self.patience)

    def call(self, action: str, function: Callable[[Any], T], once: bool = False) -> T:
        """Return `function(api)`, tried again while that can help and our patience lasts.

        With `once` only what the server itself refused is tried again, because a call whose
        answer was lost may have been obeyed.
        """
        deadline = time.monotonic() + self.patience
        for attempt in itertools.count():
            try:
                with quietly(), time_limit(self.answer_seconds):
                    return function(self.api)
            except (ProjectError, _CredentialsError):
                raise
            except (Exception, OutOfTime) as error:
                problem = describe(
                    error, self.credentials, self._secrets() if self.is_logged_in else None
                )
            pause = problem.retry_after
            if pause is None:
                pause = min(2.0**attempt, _LONGEST_PAUSE)
            again = problem.is_temporary if not once else problem.status == TOO_MANY_REQUESTS
            if not again:
                raise KaggleError(f"Could not {action}. {problem.what}", problem)
            if time.monotonic() + pause > deadline:
                raise KaggleError(
                    f"Could not {action}. {problem.what} {_say_when(problem)}", problem
                )
            self.console.print(f"{problem.what} Trying again in {pause:.0f} s.")
            time.sleep(pause)
        raise AssertionError

    def _secrets(self) -> list[str]:
        values = self.api.config_values
        name, key = str(values.get("username") or ""), str(values.get("key") or "")
        known = [key, str(values.get("token") or ""), os.environ.get("KAGGLE_API_TOKEN", "")]
        known.append(os.environ.get("KAGGLE_KEY", ""))
        return [*known, as_basic_header(name, key)] if key else known


def connect(console: Console) -> Client:
    """Log in with what the client finds; credentials that fail are an error."""
    found = find_credentials()
    if not found:
        raise ProjectError(
            f"No Kaggle credentials were found. {HOW_TO_GET}, and run the same command again."
        )
    api = _import_client()()
    client = Client(api, found, console, _read_patience(), is_logged_in=False)
    try:
        client.call("log in to Kaggle", _authenticate)
    except _CredentialsError:
        # What was found is not repeated, nor what the client says of it.
        raise ProjectError(
            f"Kaggle's client could not log in with the credentials that it found ({found}): they "
            "are unreadable, malformed, revoked or expired. A new token is made at "
            "https://www.kaggle.com/settings."
        ) from None
    client.is_logged_in = True
    return client


def _authenticate(api: Any) -> None:
    from kagglesdk.kaggle_env import get_access_token_from_env

    try:
        token, _ = get_access_token_from_env()
        if token and not is_sendable(token):
            raise _CredentialsError
        with _ending_as_refused():
            api.authenticate()
    except (OSError, UnicodeError) as error:
        if getattr(error, "request", None) is not None or hasattr(error, "response"):
            raise  # the network's, not a file's
        raise _CredentialsError from None
    login = [api.config_values.get(part) for part in ("username", "key")]
    method = api.config_values.get("auth_method")
    # The client says that it falls back from a bad token to a good key, then sends the bad token.
    if token and method != "ACCESS_TOKEN":
        raise _CredentialsError
    is_good = all(isinstance(part, str) and is_sendable(part) for part in login)
    if method == "LEGACY_API_KEY" and not is_good:
        raise _CredentialsError


@contextlib.contextmanager
def _ending_as_refused() -> Iterator[None]:
    """Turn the ways in which the client ends over credentials into one."""
    import requests

    try:
        yield
    except requests.exceptions.InvalidHeader:
        raise _CredentialsError from None
    except requests.RequestException:
        raise
    except (SystemExit, ValueError, KeyError, TypeError, AttributeError):
        raise _CredentialsError from None


def _import_client() -> Any:
    """Return the class KaggleApi without running `kaggle/__init__.py`, which logs in, unbounded."""
    if "kaggle" not in sys.modules:
        spec = importlib.util.find_spec("kaggle")
        assert spec is not None
        package = importlib.util.module_from_spec(spec)
        package.__version__ = metadata.version("kaggle")  # type: ignore[attr-defined]
        sys.modules["kaggle"] = package
    # With these it would print what it sends, and read a whole download in order to print that.
    for variable in ("VERBOSE", "VERBOSE_OUTPUT"):
        os.environ.pop(variable, None)
    with quietly():
        from kaggle.api.kaggle_api_extended import KaggleApi
        from kagglesdk.kaggle_creds import KaggleCredentials

    # The client deletes a login that was refused; the next command would find none, and go on.
    KaggleCredentials.delete = lambda *_: None
    return KaggleApi


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Drop what the block prints."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the block, wherever it waits; only the main thread may use this."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def extend_time_limit(seconds: float) -> None:
    """Start the current time limit again."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def require_wait(seconds: float) -> None:
    """Refuse a WAIT that no clock reaches, before anything is sent."""
    if not 0 <= seconds < math.inf:
        raise ProjectError(f"WAIT={seconds} is not a number of seconds.")


def _read_patience() -> float:
    value = os.environ.get(PATIENCE)
    if not value:
        return _PATIENCE_SECONDS
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1
    if not 0 < seconds < float("inf"):
        raise ProjectError(f"{PATIENCE}={value} is not a number of seconds.")
    return seconds


def _say_when(problem: Problem) -> str:
    if problem.retry_after is None:
        return "It was tried several times; run the same command again later."
    when = datetime.now().astimezone() + timedelta(seconds=problem.retry_after)
    return f"It asks to wait until {when:%Y-%m-%d %H:%M:%S}; run the same command again then."
