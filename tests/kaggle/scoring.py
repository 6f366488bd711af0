"""How the made-up Kaggle scores a submission, and what its leaderboard looks like as a file.

In: the bytes of a submission and the known labels; teams and scores. Out: a score or the text of
an error; a zip. What always holds: only a file with the very header, every id from 1 to n once and
whole labels from 0 to 9 gets a score.
"""

import csv
import io
import zipfile
from datetime import UTC, datetime

import numpy as np

LEADERBOARD_COLUMNS = (
    "Rank",
    "TeamId",
    "TeamName",
    "LastSubmissionDate",
    "Score",
    "SubmissionCount",
    "TeamMemberUserNames",
)
_LABELS = {str(label): label for label in range(10)}


class ScoringError(Exception):
    """The file is no submission to this competition; the text says why."""


def score_submission(contents: bytes, answers: np.ndarray) -> float:
    """Return the fraction of right labels, to five decimals."""
    try:
        lines = contents.decode().replace("\r\n", "\n").removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        raise ScoringError("The submission is not text") from None
    if lines[0] != "ImageId,Label":
        raise ScoringError("Submission must have the columns ImageId and Label")
    if len(lines) - 1 != len(answers):
        raise ScoringError(f"Submission must have {len(answers)} rows, found {len(lines) - 1}")
    labels = np.full(len(answers), -1)
    for row, line in enumerate(lines[1:], start=1):
        image_id, _, label = line.partition(",")
        if not (image_id.isascii() and image_id.isdigit() and 1 <= int(image_id) <= len(answers)):
            raise ScoringError(f"Row {row}: there is no ImageId {image_id[:20]!r}")
        if labels[int(image_id) - 1] >= 0:
            raise ScoringError(f"Row {row}: ImageId {image_id} is there twice")
        if label not in _LABELS:
            raise ScoringError(f"Row {row}: {label[:20]!r} is no digit")
        labels[int(image_id) - 1] = _LABELS[label]
    return round(float((labels == answers).mean()), 5)


def rank_teams(leaderboard: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Best first; among equals, who was there first."""
    return sorted(leaderboard, key=lambda team: -team[1])


def zip_leaderboard(leaderboard: list[tuple[str, float]]) -> bytes:
    now = datetime.now(UTC)
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(LEADERBOARD_COLUMNS)
    for rank, (team, score) in enumerate(rank_teams(leaderboard), start=1):
        writer.writerow([rank, 1000 + rank, team, f"{now:%F %T}", f"{score:.5f}", 1, team.lower()])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            f"digit-recognizer-publicleaderboard-{now:%Y-%m-%dT%H_%M_%S}.csv",
            # With a byte order mark, which whoever reads such files must cope with.
            table.getvalue().encode("utf-8-sig"),
        )
    return file.getvalue()
