"""The commands of the project against the made-up Kaggle, and what they must always leave.

In: a workspace and a server. Out: the finished command. What always holds: no command that is run
through here ends in a traceback, prints or stores a secret, or leaves half a file in `data/`.
"""

import subprocess
from pathlib import Path

from digit_recognizer.compete.ledger import Entry, list_entries, update_entry
from digit_recognizer.kaggle_api.client import PATIENCE
from digit_recognizer.workspace import Workspace
from tests.commands import run
from tests.kaggle.server import KaggleServer

__all__ = ["PATIENCE"]

CSVS = ("train.csv", "test.csv", "sample_submission.csv")
# What sends or changes something: an upload announced, its bytes, its entry as a submission.
SENDING = ("StartSubmissionUpload", "Upload", "CreateSubmission")


def command(
    kaggle: KaggleServer,
    workspace: Workspace,
    script: str,
    *arguments: str,
    patience: float = 1,
    signed_in: bool = True,
    fault: str = "",
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run the script to its end, by default with the server's token."""
    environment = kaggle.environment(kaggle.token if signed_in else None)
    environment |= {PATIENCE: str(patience), "COLUMNS": "200", **variables}
    done = run(workspace, script, *arguments, fault=fault, **environment)
    assert "Traceback" not in done.stdout, done.stdout
    assert_no_secret(kaggle, done.stdout)
    return done


def submit(
    kaggle: KaggleServer, workspace: Workspace, *arguments: str, wait: float = 0, **options: object
) -> subprocess.CompletedProcess[str]:
    named = ("--experiments", "made-up", "--wait", str(wait), *arguments)
    return command(kaggle, workspace, "submit", *named, **options)  # type: ignore[arg-type]


def well(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout
    return done.stdout


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one message of a command that failed, as one line."""
    assert done.returncode == 1, done.stdout
    assert done.stdout.count("Error: ") == 1, done.stdout
    return " ".join(done.stdout[done.stdout.index("Error: ") :].split())


def only_row(workspace: Workspace) -> Entry:
    (entry,) = list_entries(workspace)
    return entry


def make_older(workspace: Workspace, entry: Entry) -> None:
    """Put the row's upload back by years, as if the list had had all the time to show it."""
    update_entry(workspace, entry, uploaded_at="2020-01-01T00:00:00+00:00")


def files_in(folder: Path) -> set[str]:
    """The names of what a later stage would take for data."""
    return {path.name for path in folder.glob("[!.]*")} if folder.exists() else set()


def assert_no_secret(kaggle: KaggleServer, text: str) -> None:
    for secret in kaggle.secrets:
        assert secret not in text
