"""Download the competition's files with the official client.

In: credentials that the client finds. Out: the unpacked files in the incoming folder. What always
holds: a download that was cut short is kept for the next attempt, one that is not what it should
be is not.
"""

import shutil
from pathlib import Path

from rich.console import Console

from digit_recognizer.data.sources.local import write_local
from digit_recognizer.kaggle_api.client import connect
from digit_recognizer.kaggle_api.competition import download_competition
from digit_recognizer.workspace import ProjectError


def write_kaggle(incoming: Path, kept: Path, console: Console) -> None:
    """Fetch into the folder `kept`, unpack into `incoming`."""
    kept.mkdir(parents=True, exist_ok=True)
    archive = download_competition(connect(console), kept)
    try:
        write_local(archive, incoming)
    except ProjectError as error:
        raise ProjectError(
            f"What Kaggle sent is not the competition's archive, and was deleted. {error}"
        ) from None
    finally:
        shutil.rmtree(kept, ignore_errors=True)
