"""`download` from Kaggle: the very bytes of its archive, or none and a sentence."""

import os
import signal
import time
import zipfile
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from time import monotonic

import pytest

from digit_recognizer.data.dataset import read_source
from digit_recognizer.kaggle_api import PAGE
from digit_recognizer.workspace import Workspace, sha256_of
from tests.commands import start
from tests.kaggle.fixtures import MadeUpCompetition
from tests.kaggle.pipeline import CSVS, PATIENCE, command, files_in, refused, well
from tests.kaggle.server import KaggleServer

PIECE = 1 << 20


def fetch(kaggle: KaggleServer, workspace: Workspace, patience: float = 1) -> str:
    """Download, which must work; return what was printed."""
    arguments = ("download", "--source", "kaggle")
    return well(command(kaggle, workspace, *arguments, patience=patience))


def fail(kaggle: KaggleServer, workspace: Workspace, patience: float = 1) -> str:
    """Download, which must fail and leave no file that looks like data; return the message."""
    done = command(kaggle, workspace, "download", patience=patience)
    assert files_in(workspace.data) == set()
    assert "SAMPLE" not in done.stdout
    return refused(done)


def assert_kaggles(workspace: Workspace, competition: MadeUpCompetition) -> None:
    """Every file in `data/` has the bytes that the server's archive has, and nothing else is."""
    assert files_in(workspace.data) == {*CSVS, "source.json"}
    assert read_source(workspace)["source"] == "kaggle"
    with zipfile.ZipFile(competition.archive) as archive:
        for name in CSVS:
            assert sha256_of(workspace.data / name) == sha256_of(archive.read(name))
    assert not (workspace.data / ".download").exists()
    assert not list(workspace.data.glob(".incoming-*"))


def ranges(kaggle: KaggleServer) -> list[str | None]:
    return [one.headers.get("Range") for one in kaggle.requests if one.method == "Download"]


def part(workspace: Workspace) -> Path:
    return workspace.data / ".download" / "digit-recognizer.zip"


def next_downloads(kaggle: KaggleServer, *kinds: str, pieces: int = 0) -> None:
    """Say what becomes of the next requests for the file; "well" is nothing special.

    Going on takes two: one for everything, from which the client learns that it has a part of the
    same file, and one for the rest.
    """
    for kind in kinds:
        after = {"after": pieces * PIECE} if kind in ("cut", "stall") else {}
        kaggle.misbehave("Download", "ignore-range" if kind == "well" else kind, **after)


def test_a_download_goes_on_after_it_broke_off_and_after_its_process_was_killed(
    kaggle: KaggleServer, empty: Workspace, competition: MadeUpCompetition
) -> None:
    next_downloads(kaggle, "cut", "well", pieces=5)
    next_downloads(kaggle, "stall", pieces=2)
    variables = {**kaggle.environment(kaggle.token), PATIENCE: "60"}
    process = start(empty, "download", "--source", "kaggle", **variables)
    deadline = monotonic() + 60
    while not (part(empty).is_file() and part(empty).stat().st_size >= 7 * PIECE):
        assert monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert files_in(empty.data) == set()

    fetch(kaggle, empty)
    assert_kaggles(empty, competition)
    asked = [each for each in ranges(kaggle) if each]
    assert asked == [f"bytes={5 * PIECE}-", f"bytes={7 * PIECE}-"]

    before = kaggle.calls("DownloadDataFiles")
    assert "already there, verified" in fetch(kaggle, empty)
    assert kaggle.calls("DownloadDataFiles") == before


def test_a_file_that_changed_meanwhile_is_fetched_anew(
    kaggle: KaggleServer, empty: Workspace, competition: MadeUpCompetition
) -> None:
    kaggle.misbehave("DownloadDataFiles", "status", status=502, retry_after="0")
    kaggle.misbehave("DownloadDataFiles", "status", status=429, retry_after="0")
    next_downloads(kaggle, "cut", "changed", pieces=3)
    output = fetch(kaggle, empty)
    assert_kaggles(empty, competition)
    assert ranges(kaggle) == [None, None]
    assert "status 502" in output
    assert "too many requests" in output


def test_after_any_failure_the_same_command_succeeds(
    kaggle: KaggleServer, empty: Workspace, competition: MadeUpCompetition
) -> None:
    next_downloads(kaggle, "html")
    fail(kaggle, empty)
    kaggle.misbehave("DownloadDataFiles", "html")
    fail(kaggle, empty)
    next_downloads(kaggle, "cut", "well", "ignore-range", pieces=3)
    fetch(kaggle, empty)
    assert_kaggles(empty, competition)
    assert ranges(kaggle)[-1] == f"bytes={3 * PIECE}-", "and it was answered with everything"


@pytest.mark.parametrize(
    ("method", "kind", "options"),
    [
        ("Download", "wrong-length", {}),
        ("Download", "cut", {"after": PIECE // 2}),
        ("Download", "stall", {"after": PIECE // 2}),
        ("Download", "hang", {}),
        ("Download", "html", {}),
        ("DownloadDataFiles", "html", {}),
    ],
)
def test_what_never_arrives_right_leaves_nothing_under_a_final_name(
    kaggle: KaggleServer, empty: Workspace, method: str, kind: str, options: dict[str, int]
) -> None:
    kaggle.misbehave(method, kind, times=None, **options)
    began = monotonic()
    message = fail(kaggle, empty, patience=0.7)
    assert monotonic() - began < 15
    assert "Could not download" in message or "Kaggle sent" in message


@pytest.mark.parametrize("kind", ["rules", "body-status", "status"])
def test_rules_that_were_not_accepted_are_shown_once_with_their_address(
    kaggle: KaggleServer, empty: Workspace, kind: str
) -> None:
    if kind == "rules":
        kaggle.rules_accepted = False
    else:
        kaggle.misbehave("DownloadDataFiles", kind, times=None, status=403, text="Accept them!")
    message = fail(kaggle, empty, patience=5)
    assert f"{PAGE}/rules" in message
    assert 'It says: "' in message
    assert kaggle.calls("DownloadDataFiles") == 1


def test_credentials_that_are_refused_half_way_are_not_tried_again(
    kaggle: KaggleServer, empty: Workspace
) -> None:
    kaggle.misbehave("DownloadDataFiles", "status", times=None, status=401)
    message = fail(kaggle, empty, patience=5)
    assert "Kaggle refused the credentials (KAGGLE_API_TOKEN)" in message
    assert (kaggle.calls("IntrospectToken"), kaggle.calls("DownloadDataFiles")) == (1, 1)


def test_a_wait_that_kaggle_asks_for_is_kept_in_seconds_and_as_a_date(
    kaggle: KaggleServer, empty: Workspace
) -> None:
    end = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)
    date = format_datetime(end, usegmt=True)
    kaggle.misbehave("ListSubmissions", "status", status=429, retry_after="0.1")
    kaggle.misbehave("ListSubmissions", "status", status=429, retry_after=date)
    well(command(kaggle, empty, "leaderboard", patience=10))
    assert datetime.now(UTC) >= end
    assert kaggle.calls("ListSubmissions") == 3


@pytest.mark.parametrize("form", ["seconds", "date", "ages"])
def test_a_longer_wait_than_our_patience_is_said_with_its_end(
    kaggle: KaggleServer, empty: Workspace, form: str
) -> None:
    end = datetime.now().astimezone() + timedelta(hours=3)
    asked = {
        "seconds": "10800",
        "date": format_datetime(end.astimezone(UTC), usegmt=True),
        "ages": "1e300",
    }[form]
    kaggle.misbehave("DownloadDataFiles", "status", times=None, status=429, retry_after=asked)
    message = fail(kaggle, empty)
    if form == "ages":
        assert "asks to wait" in message
    else:
        assert f"It asks to wait until {end:%Y-%m-%d %H:}" in message
    assert kaggle.calls("DownloadDataFiles") == 1


def test_a_site_that_stays_down_is_given_up_within_the_bound(
    kaggle: KaggleServer, empty: Workspace
) -> None:
    kaggle.misbehave("DownloadDataFiles", "status", times=None, status=503)
    began = monotonic()
    message = fail(kaggle, empty, patience=1.5)
    assert monotonic() - began < 8
    assert "status 503" in message
    assert "run the same command again later" in message
    assert kaggle.calls("DownloadDataFiles") == 2
