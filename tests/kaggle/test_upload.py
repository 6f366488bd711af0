"""`submit` to Kaggle: each row at most once; success only with a score that Kaggle confirmed."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable
from time import monotonic

from digit_recognizer.compete.ledger import list_entries
from digit_recognizer.compete.message import find_run_id
from digit_recognizer.workspace import Workspace, sha256_of
from tests.commands import start
from tests.kaggle.pipeline import (
    CSVS,
    PATIENCE,
    SENDING,
    command,
    only_row,
    refused,
    submit,
    well,
)
from tests.kaggle.server import KaggleServer


def sending(kaggle: KaggleServer) -> int:
    """How many requests came that send or change something."""
    return sum(kaggle.calls(method) for method in SENDING)


def test_a_submission_is_sent_scored_and_never_sent_again_unless_forced(
    kaggle: KaggleServer, ready: Workspace
) -> None:
    output = well(submit(kaggle, ready))
    row, (there,) = only_row(ready), kaggle.submissions
    assert there.contents == (ready.submissions / row.file).read_bytes()
    assert sha256_of(there.contents) == row.sha256
    assert (row.status, row.kaggle_ref, row.public_score) == ("complete", there.ref, there.score)
    assert there.description == row.message
    assert find_run_id(there.description) == row.run_id
    assert f"Public score: {there.score:.5f}" in output
    assert "10 uploads are left today, 0 were made." in output
    ranked = sorted((score for _, score in kaggle.leaderboard), reverse=True)
    assert there.score is not None
    assert f"rank {ranked.index(there.score) + 1} among {len(ranked)} teams" in output

    sent = sending(kaggle)
    message = refused(submit(kaggle, ready))
    assert f"scored {there.score:.5f}" in message
    assert "FORCE=1" in message
    assert sending(kaggle) == sent
    assert only_row(ready) == row

    well(submit(kaggle, ready, "--force", "--message", "once more"))
    again, (_, other) = list_entries(ready)[-1], kaggle.submissions
    assert other.description == f"once more run={again.run_id}"
    assert again.run_id != row.run_id
    assert other.contents == there.contents
    assert [each.status for each in list_entries(ready)] == ["complete", "complete"]


def test_what_was_refused_is_failed_and_later_sent_as_the_same_row(
    kaggle: KaggleServer, ready: Workspace
) -> None:
    for method, kind, status in (
        ("StartSubmissionUpload", "status", 400),
        ("Upload", "status", 403),
        ("CreateSubmission", "status", 400),
        ("CreateSubmission", "body-status", 403),
    ):
        kaggle.misbehave(method, kind, times=None, status=status, text="not like this")
        before = kaggle.calls(method)
        message = refused(submit(kaggle, ready, patience=5))
        row = only_row(ready)
        assert row.status == "failed"
        assert row.error_text
        assert row.error_text in message.replace("Error: ", "")
        assert ("not like this" in message) == (method != "Upload")
        assert kaggle.calls(method) == before + 1, "what is refused is not tried again"
        kaggle.faults.clear()
    assert kaggle.submissions == []

    copy = ready.submissions / row.file
    copy.write_bytes(copy.read_bytes().replace(b"ImageId", b"Image"))
    well(submit(kaggle, ready))
    (there,) = kaggle.submissions
    assert only_row(ready).run_id == row.run_id == find_run_id(there.description)
    assert sha256_of(there.contents) == row.sha256, "a copy that was damaged is written anew"
    assert (only_row(ready).status, only_row(ready).error_text) == ("complete", None)


def test_what_passes_is_waited_for(kaggle: KaggleServer, ready: Workspace) -> None:
    kaggle.misbehave("GetSubmissionLimits", "status", status=500, retry_after="0")
    kaggle.misbehave("StartSubmissionUpload", "status", status=503, retry_after="0")
    kaggle.misbehave("Upload", "status", status=503)
    kaggle.misbehave("CreateSubmission", "status", times=2, status=429, retry_after="0")
    well(submit(kaggle, ready, patience=5))
    assert len(kaggle.submissions) == 1
    assert kaggle.calls("CreateSubmission") == 3
    assert only_row(ready).status == "complete"


def test_a_file_that_could_not_be_scored_is_an_error_with_its_text(
    kaggle: KaggleServer, ready: Workspace
) -> None:
    kaggle.misbehave("CreateSubmission", "scoring-error", text="evaluation broke")
    assert "evaluation broke" in refused(submit(kaggle, ready))
    row = only_row(ready)
    assert (row.status, row.error_text) == ("error", "evaluation broke")
    sent = sending(kaggle)
    assert "evaluation broke" in refused(submit(kaggle, ready))
    assert sending(kaggle) == sent


def test_a_score_that_takes_long_comes_with_a_later_leaderboard(
    kaggle: KaggleServer, ready: Workspace
) -> None:
    kaggle.misbehave("CreateSubmission", "pending")
    message = refused(submit(kaggle, ready))
    (there,) = kaggle.submissions
    assert f"number {there.ref}" in message
    assert "make leaderboard" in message
    assert (only_row(ready).status, only_row(ready).kaggle_ref) == ("pending", there.ref)

    there.polls = 0
    output = well(command(kaggle, ready, "leaderboard"))
    row = only_row(ready)
    assert (row.status, row.public_score) == ("complete", there.score)
    assert f"{there.score:.5f}" in output


def test_ctrl_c_while_waiting_leaves_an_upload_that_is_waited_for_again(
    kaggle: KaggleServer, ready: Workspace
) -> None:
    kaggle.misbehave("CreateSubmission", "pending")
    variables = {**kaggle.environment(kaggle.token), PATIENCE: "20"}
    process = start(ready, "submit", "--experiments", "made-up", "--wait", "200", **variables)
    wait_until(lambda: kaggle.calls("CreateSubmission") == 1, process)
    asked = kaggle.calls("ListSubmissions")
    wait_until(lambda: kaggle.calls("ListSubmissions") > asked, process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert only_row(ready).status == "pending"

    kaggle.submissions[0].polls = 0
    assert "An earlier upload of these labels is" in well(submit(kaggle, ready))
    assert (only_row(ready).status, kaggle.calls("CreateSubmission")) == ("complete", 1)


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = monotonic() + 60
    while not condition():
        assert monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)


def test_at_the_daily_limit_nothing_is_sent_and_the_time_is_said(
    kaggle: KaggleServer, ready: Workspace
) -> None:
    kaggle.daily_limit = 0
    message = refused(submit(kaggle, ready))
    assert re.search(r"begins at 00:00 UTC, in \d+ h \d+ min", message)
    assert sending(kaggle) == 0
    assert only_row(ready).status == "written"


def test_said_to_be_submitted_but_not_on_the_list_is_no_success(
    kaggle: KaggleServer, ready: Workspace
) -> None:
    kaggle.daily_limit = 1
    kaggle.misbehave("CreateSubmission", "unlisted")
    refused(submit(kaggle, ready))
    assert only_row(ready).status != "complete"
    assert only_row(ready).public_score is None


def test_labels_of_other_images_are_refused_before_anybody_is_asked(
    kaggle: KaggleServer, workspace: Workspace
) -> None:
    name_source(workspace, "sample")
    message = refused(submit(kaggle, workspace, "--upload", "yes"))
    assert "are not the competition's (sample)" in message
    assert kaggle.requests == []


def test_a_copy_of_the_data_is_uploaded_only_where_that_is_said(
    kaggle: KaggleServer, ready: Workspace
) -> None:
    shared = ready.data.resolve()
    ready.data.unlink()
    ready.data.mkdir()
    for name in (*CSVS, ".cache"):
        (ready.data / name).symlink_to(shared / name)
    (ready.data / "source.json").write_bytes((shared / "source.json").read_bytes())
    name_source(ready, "path")
    assert "Not uploaded" in well(submit(kaggle, ready))
    assert kaggle.requests == []
    well(submit(kaggle, ready, "--upload", "yes"))
    assert len(kaggle.submissions) == 1


def name_source(workspace: Workspace, source: str) -> None:
    path = workspace.data / "source.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "source": source}))
