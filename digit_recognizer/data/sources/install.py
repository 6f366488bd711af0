"""Move incoming files into `data/`: checked completely, then renamed.

In: a folder in which a source has written its files. Out: the files in `data/` and, last of all,
`source.json`. What always holds: a process that is killed leaves either files that agree with
`source.json` or files that every later stage refuses.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from digit_recognizer.data.answers import read_answers
from digit_recognizer.data.dataset import COMPETITION_ROWS, find_source
from digit_recognizer.data.digit_csv import TEST_COLUMNS, TRAIN_COLUMNS, parse_digits
from digit_recognizer.faults import fault_point
from digit_recognizer.workspace import (
    ProjectError,
    Workspace,
    is_alive,
    sha256_of,
    sweep_temporaries,
    write_json,
)

REQUIRED = ("train.csv", "test.csv", "sample_submission.csv")
SOLUTION = "solution.csv"


@contextlib.contextmanager
def incoming_folder(parent: Path) -> Iterator[Path]:
    """A folder inside `data/` or `runs/`, so that renaming out of it never copies; then gone."""
    folder = parent / f".incoming-{os.getpid()}"
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        raise ProjectError(
            f"Cannot write {error.filename or folder}: {error.strerror or error}. "
            f"{parent} holds what it held before."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_incoming(parent: Path) -> None:
    """Delete the incoming folders of commands that were killed."""
    for folder in parent.glob(".incoming-*"):
        process = folder.name.rpartition("-")[2]
        is_running = process.isdigit() and int(process) != os.getpid() and is_alive(int(process))
        if not is_running:
            shutil.rmtree(folder, ignore_errors=True)
    for folder in (parent, parent / ".cache"):
        sweep_temporaries(folder)


def install(
    workspace: Workspace,
    incoming: Path,
    source: str,
    origin: Path | None,
    origins: dict[str, str],
) -> dict[str, Any]:
    """Check and move the files; errors call each by where it came from (`origins`)."""
    rows = _check(incoming, source, origins)
    description: dict[str, Any] = {
        "source": source,
        "origin": str(origin) if origin else None,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": {
            name: {
                "sha256": sha256_of(incoming / name),
                "bytes": (incoming / name).stat().st_size,
                "rows": count,
            }
            for name, count in rows.items()
        },
    }
    for name in rows:
        _reach_disk(incoming / name)
    for name, facts in description["files"].items():
        target = workspace.data / name
        # An equal file stays as it is, and with it the cache of what was parsed from it.
        if not (target.exists() and sha256_of(target) == facts["sha256"]):
            fault_point("install")
            os.replace(incoming / name, target)
    if SOLUTION not in rows:
        (workspace.data / SOLUTION).unlink(missing_ok=True)
    fault_point("install")
    write_json(workspace.data / "source.json", description)
    return description


def describe_installed(workspace: Workspace) -> dict[str, Any] | None:
    """Return `source.json` if every file that it names is there, byte for byte."""
    source = find_source(workspace)
    if source is None:
        return None
    for name, facts in source["files"].items():
        path = workspace.data / name
        if not path.exists() or sha256_of(path) != facts["sha256"]:
            return None
    return source


def _check(incoming: Path, source: str, origins: dict[str, str]) -> dict[str, int]:
    """Read every file from end to end; return the rows of each."""
    missing = [name for name in REQUIRED if not (incoming / name).exists()]
    if missing:
        raise ProjectError(
            f"The source lacks {', '.join(missing)}. Expected {', '.join(REQUIRED)}, "
            "as the competition's data page offers them."
        )
    rows = {
        name: len(parse_digits(incoming / name, columns, origins.get(name, name)))
        for name, columns in (("train.csv", TRAIN_COLUMNS), ("test.csv", TEST_COLUMNS))
    }
    # A path may hold other data of the same shape; but half of the competition's is a mistake.
    claims_competition = source == "kaggle" or any(
        rows[name] == count for name, count in COMPETITION_ROWS.items()
    )
    if claims_competition and rows != COMPETITION_ROWS:
        found = " and ".join(f"{count:,} rows in {name}" for name, count in rows.items())
        expected = " and ".join(f"{count:,}" for count in COMPETITION_ROWS.values())
        raise ProjectError(f"Found {found}; expected {expected}, as in Kaggle's files.")
    for name in ("sample_submission.csv", SOLUTION):
        if not (incoming / name).exists():
            continue
        ids, _ = read_answers(incoming / name, origins.get(name, name))
        if not np.array_equal(ids, np.arange(1, rows["test.csv"] + 1)):
            raise ProjectError(
                f"{origins.get(name, name)} has {len(ids):,} rows, with ImageId {ids[0]} to "
                f"{ids[-1]}; expected 1 to {rows['test.csv']:,} in order, one for each row of "
                "test.csv."
            )
        rows[name] = len(ids)
    return rows


def _reach_disk(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())
