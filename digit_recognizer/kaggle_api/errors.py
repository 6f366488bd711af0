"""Kaggle's errors, sorted by what the caller can do about them.

In: what the client raised. Out: a `Problem`, or the sentence about it. What always holds: an
exception's own text is never repeated, since it may hold what was sent; the server's is, with
secrets blotted out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from digit_recognizer.kaggle_api import PAGE
from digit_recognizer.kaggle_api.credentials import redact
from digit_recognizer.workspace import ProjectError

TOO_MANY_REQUESTS = 429
_FIRST_SERVER_ERROR = 500
_LONGEST_TEXT = 200
_LONGEST_WAIT = 366 * 86_400.0


class KaggleError(ProjectError):
    """A call that failed for good, or for longer than we were ready to wait."""

    def __init__(self, message: str, problem: "Problem") -> None:
        super().__init__(message)
        self.problem = problem


@dataclass(frozen=True)
class Problem:
    """Why a call failed; without a status, no proper answer came at all."""

    what: str
    status: int | None = None
    retry_after: float | None = None

    @property
    def is_temporary(self) -> bool:
        return (
            self.status is None
            or self.status == TOO_MANY_REQUESTS
            or self.status >= _FIRST_SERVER_ERROR
        )

    @property
    def is_refusal(self) -> bool:
        """Whether the server certainly did nothing."""
        return self.status is not None and self.status < _FIRST_SERVER_ERROR


def describe(error: BaseException, credentials: str, secrets: Iterable[str] | None) -> Problem:
    """Return the problem behind anything that the client raises.

    While the secrets are not known (None), nothing that the server says is repeated.
    """
    response = getattr(error, "response", None)
    if response is None:
        return Problem(_describe_silence(error))
    status, text = _read(response)
    said = redact(text, secrets)[:_LONGEST_TEXT] if secrets is not None else ""
    quoted = f' It says: "{said}"' if said else ""
    match status:
        case 401:
            what = (
                f"Kaggle refused the credentials ({credentials}): they are wrong, revoked or "
                "expired. A new token is made at https://www.kaggle.com/settings."
            )
        case 403:
            what = (
                f"Kaggle refused (403).{quoted} Accept the competition's rules in a browser at "
                f"{PAGE}/rules, then run the same command again."
            )
        case 429:
            what = "Kaggle says that there were too many requests (429)."
        case _:
            what = f"Kaggle answered with status {status}.{quoted}"
    return Problem(what, status, _read_retry_after(response))


def _describe_silence(error: BaseException) -> str:
    match type(error).__name__:
        case "OutOfTime":
            return "Kaggle did not answer in time."
        case "ConnectionError" | "ProxyError" | "SSLError" | "ConnectTimeout" | "OSError":
            return "Kaggle could not be reached, or broke off. Is the network up?"
        case "ReadTimeout" | "Timeout":
            return "Kaggle did not answer in time."
        case "ChunkedEncodingError" | "ProtocolError" | "IncompleteRead":
            return "The connection to Kaggle broke off."
        case name:
            return f"Kaggle's answer was not understood ({name})."


def _read(response: Any) -> tuple[int, str]:
    """Return status and text, which an answer of 200 may hold in its body only."""
    try:
        body = response.json()
    except (ValueError, RuntimeError):  # a page, or a stream that was read already
        return response.status_code, ""
    if not isinstance(body, dict):
        return response.status_code, ""
    code = body.get("code")
    return code if isinstance(code, int) else response.status_code, str(body.get("message", ""))


def _read_retry_after(response: Any) -> float | None:
    """Return the seconds to wait, at most a year, that the server names as a number or a date."""
    value = response.headers.get("Retry-After")
    if value is None:
        return None
    try:
        return min(max(0.0, float(value)), _LONGEST_WAIT)
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
