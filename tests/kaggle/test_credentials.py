"""Kaggle's credentials are found wherever its client looks for them, and are not repeated."""

import sys
from pathlib import Path

import pytest

from digit_recognizer.kaggle_api.credentials import find_credentials

CREDENTIAL_FILES = ("access_token", "access_token.txt", "kaggle.json", "credentials.json")


@pytest.mark.parametrize("name", CREDENTIAL_FILES)
def test_each_file_of_credentials_is_found(name: str) -> None:
    assert find_credentials() is None
    path = Path.home() / ".kaggle" / name
    path.parent.mkdir()
    assert find_credentials() is None
    path.write_text("{}")
    assert find_credentials() == str(path)


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"KAGGLE_API_TOKEN": "t0ken"}, "KAGGLE_API_TOKEN"),
        ({"KAGGLE_API_V1_TOKEN": __file__}, None),  # only a notebook's
        (
            {
                "KAGGLE_API_V1_TOKEN": __file__,
                "KAGGLE_KERNEL_RUN_TYPE": "Batch",
                "KAGGLE_DATA_PROXY_URL": "https://x",
            },
            "KAGGLE_API_V1_TOKEN",
        ),
        ({"KAGGLE_USERNAME": "me", "KAGGLE_KEY": "t0ken"}, "KAGGLE_USERNAME and KAGGLE_KEY"),
        ({"KAGGLE_USERNAME": "me"}, None),
        ({"KAGGLE_KEY": "t0ken"}, None),
        ({"KAGGLE_API_TOKEN": ""}, None),
        ({"KAGGLE_USERNAME": "", "KAGGLE_KEY": "t0ken"}, None),
        ({"KAGGLE_CONFIG_DIR": "/no/such/folder"}, None),
    ],
)
def test_credentials_in_the_environment_are_found_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], found: str | None
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert find_credentials() == found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the client does so on Linux only")
def test_the_clients_folder_follows_xdg_where_there_is_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    (tmp_path / "xdg/kaggle").mkdir(parents=True)
    (tmp_path / "xdg/kaggle/kaggle.json").write_text("{}")
    assert find_credentials() == str(tmp_path / "xdg/kaggle/kaggle.json")
    (Path.home() / ".kaggle").mkdir()
    assert find_credentials() is None


def test_the_clients_folder_can_be_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(elsewhere))
    assert find_credentials() is None
    (elsewhere / "kaggle.json").write_text("{}")
    assert find_credentials() == str(elsewhere / "kaggle.json")
