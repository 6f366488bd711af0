"""The description of an upload on Kaggle, and how it is read back.

In: a row of the ledger. Out: one line; from such a line, the facts. What always holds: the line
names the row's run id, by which a submission is recognized when the answer to it was lost.
"""

import re
from dataclasses import dataclass

from digit_recognizer.compete.ledger import Entry
from digit_recognizer.data.dataset import COMPETITION_ROWS
from digit_recognizer.scores import Score

_RUN_ID = re.compile(r"\brun=([0-9a-f]{12})\b")
_LINE = re.compile(r"^(?P<lineup>.+) oof=(?P<accuracy>[01]\.\d{5})±[\d.]+ run=")
_COMMIT = re.compile(r"\bgit=([0-9a-f]{7}\+?)(?:\s|$)")


@dataclass(frozen=True)
class Facts:
    lineup: str
    score: Score | None
    run_id: str
    git_commit: str


def compose_message(entry: Entry, own: str | None = None) -> str:
    """Return the person's own words, or the figures; either way with the run id."""
    run = f"run={entry.run_id}"
    if own:
        return own if run in own else f"{own} {run}"
    score = entry.out_of_fold
    assert score is not None
    return (
        f"{entry.lineup} oof={score.accuracy:.5f}±{score.accuracy_error:.5f} {run} "
        f"git={entry.git_commit[:7]}{'+' * entry.git_commit.endswith('+')}"
    )


def find_run_id(message: str) -> str | None:
    # The last: a person's own words, which come first, may be an earlier line.
    found = _RUN_ID.findall(message)
    return found[-1] if found else None


def read_message(message: str) -> Facts:
    """Return what a line from elsewhere says; what it does not say is empty."""
    line, commit = _LINE.match(message), _COMMIT.search(message)
    images = COMPETITION_ROWS["train.csv"]
    # Five decimals are finer than one image of 42,000, so the count is exact.
    score = Score(round((1 - float(line["accuracy"])) * images), images) if line else None
    return Facts(
        lineup=line["lineup"] if line else message,
        score=score,
        run_id=find_run_id(message) or "",
        git_commit=commit[1] if commit else "",
    )
