"""Load the digits as arrays: from `data/*.csv` once, then from a cache beside them.

In: `data/train.csv`, `data/test.csv` and `data/source.json`. Out: `Digits`. What always holds: the
arrays are those of the very files that `source.json` describes; a file that was edited or half-
replaced since is refused, and a damaged cache is written again.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digit_recognizer.data.digit_csv import TEST_COLUMNS, TRAIN_COLUMNS, parse_digits
from digit_recognizer.workspace import (
    ProjectError,
    Workspace,
    read_json,
    sha256_of,
    write_file,
    write_json,
)

COMPETITION_ROWS = {"train.csv": 42_000, "test.csv": 28_000}


@dataclass(frozen=True)
class Digits:
    """Images (n, 28, 28) uint8, their labels where known, and a hash of both."""

    images: np.ndarray
    labels: np.ndarray | None
    fingerprint: str

    def __len__(self) -> int:
        return len(self.images)


def load_train(workspace: Workspace) -> Digits:
    return _load(workspace, "train.csv", TRAIN_COLUMNS)


def load_test(workspace: Workspace) -> Digits:
    return _load(workspace, "test.csv", TEST_COLUMNS)


def fingerprint_of(train: Digits, test: Digits) -> str:
    """Return the hash by which a run knows whether data are the ones it was trained on."""
    return sha256_of(f"{train.fingerprint} {test.fingerprint}".encode())


def read_source(workspace: Workspace) -> dict[str, Any]:
    """Return what `data/source.json` says of the files beside it."""
    source = find_source(workspace)
    if source is None:
        raise ProjectError(f"There is no data in {workspace.data} yet. Run `make download` first.")
    return source


def find_source(workspace: Workspace) -> dict[str, Any] | None:
    """Return the same, or None where there is no `source.json` that is whole."""
    match read_json(workspace.data / "source.json"):
        case {"source": str(), "files": {"train.csv": _, "test.csv": _}} as source:
            return dict(source)
    return None


def _load(workspace: Workspace, name: str, columns: tuple[str, ...]) -> Digits:
    promised = read_source(workspace)["files"][name]
    path = workspace.data / name
    if not path.exists():
        raise ProjectError(f"{path} is missing. Run `make download` again.")

    table, csv_sha256, fingerprint = _through_cache(path, columns, promised["sha256"])
    if csv_sha256 != promised["sha256"] or len(table) != promised["rows"]:
        raise ProjectError(
            f"{path} is not the file that was downloaded ({len(table):,} rows with sha256 "
            f"{csv_sha256[:12]}, expected {promised['rows']:,} rows with "
            f"{promised['sha256'][:12]}). Run `make download` again; to use changed data on "
            "purpose, put the files into a folder of their own and run "
            "`make download SOURCE=that/folder`."
        )
    labelled = columns[0] == "label"
    pixels = np.ascontiguousarray(table[:, 1:]) if labelled else table
    labels = np.ascontiguousarray(table[:, 0]) if labelled else None
    return Digits(pixels.reshape(-1, 28, 28), labels, fingerprint)


def _through_cache(
    path: Path, columns: tuple[str, ...], promised_sha256: str
) -> tuple[np.ndarray, str, str]:
    """Return the table, the CSV's sha256 and the table's, parsing only a file not seen before.

    Seen before means: same inode, size, modification and change times. The last of these cannot be
    set by a program, so an edit that puts the modification time back is noticed too. Every fact in
    the cache is held against another, so whatever is damaged there, the CSV is parsed again.
    """
    folder = path.parent / ".cache"
    cached_table, cached_facts = folder / f"{path.stem}.bin", folder / f"{path.stem}.json"
    status = path.stat()
    key = [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    facts = read_json(cached_facts)
    if isinstance(facts, dict) and cached_table.exists():
        contents = cached_table.read_bytes()
        fingerprint = sha256_of(contents)
        known = {"key": key, "csv_sha256": promised_sha256, "fingerprint": fingerprint}
        if facts == known:
            table = np.frombuffer(contents, np.uint8).reshape(-1, len(columns))
            return table, promised_sha256, fingerprint

    table, csv_sha256 = parse_digits(path, columns), sha256_of(path)
    contents = table.tobytes()
    fingerprint = sha256_of(contents)
    write_file(cached_table, contents)
    write_json(cached_facts, {"key": key, "csv_sha256": csv_sha256, "fingerprint": fingerprint})
    return table, csv_sha256, fingerprint
