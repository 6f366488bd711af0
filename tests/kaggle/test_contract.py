"""The made-up Kaggle refuses whatever the client would not send, and fails only as it is told."""

import re
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from digit_recognizer.data.answers import format_answers
from tests.kaggle.by_hand import COMPETITION, call, send, submit
from tests.kaggle.contract import METHODS
from tests.kaggle.scoring import ScoringError, score_submission
from tests.kaggle.server import KaggleServer
from tests.kaggle.state import Submission

ANSWERS = np.arange(50) % 10


@pytest.mark.parametrize("method", METHODS)
def test_every_field_is_one_that_the_client_knows(method: str) -> None:
    service, name = METHODS[method].service.split(".")
    module = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.replace("OAuth", "Oauth")).lower()
    types = import_module(f"kagglesdk.{service}.types.{module}")
    request = getattr(types, f"Api{method}Request", None) or getattr(types, f"{method}Request")
    known = {field.json_name for field in request._fields}
    assert {*METHODS[method].required, *METHODS[method].optional} <= known


@pytest.mark.parametrize(
    ("method", "fields", "status"),
    [
        ("ListSubmissions", {}, 400),
        ("ListSubmissions", [], 400),
        ("ListSubmissions", {**COMPETITION, "pages": 1}, 400),
        ("ListSubmissions", {**COMPETITION, "page": "1"}, 400),
        ("ListSubmissions", {**COMPETITION, "page": True}, 400),
        ("ListSubmissions", {**COMPETITION, "pageSize": 0}, 400),
        ("ListSubmissions", {**COMPETITION, "pageToken": "nonsense"}, 400),
        ("ListSubmissions", {"competitionName": "titanic"}, 404),
        ("GetSubmission", {"ref": 1}, 404),
        ("CreateSubmission", {**COMPETITION, "blobFileTokens": "none"}, 400),
        ("GenerateAccessToken", {"refreshToken": "none"}, 400),
        ("SaveKernel", {"slug": "me/digits"}, 400),
        ("GetKernelSessionStatus", {"userName": "me", "kernelSlug": "never-saved"}, 403),
    ],
)
def test_a_wrong_request_is_refused(
    tiny_kaggle: KaggleServer, method: str, fields: Any, status: int
) -> None:
    answered, error = call(tiny_kaggle, method, fields)
    assert (answered, error["code"]) == (status, status)
    assert error["message"]


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer nothing", "Basic bWU6bm8=", "KGAT_madeuptoken"]
)
def test_nobody_unknown_is_served(tiny_kaggle: KaggleServer, authorization: str) -> None:
    assert call(tiny_kaggle, "ListDataFiles", Authorization=authorization)[0] == 401


def test_only_json_is_read(tiny_kaggle: KaggleServer) -> None:
    assert call(tiny_kaggle, "GetCompetition", Content_Type="text/plain")[0] == 400
    url = f"http://localhost/api/v1/{METHODS['GetCompetition'].service}/GetCompetition"
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {tiny_kaggle.token}"}
    assert send(tiny_kaggle, "POST", url, b"{", headers)[0] == 400


@pytest.mark.parametrize(
    ("verb", "url", "status"),
    [
        ("CONNECT", "www.kaggle.com:443", 403),
        ("POST", "http://www.kaggle.com/api/v1/users.AccountService/GenerateAccessToken", 403),
        ("GET", "http://localhost:8080/signed/digit-recognizer.zip", 403),
        ("GET", "/signed/digit-recognizer.zip", 403),
        ("GET", "http://localhost/signed/digit-recognizer.zip?signature=forged", 403),
        ("GET", "http://localhost/api/v1/competitions.CompetitionApiService/GetCompetition", 404),
        ("POST", "http://localhost/api/v1/kernels.KernelsApiService/GetCompetition", 404),
        ("POST", "http://localhost/api/v1/kernels.KernelsApiService/DeleteKernel", 404),
        ("PUT", "http://localhost/upload/never-announced", 404),
    ],
)
def test_no_other_address_is_served(
    tiny_kaggle: KaggleServer, verb: str, url: str, status: int
) -> None:
    assert send(tiny_kaggle, verb, url)[0] == status


def test_an_upload_has_the_announced_size_and_is_submitted_once(tiny_kaggle: KaggleServer) -> None:
    fields = {**COMPETITION, "fileName": "s.csv", "contentLength": 3}
    _, started = call(tiny_kaggle, "StartSubmissionUpload", fields)
    wanted = {**COMPETITION, "blobFileTokens": started["token"]}
    assert call(tiny_kaggle, "CreateSubmission", wanted)[0] == 400
    assert send(tiny_kaggle, "PUT", started["createUrl"], b"four")[0] == 400
    assert call(tiny_kaggle, "CreateSubmission", wanted)[0] == 400
    assert send(tiny_kaggle, "PUT", started["createUrl"], b"one")[0] == 200
    assert call(tiny_kaggle, "CreateSubmission", wanted)[0] == 200
    assert call(tiny_kaggle, "CreateSubmission", wanted)[0] == 400
    assert len(tiny_kaggle.submissions) == 1


def test_without_the_rules_nothing_is_handed_out_or_taken(tiny_kaggle: KaggleServer) -> None:
    tiny_kaggle.rules_accepted = False
    status, error = call(tiny_kaggle, "DownloadDataFiles")
    assert status == 403
    assert "accept this competition's rules" in error["message"]
    fields = {**COMPETITION, "fileName": "s.csv", "contentLength": 3}
    assert call(tiny_kaggle, "StartSubmissionUpload", fields)[0] == 403
    assert call(tiny_kaggle, "GetCompetition")[1]["userHasEntered"] is False


def test_pages_follow_each_other_by_token_and_by_number(tiny_kaggle: KaggleServer) -> None:
    tiny_kaggle.submissions = [Submission(ref, f"number {ref}") for ref in range(1, 8)]
    fields = {**COMPETITION, "pageSize": 3}
    by_number = [call(tiny_kaggle, "ListSubmissions", {**fields, "page": n})[1] for n in (1, 2, 3)]
    by_token = [call(tiny_kaggle, "ListSubmissions", fields)[1]]
    while token := by_token[-1]["nextPageToken"]:
        by_token.append(call(tiny_kaggle, "ListSubmissions", {**fields, "pageToken": token})[1])
    assert by_number == by_token
    refs = [one["ref"] for page in by_token for one in page["submissions"]]
    assert refs == [7, 6, 5, 4, 3, 2, 1]


def test_beyond_the_daily_limit_nothing_is_accepted(tiny_kaggle: KaggleServer) -> None:
    tiny_kaggle.daily_limit = 1
    assert submit(tiny_kaggle, format_answers(tiny_kaggle.answers))[0] == 200
    status, error = submit(tiny_kaggle, format_answers(tiny_kaggle.answers))
    assert status == 400
    assert "daily Submission allowance" in error["message"]
    tiny_kaggle.misbehave("CreateSubmission", "unlisted")
    status, sent = submit(tiny_kaggle, format_answers(tiny_kaggle.answers))
    assert (status, sent["message"][:12]) == (200, "Successfully")
    assert sent["ref"] not in [one.ref for one in tiny_kaggle.submissions]
    assert call(tiny_kaggle, "GetSubmissionLimits")[1]["numAllowedNow"] == 0


def test_scoring_can_fail_and_can_take_for_ever(tiny_kaggle: KaggleServer) -> None:
    tiny_kaggle.misbehave("CreateSubmission", "scoring-error", text="evaluation broke")
    tiny_kaggle.misbehave("CreateSubmission", "pending")
    for _ in range(2):
        submit(tiny_kaggle, format_answers(tiny_kaggle.answers))
    for _ in range(5):
        _, listed = call(tiny_kaggle, "ListSubmissions")
    shown = [(one["status"], one["errorDescription"]) for one in listed["submissions"]]
    assert shown == [("PENDING", ""), ("ERROR", "evaluation broke")]


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"ImageId,Label\n",
        format_answers(ANSWERS).replace(b"ImageId,", b"imageid,"),
        format_answers(ANSWERS) + b"51,0\n",
        format_answers(ANSWERS).replace(b"\n50,", b"\n49,"),
        format_answers(ANSWERS).replace(b"\n50,", b"\n51,"),
        format_answers(ANSWERS).replace(b"\n50,9", b"\n50,10"),
        format_answers(ANSWERS).replace(b"\n50,9", b"\n50,9.0"),
        format_answers(ANSWERS).replace(b"\n50,9", b"\n50,\xff"),
    ],
)
def test_only_a_submission_is_scored(contents: bytes) -> None:
    with pytest.raises(ScoringError):
        score_submission(contents, ANSWERS)


def test_the_score_is_the_fraction_that_is_right() -> None:
    assert score_submission(format_answers(ANSWERS), ANSWERS) == 1
    assert score_submission(format_answers(ANSWERS * 0), ANSWERS) == 0.1
