"""Find the credentials, and keep them out of what is printed.

In: the environment and the home folder. Out: the place, or None. What always holds: nothing is
sent; what is read serves only to be refused for its form, or blotted out.
"""

import base64
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

HOW_TO_GET = (
    "Make an API token at https://www.kaggle.com/settings and save it as ~/.kaggle/access_token "
    "(or kaggle.json)"
)
# A signed address is as good as a key; so is whatever follows the name of a login scheme.
_SECRET_PARTS = re.compile(r"(?<=\?)\S+|(?i:\b(?:bearer|basic)\s+)[^\s\"']+")
_SHORTEST_SECRET = 4


def find_credentials() -> str | None:
    """Return where the client would find credentials, in its own order, or None."""
    notebook_token = os.environ.get("KAGGLE_API_V1_TOKEN")
    if _is_in_notebook() and notebook_token and Path(notebook_token).exists():
        return "KAGGLE_API_V1_TOKEN"
    if os.environ.get("KAGGLE_API_TOKEN"):
        return "KAGGLE_API_TOKEN"
    home = Path.home() / ".kaggle"
    for path in (home / "access_token", home / "access_token.txt"):
        if path.exists():
            return str(path)
    if os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"):
        return "KAGGLE_USERNAME and KAGGLE_KEY"
    for path in (_config_folder(home) / "kaggle.json", home / "credentials.json"):
        if path.exists():
            return str(path)
    return None


def is_sendable(secret: str) -> bool:
    """Whether a secret can stand in a header at all: a pasted line break or quote cannot."""
    return bool(secret) and secret.isascii() and secret.isprintable() and " " not in secret


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return the text as one line without secrets, also where they come as a login header."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return " ".join(_SECRET_PARTS.sub("***", text).split())


def as_basic_header(username: str, key: str) -> str:
    """Return what a name and a key look like on the wire."""
    return base64.b64encode(f"{username}:{key}".encode()).decode()


def _is_in_notebook() -> bool:
    return "KAGGLE_KERNEL_RUN_TYPE" in os.environ and "KAGGLE_DATA_PROXY_URL" in os.environ


def _config_folder(home: Path) -> Path:
    """Return where the client looks for kaggle.json; tokens it looks for in `home` only."""
    if os.environ.get("KAGGLE_CONFIG_DIR"):
        return Path(os.environ["KAGGLE_CONFIG_DIR"])
    if sys.platform.startswith("linux") and not home.exists():
        return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle"
    return home
