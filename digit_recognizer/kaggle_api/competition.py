"""Calls about this competition: files, submissions, the board.

In: a client. Out: the archive, uploads, what became of them, the board. What always holds: an
upload counts only when the server named its number; where nobody can tell whether it arrived, that
is said.
"""

import csv
import io
import zipfile
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from digit_recognizer.kaggle_api import COMPETITION
from digit_recognizer.kaggle_api.client import Client
from digit_recognizer.kaggle_api.downloads import following, size_of
from digit_recognizer.kaggle_api.errors import KaggleError
from digit_recognizer.workspace import ProjectError

_PAGE_SIZE = 100


class UploadFailedError(ProjectError):
    """The file is certainly not among the submissions."""


class UploadUnknownError(ProjectError):
    """The file may be among the submissions: the answer to sending it was lost."""


@dataclass(frozen=True)
class Submission:
    """One line of the server's list; `status` is pending, complete or error."""

    ref: int
    date: str
    status: str
    public_score: float | None
    description: str
    file_name: str
    error_text: str | None


@dataclass(frozen=True)
class Allowance:
    """How many uploads were made today (UTC), and how many are left."""

    made: int
    left: int


def download_competition(client: Client, folder: Path) -> Path:
    """Fetch the competition's zip into `folder`, going on with what is there; return its path.

    What is there after a failure is kept for the next attempt, which goes on from it only if the
    server still has the same file.
    """
    archive = folder / f"{COMPETITION}.zip"
    while True:
        before = size_of(archive)
        try:
            _fetch_files(client, folder)
            break
        except KaggleError as error:
            # A line that breaks again and again still gets there, as long as something came.
            if not (error.problem.is_temporary and size_of(archive) > before):
                raise
    if not archive.is_file():
        raise ProjectError("Kaggle sent something else than the competition's zip archive.")
    return archive


def list_submissions(client: Client) -> list[Submission]:
    """Return all of the team's submissions, newest first."""
    from kagglesdk.competitions.types.competition_api_service import ApiListSubmissionsRequest

    request = ApiListSubmissionsRequest()
    request.competition_name = COMPETITION
    request.page_size = _PAGE_SIZE

    def list_page(api: Any) -> Any:
        with api.build_kaggle_client() as kaggle:
            return kaggle.competitions.competition_api_client.list_submissions(request)

    found: dict[int, Submission] = {}
    while True:
        page = client.call("list the submissions", list_page)
        known = len(found)
        found.update({each.ref: _as_submission(each) for each in page.submissions if each})
        if not page.next_page_token or len(found) == known:
            return sorted(found.values(), key=lambda each: (each.date, each.ref), reverse=True)
        request.page_token = page.next_page_token


def read_allowance(client: Client) -> Allowance:
    limits = client.call(
        "ask how many uploads are left",
        lambda api: api.competition_get_submission_limits(COMPETITION),
    )
    return Allowance(limits.num_today, limits.num_allowed_now)


def send_submission(client: Client, file: Path, message: str) -> int:
    """Upload the file and enter it as a submission; return its number on the server.

    The client's own function for this hides at which step it failed, and only the last one, which
    is never repeated blindly, decides whether there is a submission.
    """
    from kaggle.models.kaggle_models_extended import ResumableUploadResult
    from kagglesdk.competitions.types.competition_api_service import (
        ApiCreateSubmissionRequest,
        ApiStartSubmissionUploadRequest,
    )

    start = ApiStartSubmissionUploadRequest()
    start.competition_name = COMPETITION
    start.file_name = file.name
    start.content_length = file.stat().st_size
    start.last_modified_epoch_seconds = int(file.stat().st_mtime)

    def send_bytes(api: Any) -> str | None:
        with api.build_kaggle_client() as kaggle:
            target = kaggle.competitions.competition_api_client.start_submission_upload(start)
        done = api.upload_complete(str(file), target.create_url, quiet=True)
        if done == ResumableUploadResult.INCOMPLETE:
            raise ConnectionError
        return target.token if done == ResumableUploadResult.COMPLETE else None

    try:
        token = client.call("upload the file", send_bytes)
    except ProjectError as error:
        raise UploadFailedError(str(error)) from None
    if not token:
        raise UploadFailedError("Kaggle's store refused the file. Try again later.")

    create = ApiCreateSubmissionRequest()
    create.competition_name = COMPETITION
    create.blob_file_tokens = token
    create.submission_description = message

    def enter(api: Any) -> Any:
        with api.build_kaggle_client() as kaggle:
            return kaggle.competitions.competition_api_client.create_submission(create)

    try:
        answer = client.call("enter the submission", enter, once=True)
    except KaggleError as error:
        if error.problem.is_refusal:
            raise UploadFailedError(str(error)) from None
        raise UploadUnknownError(str(error)) from None
    if not answer.ref > 0:
        raise UploadUnknownError("Kaggle's answer to the upload names no submission.")
    return int(answer.ref)


def read_board(client: Client, folder: Path) -> list[float]:
    """Return the scores on the public leaderboard, best first; `folder` is for the download."""

    def fetch(api: Any) -> None:
        with following(api, client, Console(quiet=True)):
            api.competition_leaderboard_download(COMPETITION, path=str(folder), quiet=True)

    client.call("download the leaderboard", fetch)
    try:
        with zipfile.ZipFile(folder / f"{COMPETITION}.zip") as archive:
            (name,) = [each for each in archive.namelist() if each.endswith(".csv")]
            rows = csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig")))
            return sorted((float(row["Score"]) for row in rows), reverse=True)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error):
        raise ProjectError("What Kaggle sent is not its leaderboard.") from None


def _fetch_files(client: Client, folder: Path) -> None:
    def fetch(api: Any) -> None:
        with following(api, client, client.console):
            api.competition_download_files(COMPETITION, path=str(folder), quiet=True)

    client.call("download the competition's files", fetch)


def _as_submission(each: Any) -> Submission:
    return Submission(
        ref=each.ref,
        date=_as_utc(each.date) if each.date else "",
        status=each.status.name.lower(),
        public_score=_as_score(each.public_score),
        description=each.description or "",
        file_name=each.file_name or "",
        error_text=each.error_description or None,
    )


def _as_utc(date: datetime) -> str:
    """Return the date as the ledger writes dates; Kaggle's have no zone and mean UTC."""
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="seconds")


def _as_score(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
