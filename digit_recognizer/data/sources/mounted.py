"""The competition's files where Kaggle mounts them in a notebook.

In: `/kaggle/input` inside a notebook, or the folder that DIGIT_RECOGNIZER_INPUT names, anywhere.
Out: the folder with the CSVs, and the source they count as; nothing is read or sent. What always
holds: `kaggle` is only what Kaggle mounted as the competition, that is one of two folders of the
real `/kaggle/input` inside a notebook. Whatever DIGIT_RECOGNIZER_INPUT leads to and whatever a
person attached as a dataset is a `path`, and may have other numbers of rows.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from digit_recognizer.data.sources.install import REQUIRED
from digit_recognizer.kaggle_api import COMPETITION
from digit_recognizer.workspace import ProjectError, in_kaggle_notebook

VARIABLE = "DIGIT_RECOGNIZER_INPUT"
_MOUNT = Path("/kaggle/input")
# Notebooks made lately have the second layout.
_COMPETITION_PLACES = (COMPETITION, f"competitions/{COMPETITION}")


@dataclass(frozen=True)
class Mounted:
    """A folder with the competition's files and what they count as: `kaggle` or `path`."""

    folder: Path
    source: str


def input_folder() -> Path | None:
    """Return where mounted files are looked for, or None where there is no such place."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser().resolve()
    return _MOUNT if in_kaggle_notebook() else None


def find_mounted() -> Mounted | None:
    """Return the competition's files under the input folder, or else a copy of them there."""
    folder = input_folder()
    if folder is None:
        return None
    for place in _COMPETITION_PLACES:
        if _holds_all(folder / place):
            return Mounted(folder / place, "path" if os.environ.get(VARIABLE) else "kaggle")
    copies = [path for path in _list_attached(folder) if _holds_all(path)]
    if len(copies) > 1:
        shown = ", ".join(map(str, copies))
        raise ProjectError(f"{shown} all hold the competition's files; name one as SOURCE.")
    return Mounted(copies[0], "path") if copies else None


def _list_attached(folder: Path) -> list[Path]:
    """Return what is in `folder` and in its folders, in an order that is always the same."""
    try:
        # The third is the one place where Kaggle mounts a dataset deeper: by its owner.
        found = {path for level in ("*", "*/*", "datasets/*/*") for path in folder.glob(level)}
        return sorted(found)
    except OSError as error:
        raise ProjectError(f"{folder} cannot be read: {error.strerror}.") from error


def _holds_all(folder: Path) -> bool:
    return all((folder / name).is_file() for name in REQUIRED)
