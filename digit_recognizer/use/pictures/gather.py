"""Read what a person names (files, folders, CSV rows) as 28x28 images.

In: paths of picture files, of folders with such files, of CSVs with rows of pixels. Out: `Seen` and
`Unread`, in order. What always holds: a file that cannot be read is reported and the others are
read; only one file at a time is in memory.
"""

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digit_recognizer.data.digit_csv import TEST_COLUMNS, TRAIN_COLUMNS, parse_digits
from digit_recognizer.use.pictures.cut_out import find_digit
from digit_recognizer.use.pictures.ink import shrink
from digit_recognizer.use.pictures.read import PictureError, read_picture
from digit_recognizer.workspace import ProjectError

# In a folder, only files with these endings are read; a file that is named may have any ending.
ENDINGS = ("png", "jpg", "jpeg", "webp", "avif", "gif", "tif", "tiff", "bmp", "pgm", "ppm", "pbm")
_LARGEST_FILE = 200_000_000  # bytes
_THUMBNAIL = 112  # pixels


@dataclass(frozen=True)
class Seen:
    """One digit."""

    name: str
    image: np.ndarray  # what the networks see
    original: np.ndarray  # a thumbnail, uint8
    others: int = 0  # other objects that may be digits, too
    label: int | None = None  # from a CSV with labels


@dataclass(frozen=True)
class Unread:
    name: str
    why: str


def gather(named: list[str]) -> Iterator[Seen | Unread]:
    for path in map(Path, _join_one_path(named)):
        path = path.expanduser()
        if path.is_dir():
            yield from _gather_folder(path)
        elif path.suffix.lower() == ".csv":
            yield from _read_rows(path)
        else:
            yield _read_one(path)


def _join_one_path(named: list[str]) -> list[str]:
    """Join the words if together they are an existing path, which the shell has split."""
    whole = " ".join(named)
    return [whole] if len(named) > 1 and Path(whole).expanduser().exists() else named


def _gather_folder(folder: Path) -> Iterator[Seen | Unread]:
    try:
        files = sorted(
            (each for each in folder.iterdir() if each.suffix.lower().lstrip(".") in ENDINGS),
            key=_count_numbers,
        )
    except OSError as error:
        yield Unread(str(folder), f"The folder cannot be read: {error.strerror}.")
        return
    if not files:
        yield Unread(str(folder), f"No file in the folder ends with .{', .'.join(ENDINGS)}.")
    for path in files:
        yield _read_one(path)


def _count_numbers(path: Path) -> list[tuple[int, str]]:
    """Sort 2.png before 10.png."""
    parts = re.split(r"([0-9]+)", path.name)
    return [(int(part), "") if part.isdecimal() else (0, part.casefold()) for part in parts]


def _require_file(path: Path) -> None:
    """Refuse named pipes and devices, which may never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise PictureError("It is not a file; it is a named pipe, a socket or a device.")


def _read_one(path: Path) -> Seen | Unread:
    try:
        _require_file(path)
        if path.stat().st_size > _LARGEST_FILE:
            raise PictureError(f"It has more than {_LARGEST_FILE // 10**6} MB.")
        grey = read_picture(path.read_bytes())
        found = find_digit(grey)
    except PictureError as error:
        return Unread(str(path), str(error))
    except OSError as error:
        return Unread(str(path), f"It cannot be read: {error.strerror}.")
    original = np.clip(np.round(shrink(grey, _THUMBNAIL)), 0, 255).astype(np.uint8)
    return Seen(str(path), found.image, original, found.others)


def _read_rows(path: Path) -> Iterator[Seen | Unread]:
    """Read rows of the competition's files; rows are counted from 1, as ImageId is."""
    try:
        _require_file(path)
        with open(path, "rb") as file:
            labelled = b"label" in file.readline(100)
        table = parse_digits(path, TRAIN_COLUMNS if labelled else TEST_COLUMNS)
    except OSError as error:
        yield Unread(str(path), f"It cannot be read: {error.strerror}.")
        return
    except (ProjectError, PictureError) as error:
        yield Unread(str(path), str(error))
        return
    images = table[:, -784:].reshape(-1, 28, 28)
    for row, image in enumerate(images):
        label = int(table[row, 0]) if labelled else None
        # People expect white paper in pictures.
        yield Seen(f"{path} row {row + 1}", image, 255 - image, label=label)
