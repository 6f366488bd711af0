"""Bring the ledger up to date with Kaggle's list.

In: the ledger and the list. Out: a ledger that says what the list says. What always holds: a row
that nothing was known of is called failed only when the list, asked well after the upload, lacks
it.
"""

from datetime import UTC, datetime

from digit_recognizer.compete.ledger import Entry, import_entry, list_entries, update_entry
from digit_recognizer.compete.message import find_run_id, read_message
from digit_recognizer.kaggle_api.client import Client
from digit_recognizer.kaggle_api.competition import Submission, list_submissions
from digit_recognizer.workspace import Workspace

# How long a submission that was accepted may be missing from the list.
SETTLE_SECONDS = 300.0


def reconcile(workspace: Workspace, client: Client) -> list[Entry]:
    """Bring every row up to date and add what was uploaded from elsewhere; return all rows."""
    asked_at = datetime.now(UTC)
    submissions = list_submissions(client)
    for entry, submission in _match(list_entries(workspace), submissions):
        if entry and submission:
            _take_over(workspace, entry, submission)
        elif entry and entry.status in {"uploading", "unknown", "pending"}:
            _judge_missing(workspace, entry, asked_at)
        elif submission:
            import_entry(workspace, _as_entry(submission))
    return list_entries(workspace)


def _match(
    entries: list[Entry], submissions: list[Submission]
) -> list[tuple[Entry | None, Submission | None]]:
    """Pair rows with submissions, by Kaggle's number or else by the run id in the description."""
    by_ref = {each.ref: each for each in submissions}
    pairs: list[tuple[Entry | None, Submission | None]] = []
    loose = []
    for entry in entries:
        if entry.kaggle_ref:
            pairs.append((entry, by_ref.pop(entry.kaggle_ref, None)))
        else:
            loose.append(entry)
    by_run = {run: each for each in by_ref.values() if (run := find_run_id(each.description))}
    for entry in loose:
        submission = by_run.pop(entry.run_id, None)
        if submission:
            del by_ref[submission.ref]
        pairs.append((entry, submission))
    return pairs + [(None, each) for each in by_ref.values()]


def _take_over(workspace: Workspace, entry: Entry, submission: Submission) -> None:
    news = {
        "status": submission.status,
        "kaggle_ref": submission.ref,
        "public_score": submission.public_score,
        "error_text": submission.error_text,
        "message": submission.description or entry.message,
        "uploaded_at": entry.uploaded_at or submission.date,
    }
    changes = {name: value for name, value in news.items() if getattr(entry, name) != value}
    if changes:
        update_entry(workspace, entry, **changes)


def _judge_missing(workspace: Workspace, entry: Entry, asked_at: datetime) -> None:
    if seconds_since_upload(entry, asked_at) > SETTLE_SECONDS:
        update_entry(
            workspace,
            entry,
            status="failed",
            error_text="The upload broke off, or Kaggle dropped it: its list does not have it.",
        )
    elif entry.status == "uploading":
        update_entry(workspace, entry, status="unknown")


def seconds_since_upload(entry: Entry, now: datetime) -> float:
    if not entry.uploaded_at:
        return 0.0
    return (now - datetime.fromisoformat(entry.uploaded_at)).total_seconds()


def _as_entry(submission: Submission) -> Entry:
    """Return a row for a submission from elsewhere, with what its description says of it."""
    facts = read_message(submission.description)
    return Entry(
        written_at=submission.date,
        lineup=facts.lineup or submission.file_name,
        members="",
        run_id=facts.run_id,
        git_commit=facts.git_commit,
        data_source="elsewhere",
        data_fingerprint="",
        oof_errors=facts.score.errors if facts.score else None,
        oof_images=facts.score.images if facts.score else None,
        oof_accuracy=facts.score.accuracy if facts.score else None,
        file=submission.file_name,
        sha256="",
        status=submission.status,
        message=submission.description,
        uploaded_at=submission.date,
        kaggle_ref=submission.ref,
        public_score=submission.public_score,
        error_text=submission.error_text,
    )
