"""From a written file to a score beside the others.

In: a row of the ledger. Out: the row's public score and rank, printed. What always holds: it ends
well only when Kaggle has confirmed the score of these very bytes.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from digit_recognizer.compete.ledger import Entry
from digit_recognizer.compete.public_score import Standing, difference_in_errors, find_standing
from digit_recognizer.compete.reconcile import reconcile
from digit_recognizer.compete.upload import (
    LOST,
    find_again,
    find_sent,
    require_new,
    require_unchanged,
    upload,
    wait_for_score,
)
from digit_recognizer.kaggle_api.client import Client, connect
from digit_recognizer.kaggle_api.competition import read_board
from digit_recognizer.workspace import ProjectError, Workspace, locked


def upload_and_wait(
    workspace: Workspace,
    entry: Entry,
    message: str | None,
    force: bool,
    wait: float,
    console: Console,
) -> None:
    """Upload the row's file, or go on with an upload of it that was cut short."""
    before = None if force else require_new(workspace, entry)
    require_unchanged(workspace, entry)
    client = connect(console)
    with locked(workspace.submissions / ".lock", workspace.submissions):
        reconcile(workspace, client)
    # Now the ledger also knows what was uploaded elsewhere, or finished since. What was on its
    # way is followed to its end; what had one already is refused.
    sent = find_sent(workspace, entry) if before or force else require_new(workspace, entry)
    if sent and (not force or sent.status in LOST):
        console.print(f"An earlier upload of these labels is {sent.status}.")
        sent = find_again(workspace, sent, client)
    if sent is None or sent.status == "failed" or force:
        sent = upload(workspace, entry, message, client, console)
    _print_score(wait_for_score(workspace, sent, client, wait, console), client, console)


def describe_standing(client: Client, public_score: float) -> Standing:
    """Return where the score would stand on the board as it is now."""
    with TemporaryDirectory() as folder:
        return find_standing(read_board(client, Path(folder)), public_score)


def _print_score(entry: Entry, client: Client, console: Console) -> None:
    assert entry.public_score is not None
    console.print(f"Public score: [bold]{entry.public_score:.5f}[/]")
    if entry.out_of_fold:
        difference = difference_in_errors(entry.out_of_fold, entry.public_score)
        low, high = entry.out_of_fold.accuracy_interval
        console.print(
            f"Out of fold:  {entry.out_of_fold.accuracy:.5f} (95 % interval {low:.5f} to "
            f"{high:.5f}); the public score is {abs(difference):.1f} "
            f"standard errors {'above' if difference >= 0 else 'below'} it"
        )
    try:
        console.print(f"That is {describe_standing(client, entry.public_score)}.")
    except ProjectError as error:  # the upload itself is confirmed
        console.print(f"Its rank is not known: {error}")
