"""The only door to the `kaggle` package.

In: the person's credentials, wherever that client finds them. Out: the competition's archive. What
always holds: importing this module imports nothing of Kaggle's, because `import kaggle` itself
logs in, prints, and may end the process; and no message repeats a credential.
"""

import os
import sys
from pathlib import Path
from typing import Any

from digit_recognizer.workspace import ProjectError

COMPETITION = "digit-recognizer"
PAGE = f"https://www.kaggle.com/competitions/{COMPETITION}"


def find_credentials() -> str | None:
    """Return where the client would find credentials, or None. Nothing is read or sent."""
    for variable in ("KAGGLE_API_TOKEN", "KAGGLE_API_V1_TOKEN"):
        if os.environ.get(variable):
            return variable
    if os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"):
        return "KAGGLE_USERNAME and KAGGLE_KEY"
    home = Path.home() / ".kaggle"
    for path in (
        home / "access_token",
        home / "access_token.txt",
        _config_folder(home) / "kaggle.json",
        home / "credentials.json",
    ):
        if path.exists():
            return str(path)
    return None


def _config_folder(home: Path) -> Path:
    """Return where the client looks for kaggle.json; tokens it looks for in `home` only."""
    if os.environ.get("KAGGLE_CONFIG_DIR"):
        return Path(os.environ["KAGGLE_CONFIG_DIR"])
    if sys.platform.startswith("linux") and not home.exists():
        return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle"
    return home


def download_competition(folder: Path) -> Path:
    """Fetch the competition's zip into `folder` and return its path."""
    api = _log_in()
    import requests

    try:
        api.competition_download_files(COMPETITION, path=str(folder), quiet=False)
    except requests.RequestException as error:
        raise ProjectError(_explain(error)) from None
    return folder / f"{COMPETITION}.zip"


def _log_in() -> Any:
    found = find_credentials()
    if not found:
        raise ProjectError(
            "No Kaggle credentials were found. Make an API token at "
            "https://www.kaggle.com/settings, save it as ~/.kaggle/access_token (or kaggle.json), "
            "and run the same command again."
        )
    try:
        from kaggle.api.kaggle_api_extended import KaggleApi

        api = KaggleApi()
        api.authenticate()
    except (SystemExit, ValueError, OSError):  # the client ends the process on a bad token
        raise ProjectError(
            f"Kaggle's client could not log in with the credentials that it found ({found}): they "
            "are not valid, or Kaggle cannot be reached. A new token is made at "
            "https://www.kaggle.com/settings."
        ) from None
    return api


def _explain(error: Any) -> str:
    """Say what a failed call means, without its text: that may hold what was sent."""
    status = None if error.response is None else error.response.status_code
    if status == 401:
        return f"Kaggle refused the credentials ({find_credentials()}): make a new token (401)."
    if status == 403:
        return f"Kaggle refused (403). Accept the competition's rules at {PAGE}/rules, then retry."
    if status is None:
        return "Kaggle could not be reached. Check the network and run the same command again."
    return f"Kaggle answered with status {status}. Try again later."
