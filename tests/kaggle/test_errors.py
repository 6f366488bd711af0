"""Whatever the client raises becomes one sentence that is true and holds no secret."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from digit_recognizer.kaggle_api import PAGE
from digit_recognizer.kaggle_api.client import OutOfTime
from digit_recognizer.kaggle_api.credentials import as_basic_header, is_sendable, redact
from digit_recognizer.kaggle_api.errors import Problem, describe

SECRET = "KGAT_0123456789abcdef"


def answer(status: int, body: object = None, **headers: str) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    response._content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return requests.HTTPError(f"do not repeat {SECRET}", response=response)


def problem(error: BaseException) -> Problem:
    return describe(error, "kaggle.json", [SECRET])


@pytest.mark.parametrize(
    ("error", "says", "is_temporary", "is_refusal"),
    [
        (answer(401), "refused the credentials (kaggle.json)", False, True),
        (answer(403), f"{PAGE}/rules", False, True),
        (answer(200, {"code": 403, "message": "no"}), f"{PAGE}/rules", False, True),
        (answer(404, {"code": 404, "message": "no such thing"}), '"no such thing"', False, True),
        (answer(429), "too many requests", True, True),
        (answer(500, b"<html>"), "status 500", True, False),
        (answer(503, [1, 2]), "status 503", True, False),
        (OutOfTime(), "did not answer in time", True, False),
        (requests.ConnectTimeout(), "could not be reached", True, False),
        (requests.ReadTimeout(), "did not answer in time", True, False),
        (requests.exceptions.ChunkedEncodingError(SECRET), "broke off", True, False),
        (ValueError(SECRET), "not understood (ValueError)", True, False),
    ],
)
def test_each_way_to_fail_is_told_for_what_it_is(
    error: BaseException, says: str, is_temporary: bool, is_refusal: bool
) -> None:
    found = problem(error)
    assert says in found.what
    assert SECRET not in found.what
    assert (found.is_temporary, found.is_refusal) == (is_temporary, is_refusal)


def test_what_the_server_says_is_one_short_line_and_only_once_the_secrets_are_known() -> None:
    error = answer(400, {"message": f"first\nsecond {SECRET} " + "long " * 200})
    said = problem(error).what
    assert '"first second *** long' in said
    assert "\n" not in said
    assert len(said) < 300
    assert "first" not in describe(error, "kaggle.json", None).what


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("7", 7, 7),
        ("0.5", 0.5, 0.5),
        ("-3", 0, 0),
        ("nan", 0, 0),
        ("inf", 86_400, 1e9),
        ("in an hour", 3_500, 3_600),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0, 0),
    ],
)
def test_the_wait_that_is_asked_for_is_read_in_both_forms(
    value: str, low: float, high: float
) -> None:
    if value == "in an hour":
        value = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    asked = problem(answer(429, Retry_After=value)).retry_after
    assert asked is not None
    assert low <= asked <= high


@pytest.mark.parametrize("value", ["soon", "", "06 Nov"])
def test_a_wait_that_makes_no_sense_is_none(value: str) -> None:
    assert problem(answer(429, Retry_After=value)).retry_after is None


def test_a_secret_is_blotted_out_in_every_form() -> None:
    basic = as_basic_header("me", "k3y")
    text = f"Bearer abc.def, basic {basic}; {SECRET}\nhttps://x/file.zip?signature=1&x=2 end"
    told = redact(text, [SECRET, ""])
    for secret in ("abc.def", basic, SECRET, "signature"):
        assert secret not in told
    assert told.endswith("https://x/file.zip?*** end")
    assert redact("a short key", ["a"]) == "a short key", "it would redact every a"


@pytest.mark.parametrize(
    ("secret", "fits"),
    [(SECRET, True), ("", False), ("a b", False), ("a\nb", False), ("ä", False), ("a\0", False)],
)
def test_only_what_fits_in_a_header_is_sendable(secret: str, fits: bool) -> None:
    assert is_sendable(secret) == fits
