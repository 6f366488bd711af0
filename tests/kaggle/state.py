"""All that the made-up Kaggle knows: its data, who may come in, what was submitted.

In: the competition's zip and the labels it keeps to itself. Out: `State`, which the methods change
and tests look at. What always holds: whoever reads or changes it holds `lock`.
"""

import base64
import hashlib
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tests.kaggle.contract import RefusalError
from tests.kaggle.faults import Fault


@dataclass
class Request:
    """One request as it came, without what would let a reader sign in."""

    method: str  # CreateSubmission, Download, ...; "" where it was none of ours
    verb: str
    url: str
    body: Any  # decoded JSON, else None
    headers: dict[str, str]
    size: int
    status: int | None = None  # of the answer; None until, or unless, there was one


@dataclass
class Submission:
    ref: int
    description: str
    file_name: str = "submission.csv"
    contents: bytes = b""
    date: datetime = field(default_factory=lambda: datetime.now(UTC))
    # What becomes of it in the end.
    score: float | None = None
    error: str = ""
    # How many more times it is shown as pending; None: for ever.
    polls: int | None = 0
    status: str = "PENDING"

    @property
    def public_score(self) -> str:
        """What the client is shown: nothing before it is scored."""
        done = self.status == "COMPLETE" and self.score is not None
        return f"{self.score:.5f}" if done else ""


@dataclass
class Upload:
    """A file that was announced, and perhaps has come."""

    file_name: str
    size: int
    contents: bytes | None = None
    submitted: bool = False


@dataclass
class Kernel:
    """The one notebook: what it will do, and what was saved of it."""

    # Each question for the status takes the next; the last one stays.
    statuses: list[str] = field(default_factory=lambda: ["QUEUED", "RUNNING", "COMPLETE"])
    files: dict[str, bytes] = field(default_factory=dict)
    log: str = ""
    failure_message: str = ""
    saved: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0  # since it was saved last

    @property
    def slug(self) -> str:
        return str(self.saved[-1]["slug"]) if self.saved else ""


def some_teams() -> list[tuple[str, float]]:
    return [("Ada", 1.0), ("Blaise", 0.99757), ("Charles", 0.98), ("Dorothy", 0.1)]


# Not compared, and not shown: it is large, and holds what a test looks for in outputs.
@dataclass(eq=False, repr=False)
class State:
    archive: bytes | Path
    answers: np.ndarray
    username: str = "me"
    token: str = "KGAT_madeuptoken0123456789abcdef"
    key: str = "madeupkey0123456789abcdef01234567"
    refresh_token: str = "madeuprefresh0123456789abcdef"
    rules_accepted: bool = True
    daily_limit: int = 10
    # How many times a new submission is shown as pending before it is scored.
    pending_polls: int = 1
    leaderboard: list[tuple[str, float]] = field(default_factory=some_teams)
    kernel: Kernel = field(default_factory=Kernel)
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    submissions: list[Submission] = field(default_factory=list)
    uploads: dict[str, Upload] = field(default_factory=dict)
    access_tokens: list[str] = field(default_factory=list)
    # Errors of this server itself, which a test must not take for Kaggle's.
    crashes: list[BaseException] = field(default_factory=list)
    modified: datetime = field(default_factory=lambda: datetime(2024, 1, 1, tzinfo=UTC))
    edition: int = 1  # a higher one is another file, whatever the bytes
    lock: threading.RLock = field(default_factory=threading.RLock)
    closing: threading.Event = field(default_factory=threading.Event)

    def misbehave(self, method: str, kind: str, times: int | None = 1, **options: Any) -> None:
        """Add a fault; see `Fault`."""
        with self.lock:
            self.faults.append(Fault(method, kind, times, **options))

    def calls(self, method: str) -> int:
        """How many requests for the method have come, answered or not."""
        with self.lock:
            return sum(request.method == method for request in self.requests)

    @property
    def secrets(self) -> list[str]:
        """What nobody may ever print, in every form in which it travels."""
        basic = base64.b64encode(f"{self.username}:{self.key}".encode()).decode()
        return [
            self.token,
            self.key,
            basic,
            self.refresh_token,
            self.signature,
            *self.access_tokens,
        ]

    @property
    def signature(self) -> str:
        return hashlib.sha256(self.token.encode()).hexdigest()

    def read_archive(self) -> bytes:
        return self.archive if isinstance(self.archive, bytes) else self.archive.read_bytes()

    def submitted_today(self) -> int:
        """What counts against the daily limit: files that could not be scored do not."""
        today = datetime.now(UTC).date()
        return sum(
            submission.date.date() == today and not submission.error
            for submission in self.submissions
        )

    def settle(self, submission: Submission) -> None:
        """Give a submission its final status, as if its scoring had just ended."""
        submission.status = "ERROR" if submission.error else "COMPLETE"
        if submission.score is None:
            return
        mine = [score for team, score in self.leaderboard if team == self.username]
        if submission.score > max(mine, default=-1.0):
            others = [team for team in self.leaderboard if team[0] != self.username]
            self.leaderboard[:] = [*others, (self.username, submission.score)]

    def require_sign_in(self, authorization: str) -> None:
        scheme, _, secret = authorization.partition(" ")
        basic = base64.b64encode(f"{self.username}:{self.key}".encode()).decode()
        known = {"Bearer": [self.token, *self.access_tokens], "Basic": [basic]}
        if secret not in known.get(scheme, []):
            raise RefusalError(401, "Unauthenticated")

    def require_rules(self) -> None:
        if not self.rules_accepted:
            raise RefusalError(
                403,
                "You must accept this competition's rules before you'll be able to download files.",
            )
