"""The ledger says what Kaggle's list says, and calls nothing failed that may still arrive."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digit_recognizer.compete import reconcile as module
from digit_recognizer.compete.ledger import Entry, add_entry, list_entries
from digit_recognizer.compete.reconcile import SETTLE_SECONDS, reconcile
from digit_recognizer.kaggle_api.competition import Submission
from digit_recognizer.workspace import Workspace
from tests.compete.test_ledger import ENTRY


class Listing:
    """Stands for a client: all that is asked of it is the list."""

    def __init__(self) -> None:
        self.submissions: list[Submission] = []

    def add(self, ref: int, description: str, status: str = "complete", **facts: Any) -> None:
        score = 0.99 if status == "complete" else None
        values = {"date": "2026-01-02T03:05:00+00:00", "error_text": None, **facts}
        self.submissions.insert(
            0,
            Submission(
                ref=ref,
                description=description,
                status=status,
                file_name="submission.csv",
                **{"public_score": score, **values},
            ),
        )


@pytest.fixture
def listing(monkeypatch: pytest.MonkeyPatch) -> Listing:
    monkeypatch.setattr(module, "list_submissions", lambda client: list(client.submissions))
    return Listing()


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def add(workspace: Workspace, **facts: Any) -> Entry:
    return add_entry(workspace, dataclasses.replace(ENTRY, **facts))


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="seconds")


def update(workspace: Workspace, listing: Listing) -> list[Entry]:
    rows = reconcile(workspace, listing)  # type: ignore[arg-type]
    assert rows == list_entries(workspace)
    return rows


@pytest.mark.parametrize("status", ["written", "uploading", "unknown", "pending", "failed"])
def test_a_row_is_found_by_its_run_whatever_was_believed_of_it(
    empty: Workspace, listing: Listing, status: str
) -> None:
    add(empty, status=status, uploaded_at=ago(9_999))
    listing.add(7, f"words run={ENTRY.run_id}", public_score=0.98765)
    (row,) = update(empty, listing)
    assert (row.status, row.kaggle_ref, row.public_score) == ("complete", 7, 0.98765)
    assert row.message == f"words run={ENTRY.run_id}"


def test_a_number_counts_more_than_a_run(empty: Workspace, listing: Listing) -> None:
    first = add(empty, kaggle_ref=7, status="pending", uploaded_at=ago(60))
    add(empty, run_id="ffffffffffff", status="unknown", uploaded_at=ago(60))
    listing.add(7, "edited by hand")
    listing.add(8, "run=ffffffffffff", status="error", error_text="bad file")
    listing.add(9, f"run={first.run_id}", status="pending")
    mine, other, elsewhere = sorted(update(empty, listing), key=lambda row: row.kaggle_ref or 0)
    assert (mine.number, mine.status, mine.message) == (first.number, "complete", "edited by hand")
    assert (other.kaggle_ref, other.status, other.error_text) == (8, "error", "bad file")
    assert (elsewhere.kaggle_ref, elsewhere.data_source) == (9, "elsewhere")


@pytest.mark.parametrize("status", ["uploading", "unknown"])
def test_what_is_not_listed_is_unknown_first_and_failed_after_a_while(
    empty: Workspace, listing: Listing, status: str
) -> None:
    add(empty, status=status, uploaded_at=ago(SETTLE_SECONDS - 30))
    assert update(empty, listing)[0].status == "unknown"
    add(empty, run_id="f" * 12, status=status, uploaded_at=ago(SETTLE_SECONDS + 2))
    assert [row.status for row in update(empty, listing)] == ["unknown", "failed"]


@pytest.mark.parametrize(("status", "ref"), [("written", None), ("failed", None), ("complete", 7)])
def test_a_row_that_is_not_listed_and_not_lost_stays_as_it_is(
    empty: Workspace, listing: Listing, status: str, ref: int | None
) -> None:
    row = add(empty, status=status, kaggle_ref=ref, uploaded_at=ago(9_999))
    assert update(empty, listing) == [row]


def test_what_kaggle_took_and_never_lists_is_failed_after_a_while(
    empty: Workspace, listing: Listing
) -> None:
    """At the daily limit it has been seen to say "submitted", with a number, and to forget it."""
    row = add(empty, status="pending", kaggle_ref=7, uploaded_at=ago(SETTLE_SECONDS - 30))
    assert update(empty, listing) == [row]
    add(empty, status="pending", kaggle_ref=8, uploaded_at=ago(SETTLE_SECONDS + 2))
    assert {row.kaggle_ref: row.status for row in update(empty, listing)} == {
        7: "pending",
        8: "failed",
    }


def test_a_score_that_was_changed_is_taken_over(empty: Workspace, listing: Listing) -> None:
    add(empty, status="complete", kaggle_ref=7, public_score=0.5, uploaded_at=ago(9_999))
    listing.add(7, "", public_score=0.6)
    assert update(empty, listing)[0].public_score == 0.6


def test_what_was_uploaded_elsewhere_gets_one_row_that_is_kept_up_to_date(
    empty: Workspace, listing: Listing
) -> None:
    listing.add(7, "from my phone", status="pending")
    (row,) = update(empty, listing)
    assert (row.lineup, row.sha256, row.status) == ("from my phone", "", "pending")
    assert row.written_at == row.uploaded_at == "2026-01-02T03:05:00+00:00"
    listing.submissions.clear()
    listing.add(7, "from my phone", status="complete")
    (row,) = update(empty, listing)
    assert (row.status, row.public_score) == ("complete", 0.99)
