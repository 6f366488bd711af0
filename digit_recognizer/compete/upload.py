"""Upload one file of the ledger, at most once, and wait for its score.

In: a row and a logged-in client. Out: the row with its score. What always holds: the ledger knows
of an upload before its first byte is sent, and nothing is sent while it is unknown whether an
earlier attempt arrived.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from digit_recognizer.compete.ledger import SENT, Entry, list_entries, update_entry
from digit_recognizer.compete.message import compose_message
from digit_recognizer.compete.reconcile import SETTLE_SECONDS, reconcile, seconds_since_upload
from digit_recognizer.compete.submission import check_submission
from digit_recognizer.faults import fault_point
from digit_recognizer.kaggle_api import PAGE
from digit_recognizer.kaggle_api.client import Client
from digit_recognizer.kaggle_api.competition import (
    UploadFailedError,
    UploadUnknownError,
    read_allowance,
    send_submission,
)
from digit_recognizer.workspace import ProjectError, Workspace, locked, sha256_of

# Sent, with an answer that never came.
LOST = ("uploading", "unknown")
_IN_FLIGHT = (*LOST, "pending")
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0


def require_new(workspace: Workspace, entry: Entry) -> Entry | None:
    """Refuse bytes that Kaggle has scored already; return the row of an upload on its way."""
    earlier = find_sent(workspace, entry)
    if earlier is None or earlier.status in _IN_FLIGHT:
        return earlier
    outcome = (
        f"scored {earlier.public_score:.5f}"
        if earlier.public_score is not None
        else f"ended in {earlier.status} ({earlier.error_text})"
    )
    raise ProjectError(
        f"The very same labels were uploaded on {earlier.uploaded_at} as {earlier.file} and "
        f"{outcome}. Nothing was sent; `make submit FORCE=1` sends them again."
    )


def find_sent(workspace: Workspace, entry: Entry) -> Entry | None:
    """Return the newest row with the same bytes that Kaggle has or may have."""
    same = [each for each in list_entries(workspace) if each.sha256 == entry.sha256]
    return next((each for each in reversed(same) if each.status in SENT), None)


def require_unchanged(workspace: Workspace, entry: Entry) -> Path:
    """Return the path of the row's file, after a check of its bytes as they are on the disk now."""
    file = workspace.submissions / entry.file
    try:
        contents = file.read_bytes()
    except FileNotFoundError:
        raise ProjectError(f"{file} is gone. Nothing was sent.") from None
    check_submission(contents, workspace.data / "sample_submission.csv")
    if sha256_of(contents) != entry.sha256:
        raise ProjectError(f"{file} was changed since it was written. Nothing was sent.")
    return file


def upload(
    workspace: Workspace, entry: Entry, own_message: str | None, client: Client, console: Console
) -> Entry:
    """Send the row's file and return the row as Kaggle has it; the caller has checked that it may.

    The lock is held while the file is sent, not while the score is awaited.
    """
    with locked(workspace.submissions / ".lock", workspace.submissions):
        # Another command may have sent it since the caller looked.
        if _same_row(list_entries(workspace), entry).status in SENT:
            raise ProjectError(
                f"{entry.file} is being uploaded by another command. Nothing was sent; run the "
                "same command again to see what became of it."
            )
        file = require_unchanged(workspace, entry)
        _require_allowance(client, console)
        entry = update_entry(
            workspace,
            entry,
            status="uploading",
            message=compose_message(entry, own_message),
            uploaded_at=datetime.now(UTC).isoformat(timespec="seconds"),
            error_text=None,
        )
        fault_point("uploading")
        assert entry.message is not None
        try:
            ref = send_submission(client, file, entry.message)
        except UploadFailedError as error:
            update_entry(workspace, entry, status="failed", error_text=str(error))
            raise
        except UploadUnknownError as error:
            entry = update_entry(workspace, entry, status="unknown", error_text=str(error))
            console.print(f"{error} Looking for it in Kaggle's list.")
            return find_again(workspace, entry, client)
        fault_point("uploaded")
        return update_entry(workspace, entry, status="pending", kaggle_ref=ref)


def find_again(workspace: Workspace, entry: Entry, client: Client) -> Entry:
    """Return the row as it is on Kaggle's list; refuse to go on where it is not there (yet)."""
    pause, deadline = _FIRST_PAUSE, time.monotonic() + client.patience
    while True:
        entry = _same_row(reconcile(workspace, client), entry)
        if entry.status not in LOST:
            return entry
        if time.monotonic() + pause > deadline:
            break
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    settled = SETTLE_SECONDS - seconds_since_upload(entry, datetime.now(UTC))
    raise ProjectError(
        f"It is not known whether Kaggle has {entry.file} (run={entry.run_id}): its list does not "
        f"show it yet. Nothing is sent again before that is clear. Look at {PAGE}/submissions, "
        f"and run the same command again in {max(1, round(settled / 60))} min."
    )


def wait_for_score(
    workspace: Workspace, entry: Entry, client: Client, seconds: float, console: Console
) -> Entry:
    """Return the row once Kaggle has scored it; anything else is an error."""
    started = time.monotonic()
    pause = _FIRST_PAUSE
    with console.status("Waiting for the score") as display:
        while True:
            entry = _same_row(reconcile(workspace, client), entry)
            waited = time.monotonic() - started
            if entry.status != "pending" or waited + pause > seconds:
                break
            display.update(f"Waiting for the score ({waited:.0f} s)")
            time.sleep(pause)
            pause = min(1.5 * pause, _LONGEST_PAUSE)
    if entry.status == "pending":
        raise ProjectError(
            f"Kaggle has the file (number {entry.kaggle_ref}), but has not scored it within "
            f"{seconds:.0f} s. `make leaderboard` asks again."
        )
    if entry.status != "complete" or entry.public_score is None:
        raise ProjectError(
            f"Kaggle took the file (number {entry.kaggle_ref}), but did not score it: "
            f"{entry.error_text or 'it does not say why'}."
        )
    return entry


def _require_allowance(client: Client, console: Console) -> None:
    allowance = read_allowance(client)
    if allowance.left < 1:
        now = datetime.now(UTC)
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        wait = midnight - now
        raise ProjectError(
            f"Kaggle takes no more uploads today ({allowance.made} were made). The next day "
            f"begins at 00:00 UTC, in {wait.seconds // 3600} h {wait.seconds % 3600 // 60} min. "
            "The file is written and on the ledger; run the same command again then."
        )
    console.print(f"{allowance.left} uploads are left today, {allowance.made} were made.")


def _same_row(entries: list[Entry], entry: Entry) -> Entry:
    return next(each for each in entries if each.number == entry.number)
