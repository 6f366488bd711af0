"""Kaggle's own client, in a process of its own, takes the made-up Kaggle for the real one."""

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digit_recognizer.data.answers import format_answers
from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.data.sources import download
from digit_recognizer.workspace import Workspace
from tests.commands import PROJECT
from tests.kaggle.fixtures import MadeUpCompetition
from tests.kaggle.made_up import TEST_ROWS, TRAIN_ROWS
from tests.kaggle.server import KaggleServer, unreachable

pytestmark = pytest.mark.slow

DATA = ["train.csv", "test.csv", "sample_submission.csv"]
LOG_IN = """
import json, os, sys
from pathlib import Path
from kaggle.api.kaggle_api_extended import KaggleApi
NAME = "digit-recognizer"
api = KaggleApi()
api.authenticate()
"""


def run_client(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the code after signing in, in an environment on top of the test's own."""
    return subprocess.run(
        [sys.executable, "-c", LOG_IN + code],
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )


def ask_client(code: str, environment: dict[str, str]) -> Any:
    """Return the JSON that the code prints last."""
    done = run_client(code, environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


LIST_FILES = "print(json.dumps([file.name for file in api.competition_list_files(NAME).files]))"


def schemes(server: KaggleServer, method: str) -> set[str | None]:
    return {one.headers.get("Authorization") for one in server.requests if one.method == method}


def test_the_client_signs_in_with_a_token(tiny_kaggle: KaggleServer) -> None:
    assert ask_client(LIST_FILES, tiny_kaggle.environment(tiny_kaggle.token)) == DATA
    assert schemes(tiny_kaggle, "ListDataFiles") == {"Bearer"}


def test_the_client_signs_in_with_a_name_and_a_key(tiny_kaggle: KaggleServer) -> None:
    login = {"KAGGLE_USERNAME": tiny_kaggle.username, "KAGGLE_KEY": tiny_kaggle.key}
    assert ask_client(LIST_FILES, {**tiny_kaggle.environment(), **login}) == DATA
    assert schemes(tiny_kaggle, "ListDataFiles") == {"Basic"}
    assert tiny_kaggle.calls("IntrospectToken") == 0


def test_the_client_renews_an_oauth_login(tiny_kaggle: KaggleServer) -> None:
    path = Path.home() / ".kaggle" / "credentials.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"refresh_token": tiny_kaggle.refresh_token, "username": "me"}))
    assert ask_client(LIST_FILES, tiny_kaggle.environment()) == DATA
    assert schemes(tiny_kaggle, "ListDataFiles") == {"Bearer"}
    assert json.loads(path.read_text())["access_token"] == tiny_kaggle.access_tokens[-1]


def test_a_token_that_ran_out_signs_nobody_in(tiny_kaggle: KaggleServer) -> None:
    tiny_kaggle.misbehave("IntrospectToken", "expired", times=None)
    assert run_client(LIST_FILES, tiny_kaggle.environment(tiny_kaggle.token)).returncode == 1
    assert tiny_kaggle.calls("ListDataFiles") == 0


def test_a_download_arrives_whole(tiny_kaggle: KaggleServer, tmp_path: Path) -> None:
    code = f"api.competition_download_files(NAME, path={str(tmp_path)!r}); print(0)"
    ask_client(code, tiny_kaggle.environment(tiny_kaggle.token))
    assert (tmp_path / "digit-recognizer.zip").read_bytes() == tiny_kaggle.read_archive()


def test_the_client_resumes_an_interrupted_download(
    tiny_kaggle: KaggleServer, tmp_path: Path
) -> None:
    # The client reads, and keeps, whole pieces of 1 MiB.
    tiny_kaggle.archive = np.random.default_rng(0).bytes(3_000_000)
    tiny_kaggle.misbehave("Download", "cut", after=1_500_000)
    code = f"api.competition_download_files(NAME, path={str(tmp_path)!r}); print(0)"
    ask_client(code, tiny_kaggle.environment(tiny_kaggle.token))
    assert (tmp_path / "digit-recognizer.zip").read_bytes() == tiny_kaggle.read_archive()
    parts = [one for one in tiny_kaggle.requests if one.method == "Download"]
    assert [one.headers.get("Range") for one in parts] == [None, f"bytes={1 << 20}-"]
    assert [one.status for one in parts] == [200, 206]


SUBMIT = """
def show(one):
    return [one.ref, one.status.name, one.public_score, one.error_description, one.description]
seen = []
for file in ("right.csv", "wrong.csv"):
    sent = api.competition_submit(file, "my " + file, NAME, quiet=True)
    seen.append([show(api.competition_submissions(NAME)[0]) for _ in range(2)])
    assert sent.ref == seen[-1][0][0] > 0
left = api.competition_get_submission_limits(NAME).num_allowed_now
board = [[row.team_name, row.score] for row in api.competition_leaderboard_view(NAME)]
api.competition_leaderboard_download(NAME, "board")
print(json.dumps([seen, left, board]))
"""


def test_a_submission_is_scored_and_a_wrong_one_refused(
    tiny_kaggle: KaggleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    guesses = tiny_kaggle.answers.copy()
    guesses[:3] = (guesses[:3] + 1) % 10
    Path("right.csv").write_bytes(format_answers(guesses))
    Path("wrong.csv").write_bytes(format_answers(guesses[:-1]))
    seen, left, board = ask_client(SUBMIT, tiny_kaggle.environment(tiny_kaggle.token))
    first, second = (one.ref for one in tiny_kaggle.submissions)
    error = "Submission must have 60 rows, found 59"
    assert seen == [
        [
            [first, "PENDING", "", "", "my right.csv"],
            [first, "COMPLETE", "0.95000", "", "my right.csv"],
        ],
        [
            [second, "PENDING", "", "", "my wrong.csv"],
            [second, "ERROR", "", error, "my wrong.csv"],
        ],
    ]
    assert tiny_kaggle.submissions[0].contents == Path("right.csv").read_bytes()
    assert left == tiny_kaggle.daily_limit - 1
    assert board[3] == ["me", "0.95000"]
    with zipfile.ZipFile("board/digit-recognizer.zip") as packed:
        (name,) = packed.namelist()
        assert "\n4,1004,me," in packed.read(name).decode().replace("\r", "")


def test_a_lost_reply_leaves_a_submission_and_a_lost_request_none(
    tiny_kaggle: KaggleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("answers.csv").write_bytes(format_answers(tiny_kaggle.answers))
    tiny_kaggle.misbehave("CreateSubmission", "lose-reply")
    tiny_kaggle.misbehave("CreateSubmission", "drop")
    code = """
import requests
errors = []
for attempt in (1, 2):
    try:
        api.competition_submit("answers.csv", f"attempt {attempt}", NAME, quiet=True)
    except requests.ConnectionError as error:
        errors.append(isinstance(error, requests.exceptions.ProxyError))
print(json.dumps(errors))
"""
    # Behind any proxy, a reply that is lost looks just like a proxy that cannot be reached.
    assert ask_client(code, tiny_kaggle.environment(tiny_kaggle.token)) == [True, True]
    assert tiny_kaggle.calls("CreateSubmission") == 2
    assert [one.description for one in tiny_kaggle.submissions] == ["attempt 1"]


def test_a_notebook_runs_and_leaves_its_files(
    tiny_kaggle: KaggleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_kaggle.kernel.files = {
        "submission.csv": b"ImageId,Label\n",
        "runs/a b/oof.npy": b"numbers",
    }
    tiny_kaggle.kernel.log = "it went well"
    about = {
        "id": "me/my-digits",
        "title": "my digits",
        "code_file": "run.py",
        "language": "python",
        "kernel_type": "script",
        "competition_sources": ["digit-recognizer"],
    }
    Path("push").mkdir()
    Path("push/kernel-metadata.json").write_text(json.dumps(about))
    Path("push/run.py").write_text("print('hello')")
    code = """
pushed = api.kernels_push("push")
seen = [api.kernels_status("me/my-digits").status.name for _ in range(4)]
api.kernels_output("me/my-digits", "out", page_size=1)
print(json.dumps([pushed.version_number, *seen]))
"""
    seen = ask_client(code, tiny_kaggle.environment(tiny_kaggle.token))
    assert seen == [1, "QUEUED", "RUNNING", "COMPLETE", "COMPLETE"]
    assert tiny_kaggle.kernel.saved[0]["text"] == "print('hello')"
    for name, contents in tiny_kaggle.kernel.files.items():
        assert Path("out", name).read_bytes() == contents
    assert Path("out/my-digits.log").read_text() == "it went well"


def test_the_real_site_cannot_be_reached_from_a_test() -> None:
    start = time.monotonic()
    done = run_client("", {**unreachable(), "KAGGLE_API_TOKEN": "KGAT_not_a_token"})
    assert done.returncode == 1
    assert "ProxyError" in done.stderr
    assert "api.kaggle.com" in done.stderr
    assert time.monotonic() - start < 20


def test_the_made_up_data_is_the_competitions(
    competition: MadeUpCompetition, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path)
    download(workspace, str(competition.archive))
    train, test = load_train(workspace), load_test(workspace)
    assert (len(train), len(test)) == (TRAIN_ROWS, TEST_ROWS)
    assert len(competition.answers) == TEST_ROWS
    assert not (workspace.data / "solution.csv").exists()


def test_a_command_runs_beside_the_server_and_gives_its_exit_code(tiny_source: Path) -> None:
    code = LOG_IN + "sys.exit(7 if api.competition_list_files(NAME).files else 1)"
    beside = [sys.executable, "-m", "tests.kaggle", "--fault", "ListSubmissions:503:2"]
    done = subprocess.run(
        [*beside, "--data", str(tiny_source), sys.executable, "-c", code],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 7, done.stderr
    assert "60 images" in done.stdout
