"""Nothing that lets a reader sign in is ever printed, stored or shown among the processes."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from digit_recognizer.workspace import Workspace
from tests.commands import start
from tests.kaggle.pipeline import PATIENCE, SENDING, only_row
from tests.kaggle.server import KaggleServer

LOUD = {"DEBUG": "1", "VERBOSE": "true"}
SUBMIT = ("submit", "--experiments", "made-up", "--wait", "0")
DOWNLOAD = ("download", "--source", "kaggle")


@pytest.fixture
def login(kaggle: KaggleServer, request: pytest.FixtureRequest) -> dict[str, str]:
    """Credentials of the kind that the test names, where the client looks for them."""
    folder = Path.home() / ".kaggle"
    folder.mkdir()
    match request.param:
        case "token":
            return {"KAGGLE_API_TOKEN": kaggle.token}
        case "access_token":
            (folder / "access_token").write_text(kaggle.token)
        case "key":
            return {"KAGGLE_USERNAME": kaggle.username, "KAGGLE_KEY": kaggle.key}
        case "kaggle.json":
            login = {"username": kaggle.username, "key": kaggle.key}
            (folder / "kaggle.json").write_text(json.dumps(login))
        case "credentials.json":
            login = {"username": kaggle.username, "refresh_token": kaggle.refresh_token}
            (folder / "credentials.json").write_text(json.dumps(login))
    return {}


def watch(
    kaggle: KaggleServer, workspace: Workspace, *command: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command, and look for secrets in what it shows of itself, prints and leaves."""
    temporary = workspace.root.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    environment = {**kaggle.environment(), PATIENCE: "0.9", "TMPDIR": str(temporary), **variables}
    # A new interpreter: its command line is part of what is looked at.
    process = start(workspace, *command, imported=False, **environment)
    seen: set[bytes] = set()
    while True:
        seen |= read_command_lines()
        try:
            output, _ = process.communicate(timeout=0.05)
            break
        except subprocess.TimeoutExpired:
            continue
    secrets = [secret.encode() for secret in kaggle.secrets]
    assert any(command[0].encode() in line for line in seen), "nothing was looked at"
    for secret in secrets:
        assert secret not in output.encode(), output
        assert not any(secret in line for line in seen)
        for folder in (workspace.root, temporary):
            for path in files_under(folder):
                assert secret not in path.read_bytes(), path
                assert secret not in os.fsencode(path)
    return subprocess.CompletedProcess(process.args, process.returncode, output)


def read_command_lines() -> set[bytes]:
    """What anybody on this machine can see of any process."""
    lines = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.add(path.read_bytes())
        except OSError:  # it ended
            continue
    return lines


def files_under(folder: Path) -> list[Path]:
    """All files but what all tests share, to which there are links only."""
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("login", "methods"),
    [
        ("token", ("ListSubmissions", "GetSubmissionLimits", "StartSubmissionUpload")),
        ("key", ("ListSubmissions", "CreateSubmission")),
        ("credentials.json", ("ListSubmissions",)),
    ],
    indirect=["login"],
)
def test_a_server_that_repeats_the_secret_is_not_quoted(
    kaggle: KaggleServer, ready: Workspace, login: dict[str, str], methods: tuple[str, ...]
) -> None:
    for method in methods:
        kaggle.misbehave(method, "echo", times=None, status=400)
        done = watch(kaggle, ready, *SUBMIT, **login, **LOUD)
        assert done.returncode == 1, done.stdout
        assert kaggle.calls(method) == 1
        assert '"Cannot serve ' in done.stdout
        assert "***" in done.stdout
        assert "Traceback" in done.stdout, "DEBUG=1 shows where it happened"
        kaggle.faults.clear()
    if method in SENDING:
        assert "***" in (only_row(ready).error_text or "")


@pytest.mark.parametrize(
    ("login", "method", "secret"),
    [
        ("access_token", "IntrospectToken", "token"),
        ("credentials.json", "GenerateAccessToken", "refresh_token"),
    ],
    indirect=["login"],
)
def test_nothing_that_the_server_says_of_a_login_is_quoted(
    kaggle: KaggleServer, empty: Workspace, login: dict[str, str], method: str, secret: str
) -> None:
    text = f"What is {getattr(kaggle, secret)}?"
    kaggle.misbehave(method, "status", times=None, status=500, text=text)
    done = watch(kaggle, empty, "leaderboard", **login, **LOUD)
    assert done.returncode == 1
    assert "Could not log in to Kaggle. Kaggle answered with status 500." in done.stdout


@pytest.mark.parametrize(
    ("login", "loud"), [("access_token", LOUD), ("kaggle.json", {})], indirect=["login"]
)
@pytest.mark.slow
def test_what_works_leaves_no_secret_behind(
    kaggle: KaggleServer, ready: Workspace, login: dict[str, str], loud: dict[str, str]
) -> None:
    assert watch(kaggle, ready, *SUBMIT, **login, **loud).returncode == 0
    assert watch(kaggle, ready, "leaderboard", **login, **loud).returncode == 0
    assert only_row(ready).status == "complete"
    assert (ready.reports / "leaderboard.png").exists()


@pytest.mark.parametrize("login", ["token"], indirect=True)
@pytest.mark.slow
def test_a_download_shows_neither_the_token_nor_the_signed_address(
    kaggle: KaggleServer, empty: Workspace, login: dict[str, str]
) -> None:
    for method in ("DownloadDataFiles", "Download"):
        kaggle.misbehave(method, "echo", times=None, status=403)
        assert watch(kaggle, empty, *DOWNLOAD, **login, **LOUD).returncode == 1
        kaggle.faults.clear()
    kaggle.misbehave("Download", "cut")
    done = watch(kaggle, empty, *DOWNLOAD, **login, **LOUD)
    assert done.returncode == 0, done.stdout
    asked = [one.headers.get("Range") for one in kaggle.requests if one.method == "Download"]
    assert asked[-1], "the part that had come was not thrown away"
