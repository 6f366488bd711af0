"""The files of a source: packed, damaged, and as they must then lie in `data/`, or not at all."""

import sys
import zipfile
from pathlib import Path

import pytest

from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.data.sources import download
from digit_recognizer.workspace import ProjectError, Workspace
from tests.conftest import TEST_ROWS, TRAIN_ROWS

# The package offers the function of that name in the module's place.
INSTALL = sys.modules["digit_recognizer.data.sources.install"]
FILES = ("train.csv", "test.csv", "sample_submission.csv", "solution.csv")
METHODS = {
    "deflated": zipfile.ZIP_DEFLATED,
    "stored": zipfile.ZIP_STORED,
    "bzip2": zipfile.ZIP_BZIP2,
    "LZMA": zipfile.ZIP_LZMA,
}


def contents_of(data: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(data)): path.read_bytes()
        for path in sorted(data.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def assert_refused(workspace: Workspace, source: str | Path) -> str:
    """The source is refused with one message, and `data/` is byte for byte what it was."""
    before = contents_of(workspace.data)
    with pytest.raises(ProjectError) as caught:
        download(workspace, str(source))
    assert contents_of(workspace.data) == before
    assert not list(workspace.data.glob(".incoming-*"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def assert_tiny(workspace: Workspace, source: Path) -> None:
    """`data/` holds the tiny source's files, and nothing else."""
    installed = {name for name in contents_of(workspace.data) if not name.startswith(".cache")}
    assert installed == {*FILES, "source.json"}
    for name in FILES:
        assert (workspace.data / name).read_bytes() == (source / name).read_bytes()
    assert len(load_train(workspace)) == TRAIN_ROWS
    assert len(load_test(workspace)) == TEST_ROWS


def pack(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, contents in members.items():
            archive.writestr(name, contents)
    return path


def members_of(folder: Path, prefix: str = "") -> dict[str, bytes]:
    return {prefix + name: (folder / name).read_bytes() for name in FILES}


def drop_rows(path: Path, count: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-count]))
