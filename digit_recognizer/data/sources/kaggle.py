"""The real thing, through the official client."""

from pathlib import Path

from digit_recognizer import kaggle_api
from digit_recognizer.data.sources.local import write_local


def write_kaggle(incoming: Path) -> None:
    archive = kaggle_api.download_competition(incoming)
    write_local(archive, incoming)
    archive.unlink()
