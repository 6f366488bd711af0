"""Each fault is met as often as it was asked for, and does what it says."""

import http.client
from email.utils import parsedate_to_datetime

import pytest

from tests.kaggle.by_hand import call, send
from tests.kaggle.faults import Fault
from tests.kaggle.server import KaggleServer

ARCHIVE = bytes(range(256)) * 4


@pytest.fixture(autouse=True)
def _archive(tiny_kaggle: KaggleServer) -> None:
    tiny_kaggle.archive = ARCHIVE


def get(tiny_kaggle: KaggleServer, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    url = f"http://localhost/signed/digit-recognizer.zip?signature={tiny_kaggle.signature}"
    return send(
        tiny_kaggle,
        "GET",
        url,
        None,
        {name.replace("_", "-"): one for name, one in headers.items()},
    )


def test_a_fault_ends_after_its_times(tiny_kaggle: KaggleServer) -> None:
    tiny_kaggle.misbehave("GetCompetition", "status", times=2, status=429, retry_after="7")
    assert [call(tiny_kaggle, "GetCompetition")[0] for _ in range(3)] == [429, 429, 200]
    assert [one.status for one in tiny_kaggle.requests] == [429, 429, 200]
    tiny_kaggle.misbehave("GetCompetition", "body-status", status=403)
    assert call(tiny_kaggle, "GetCompetition") == (200, {"code": 403, "message": "made to fail"})
    tiny_kaggle.misbehave("GetCompetition", "echo", status=401)
    status, error = call(tiny_kaggle, "GetCompetition")
    assert (status, tiny_kaggle.token in error["message"]) == (401, True)
    assert not any(tiny_kaggle.token in str(one.headers) for one in tiny_kaggle.requests)


def test_connections_end_without_an_answer_or_never_do(tiny_kaggle: KaggleServer) -> None:
    for kind in ("drop", "lose-reply"):
        tiny_kaggle.misbehave("GetCompetition", kind)
        with pytest.raises(http.client.RemoteDisconnected):
            call(tiny_kaggle, "GetCompetition")
    tiny_kaggle.misbehave("GetCompetition", "cut-reply")
    with pytest.raises(http.client.IncompleteRead):
        call(tiny_kaggle, "GetCompetition")
    tiny_kaggle.misbehave("Download", "hang")
    connection = http.client.HTTPConnection("127.0.0.1", tiny_kaggle.port, timeout=0.2)
    connection.request("GET", "http://localhost/signed/digit-recognizer.zip")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert [one.status for one in tiny_kaggle.requests] == [None, None, 200, None]


def test_a_part_of_the_file_is_served_while_it_is_the_same_file(tiny_kaggle: KaggleServer) -> None:
    status, body, about = get(tiny_kaggle)
    assert (status, body) == (200, ARCHIVE)
    tag, modified = about["ETag"], about["Last-Modified"]
    assert parsedate_to_datetime(modified) == tiny_kaggle.modified
    for validator in (tag, modified):
        status, body, about = get(tiny_kaggle, Range="bytes=1000-", If_Range=validator)
        assert (status, body) == (206, ARCHIVE[1000:])
        assert about["Content-Range"] == f"bytes 1000-{len(ARCHIVE) - 1}/{len(ARCHIVE)}"
    assert get(tiny_kaggle, Range="bytes=2-3")[1] == ARCHIVE[2:4]
    assert get(tiny_kaggle, Range=f"bytes={len(ARCHIVE)}-")[0] == 416
    tiny_kaggle.misbehave("Download", "changed")
    status, body, about = get(tiny_kaggle, Range="bytes=1000-", If_Range=tag)
    assert (status, body) == (200, ARCHIVE)
    assert about["ETag"] != tag
    tiny_kaggle.misbehave("Download", "ignore-range")
    assert get(tiny_kaggle, Range="bytes=1000-")[:2] == (200, ARCHIVE)


@pytest.mark.parametrize(
    ("kind", "options", "got"),
    [("cut", {"after": 10}, ARCHIVE[:10]), ("wrong-length", {"extra": 5}, ARCHIVE)],
    ids=["cut", "wrong-length"],
)
def test_less_comes_than_was_announced(
    tiny_kaggle: KaggleServer, kind: str, options: dict[str, int], got: bytes
) -> None:
    tiny_kaggle.misbehave("Download", kind, **options)
    with pytest.raises(http.client.IncompleteRead) as caught:
        get(tiny_kaggle)
    assert caught.value.partial == got


def test_a_download_can_stop_in_the_middle_and_not_end(tiny_kaggle: KaggleServer) -> None:
    tiny_kaggle.misbehave("Download", "stall", after=10)
    connection = http.client.HTTPConnection("127.0.0.1", tiny_kaggle.port, timeout=0.2)
    url = f"http://localhost/signed/digit-recognizer.zip?signature={tiny_kaggle.signature}"
    connection.request("GET", url)
    response = connection.getresponse()
    assert response.read(10) == ARCHIVE[:10]
    with pytest.raises(TimeoutError):
        response.read(1)
    connection.close()


def test_a_fault_that_cannot_happen_is_refused() -> None:
    for method, kind in (("Downlaod", "cut"), ("Upload", "cut"), ("GetCompetition", "dorp")):
        with pytest.raises(ValueError, match=r"no (method|fault)"):
            Fault(method, kind)


def test_faults_can_be_written_on_a_command_line() -> None:
    assert Fault.parse("Upload:503:2") == Fault("Upload", "status", 2, status=503)
    assert Fault.parse("Download:cut") == Fault("Download", "cut")
    assert Fault.parse("Upload:drop:always") == Fault("Upload", "drop", None)
