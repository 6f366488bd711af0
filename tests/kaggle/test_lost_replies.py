"""Uploads whose answer was lost, or whose process died: found again, and never sent twice."""

from collections.abc import Iterator

import pytest

from digit_recognizer.compete.ledger import Entry, list_entries
from digit_recognizer.compete.message import find_run_id
from digit_recognizer.workspace import Workspace
from tests.kaggle.pipeline import command, make_older, only_row, refused, submit, well
from tests.kaggle.server import KaggleServer
from tests.kaggle.state import Submission


@pytest.fixture(autouse=True)
def _never_twice(kaggle: KaggleServer) -> Iterator[None]:
    """Whatever happened, no run is on the server twice."""
    yield
    runs = [find_run_id(each.description) for each in kaggle.submissions]
    assert len(runs) == len(set(runs))


def require_unknown(workspace: Workspace, message: str) -> Entry:
    row = only_row(workspace)
    assert row.status == "unknown"
    assert f"It is not known whether Kaggle has {row.file} (run={row.run_id})" in message
    assert "Nothing is sent again" in message
    return row


@pytest.mark.parametrize("kind", ["lose-reply", "cut-reply"])
def test_a_submission_whose_reply_was_lost_is_found_by_its_run(
    kaggle: KaggleServer, ready: Workspace, kind: str
) -> None:
    kaggle.misbehave("CreateSubmission", kind)
    # Enough to try again, if that were done.
    output = well(submit(kaggle, ready, patience=5))
    (there,) = kaggle.submissions
    row = only_row(ready)
    assert (row.status, row.kaggle_ref, row.public_score) == ("complete", there.ref, there.score)
    assert "Looking for it in Kaggle's list" in output
    assert kaggle.calls("CreateSubmission") == 1


def test_what_cannot_be_looked_up_is_unknown_until_the_next_command_finds_it(
    kaggle: KaggleServer, ready: Workspace
) -> None:
    kaggle.misbehave("CreateSubmission", "lose-reply")
    kaggle.misbehave("ListSubmissions", "status", status=200)  # an empty list
    kaggle.misbehave("ListSubmissions", "status", times=None, status=503)
    assert "status 503" in refused(submit(kaggle, ready))
    assert only_row(ready).status == "unknown"
    assert "status 503" in refused(submit(kaggle, ready)), "nothing is sent blindly"

    kaggle.faults.clear()
    well(submit(kaggle, ready))
    (there,) = kaggle.submissions
    row = only_row(ready)
    assert (row.status, row.kaggle_ref) == ("complete", there.ref)
    assert kaggle.calls("CreateSubmission") == 1


def test_a_submission_that_is_listed_late_is_found_and_not_sent_again(
    kaggle: KaggleServer, ready: Workspace
) -> None:
    kaggle.misbehave("CreateSubmission", "drop")
    row = require_unknown(ready, refused(submit(kaggle, ready)))
    assert kaggle.submissions == []
    assert row.message is not None
    kaggle.submissions.append(Submission(7, row.message, score=0.98765))
    well(submit(kaggle, ready))
    row = only_row(ready)
    assert (row.status, row.kaggle_ref, row.public_score) == ("complete", 7, 0.98765)
    assert kaggle.calls("CreateSubmission") == 1


def test_what_never_arrived_is_refused_until_that_is_certain_and_then_sent_again(
    kaggle: KaggleServer, ready: Workspace
) -> None:
    killed = submit(kaggle, ready, fault="uploading:1")
    assert killed.returncode == -9
    before = only_row(ready)
    assert before.status == "uploading"
    assert kaggle.calls("StartSubmissionUpload") == 0

    row = require_unknown(ready, refused(submit(kaggle, ready)))
    forced = refused(submit(kaggle, ready, "--force"))
    assert f"run={row.run_id}" in forced
    assert "Nothing is sent again" in forced
    assert kaggle.calls("StartSubmissionUpload") == 0

    make_older(ready, row)
    well(submit(kaggle, ready))
    (there,) = kaggle.submissions
    done = [each for each in list_entries(ready) if each.status == "complete"]
    assert [each.run_id for each in done] == [find_run_id(there.description)]


def test_the_leaderboard_calls_an_upload_failed_once_the_list_had_its_time(
    kaggle: KaggleServer, ready: Workspace
) -> None:
    kaggle.misbehave("CreateSubmission", "drop")
    row = require_unknown(ready, refused(submit(kaggle, ready)))
    well(command(kaggle, ready, "leaderboard"))
    assert only_row(ready).status == "unknown"
    make_older(ready, row)
    assert "failed" in well(command(kaggle, ready, "leaderboard"))
    assert only_row(ready).status == "failed"
    well(submit(kaggle, ready))
    assert find_run_id(kaggle.submissions[0].description) == row.run_id
    assert only_row(ready).status == "complete"


def test_a_process_that_died_after_sending_is_taken_up_by_the_next(
    kaggle: KaggleServer, ready: Workspace
) -> None:
    killed = submit(kaggle, ready, fault="uploaded:1")
    assert killed.returncode == -9
    assert (only_row(ready).status, only_row(ready).kaggle_ref) == ("uploading", None)
    well(submit(kaggle, ready))
    (there,) = kaggle.submissions
    row = only_row(ready)
    assert (row.status, row.kaggle_ref, row.public_score) == ("complete", there.ref, there.score)
    assert kaggle.calls("StartSubmissionUpload") == 1
