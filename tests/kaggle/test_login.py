"""Every way to log in that the client knows: what works, and what is said of what does not."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest

from digit_recognizer.workspace import Workspace
from tests.kaggle.pipeline import assert_no_secret, command, files_in, refused, well
from tests.kaggle.server import KaggleServer

WRONG_TOKEN = "KGAT_ffffffffffffffffffffffffffffffff"
WRONG_KEY = "fedcba9876543210fedcba9876543210"


@dataclass(frozen=True)
class Login:
    username: str
    key: str
    token: str
    refresh_token: str


WRONG = Login("me", WRONG_KEY, WRONG_TOKEN, "wrong-refresh-token-0123")
WHERE = "https://www.kaggle.com/settings"


def save(name: str, text: str | bytes, folder: Path | None = None) -> Path:
    """Write a file of the client's, in its folder in the home folder or elsewhere."""
    path = (folder or Path.home() / ".kaggle") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def key_file(login: Login) -> str:
    return json.dumps({"username": login.username, "key": login.key})


def oauth_file(login: Login, access_token: str = "", expires: str = "") -> str:
    about = {"username": login.username, "scopes": []}
    times = {"access_token": access_token, "access_token_expiration": expires}
    return json.dumps({"refresh_token": login.refresh_token, **times, **about})


def in_notebook(login: Login) -> dict[str, str]:
    path = save("token", login.token, Path.home() / "secrets")
    proxy = {"KAGGLE_DATA_PROXY_URL": "http://localhost/proxy"}
    return {"KAGGLE_KERNEL_RUN_TYPE": "Batch", "KAGGLE_API_V1_TOKEN": str(path), **proxy}


def in_file(name: str, form: Callable[[Login], str]) -> Callable[[Login], dict[str, str]]:
    def write(login: Login) -> dict[str, str]:
        save(name, form(login))
        return {}

    return write


def in_other_folder(login: Login) -> dict[str, str]:
    path = save("kaggle.json", key_file(login), Path.home() / "elsewhere")
    return {"KAGGLE_CONFIG_DIR": str(path.parent)}


def in_other_file(login: Login) -> dict[str, str]:
    return {"KAGGLE_API_TOKEN": str(save("my-token", login.token + "\n", Path.home()))}


# Each puts credentials where the client looks, and returns the variables that belong to them.
WAYS: dict[str, Callable[[Login], dict[str, str]]] = {
    "token": lambda login: {"KAGGLE_API_TOKEN": login.token},
    "path of a token": in_other_file,
    "access_token": in_file("access_token", lambda login: login.token + "\n"),
    "access_token.txt": in_file("access_token.txt", lambda login: login.token),
    "key": lambda login: {"KAGGLE_USERNAME": login.username, "KAGGLE_KEY": login.key},
    "kaggle.json": in_file("kaggle.json", key_file),
    "KAGGLE_CONFIG_DIR": in_other_folder,
    "credentials.json": in_file("credentials.json", oauth_file),
    "notebook": in_notebook,
}
BY_KEY = ("key", "kaggle.json", "KAGGLE_CONFIG_DIR")


def right(kaggle: KaggleServer) -> Login:
    return Login(kaggle.username, kaggle.key, kaggle.token, kaggle.refresh_token)


def ask(kaggle: KaggleServer, workspace: Workspace, variables: dict[str, str]) -> str:
    """Log in with these and list the submissions, which must work."""
    return well(command(kaggle, workspace, "leaderboard", signed_in=False, **variables))


def fail(
    kaggle: KaggleServer, workspace: Workspace, variables: dict[str, str], source: str = "auto"
) -> str:
    """Try to download with these, which must fail and leave nothing; return the only line."""
    arguments = ("download", "--source", source)
    done = command(kaggle, workspace, *arguments, patience=5, signed_in=False, **variables)
    message = refused(done)
    assert len(done.stdout.splitlines()) == 1
    assert "SAMPLE" not in done.stdout
    assert files_in(workspace.data) == set()
    assert kaggle.calls("Download") == 0
    basic = base64.b64encode(f"{WRONG.username}:{WRONG.key}".encode()).decode()
    for secret in (WRONG.key, WRONG.token, WRONG.refresh_token, basic):
        assert secret not in done.stdout
    return message


@pytest.mark.parametrize("way", WAYS)
def test_right_credentials_open_the_door(kaggle: KaggleServer, empty: Workspace, way: str) -> None:
    ask(kaggle, empty, WAYS[way](right(kaggle)))
    (asked,) = (one for one in kaggle.requests if one.method == "ListSubmissions")
    assert (asked.headers["Authorization"], asked.status) == (
        "Basic" if way in BY_KEY else "Bearer",
        200,
    )


@pytest.mark.parametrize("way", WAYS)
def test_wrong_credentials_are_one_message_and_never_the_sample(
    kaggle: KaggleServer, empty: Workspace, way: str
) -> None:
    message = fail(kaggle, empty, WAYS[way](WRONG))
    assert WHERE in message
    assert len(kaggle.requests) == 1, "what is refused is not tried again"


def test_no_credentials_are_said_to_be_missing(kaggle: KaggleServer, empty: Workspace) -> None:
    assert "No Kaggle credentials were found" in fail(kaggle, empty, {}, source="kaggle")
    assert kaggle.requests == []


@pytest.mark.parametrize(
    ("way", "token"),
    [
        ("token", "KGAT_0123456789\nabcdef"),
        ("token", "KGAT_0123456789 abcdef"),
        ("token", "KGAT_" + "0123456789" * 500),  # longer than the path of a file can be
        ("access_token", "KGAT_0123456789äöü"),
        ("access_token", "KGAT_0123456789\n\nabcdef"),
    ],
)
def test_a_token_that_cannot_be_one_is_refused_before_it_is_sent(
    kaggle: KaggleServer, empty: Workspace, way: str, token: str
) -> None:
    message = fail(kaggle, empty, WAYS[way](Login("me", WRONG_KEY, token, "")))
    assert WHERE in message
    assert not any(part in message for part in token.split())
    assert kaggle.requests == []


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("access_token", b""),
        ("access_token", bytes(range(256))),
        ("kaggle.json", b""),
        ("kaggle.json", b'{"username": "me", "key": "fedcba98'),
        ("kaggle.json", b'["username", "key"]'),
        ("kaggle.json", b'{"username": 5, "key": "fedcba98"}'),
        ("kaggle.json", b'{"username": "me", "key": "fedcba98\\n"}'),
        ("credentials.json", b""),
        ("credentials.json", b'"refresh_token"'),
    ],
)
def test_a_file_that_holds_no_credentials_is_refused(
    kaggle: KaggleServer, empty: Workspace, name: str, contents: bytes
) -> None:
    path = save(name, contents)
    message = fail(kaggle, empty, {})
    assert WHERE in message
    assert str(path) in message
    assert "fedcba98" not in message
    assert kaggle.requests == []


def test_a_name_that_cannot_be_sent_is_refused(kaggle: KaggleServer, empty: Workspace) -> None:
    login = {"KAGGLE_USERNAME": "Łukasz", "KAGGLE_KEY": WRONG_KEY}
    assert WHERE in fail(kaggle, empty, login)
    assert kaggle.requests == []


@pytest.mark.parametrize("token", [WRONG_TOKEN, "two\nlines"])
def test_a_bad_token_is_an_error_even_beside_a_good_key(
    kaggle: KaggleServer, empty: Workspace, token: str
) -> None:
    login = WAYS["key"](right(kaggle))
    assert WHERE in fail(kaggle, empty, {**login, "KAGGLE_API_TOKEN": token})
    assert kaggle.calls("DownloadDataFiles") == 0


def test_a_token_that_ran_out_is_an_error(kaggle: KaggleServer, empty: Workspace) -> None:
    kaggle.misbehave("IntrospectToken", "expired", times=None)
    assert WHERE in fail(kaggle, empty, {"KAGGLE_API_TOKEN": kaggle.token})


def test_an_oauth_login_that_ran_out_is_renewed_and_then_kept(
    kaggle: KaggleServer, empty: Workspace
) -> None:
    before = "2020-01-01T00:00:00+00:00"
    path = save("credentials.json", oauth_file(right(kaggle), "an-old-token", before))
    ask(kaggle, empty, {})
    ask(kaggle, empty, {})
    assert kaggle.calls("GenerateAccessToken") == 1
    assert kaggle.calls("ListSubmissions") == 2
    saved = json.loads(path.read_text())
    assert saved["access_token"] == kaggle.access_tokens[-1]


def test_an_oauth_login_that_is_refused_stays_an_error(
    kaggle: KaggleServer, empty: Workspace
) -> None:
    path = save("credentials.json", oauth_file(WRONG))
    contents = path.read_text()
    for _ in range(2):  # not the sample the second time either
        assert WHERE in fail(kaggle, empty, {})
    assert path.read_text() == contents


def test_logging_in_ends_even_if_kaggle_never_answers(
    kaggle: KaggleServer, empty: Workspace
) -> None:
    kaggle.misbehave("IntrospectToken", "hang", times=None)
    start = monotonic()
    done = command(kaggle, empty, "download", patience=0.5)
    assert monotonic() - start < 10
    assert "Could not log in to Kaggle. Kaggle did not answer in time" in refused(done)


def test_a_busy_kaggle_is_asked_again_for_the_login(kaggle: KaggleServer, empty: Workspace) -> None:
    kaggle.misbehave("IntrospectToken", "status", status=503, retry_after="0")
    done = well(command(kaggle, empty, "leaderboard"))
    assert kaggle.calls("IntrospectToken") == 2
    assert "Trying again" in done
    assert_no_secret(kaggle, done)
