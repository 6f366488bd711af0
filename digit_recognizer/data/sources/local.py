"""The competition's files from a folder or a zip on this machine, as a browser saves them.

In: a path. Out: the expected files, unpacked, in the incoming folder. What always holds: only
files of the expected names come out, whatever an archive contains, and never more bytes than such
files can have.
"""

import contextlib
import gzip
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from digit_recognizer.data.sources.install import REQUIRED, SOLUTION
from digit_recognizer.workspace import ProjectError, write_all

# Eight times Kaggle's train.csv: room for larger data of the same shape, none for a zip bomb.
LARGEST_FILE = 600 << 20
_CHUNK = 1 << 20
_NAMES = (*REQUIRED, SOLUTION)
# What opening and reading damaged files has been seen to raise.
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


def write_local(path: Path, incoming: Path) -> dict[str, str]:
    """Unpack the files; return where each came from, as the person would name it."""
    if path.is_dir():
        return _copy_folder(path, incoming)
    if zipfile.is_zipfile(path):
        return _unpack_zip(path, incoming, _NAMES)
    raise ProjectError(
        f"{path} is neither a folder nor a zip archive that can be read. Expected the "
        "competition's digit-recognizer.zip, or a folder with what is in it."
    )


def _copy_folder(folder: Path, incoming: Path) -> dict[str, str]:
    origins: dict[str, str] = {}
    for name in _NAMES:
        # Kaggle serves single files as `train.csv.zip`; people keep them as `train.csv.gz`.
        for candidate in (folder / name, folder / f"{name}.zip", folder / f"{name}.gz"):
            if candidate.is_file():
                origins |= _unpack_file(candidate, name, incoming)
                break
    return origins


def _unpack_file(path: Path, name: str, incoming: Path) -> dict[str, str]:
    """Copy one file, unpacked by what it is, not by what it is called."""
    with reading_archive(path), open(path, "rb") as file:
        beginning = file.read(4)
    if beginning.startswith(b"PK\x03\x04"):
        return _unpack_zip(path, incoming, (name,))
    if beginning.startswith(b"\x1f\x8b"):
        _copy(path, name, incoming, lambda: gzip.open(path))  # noqa: SIM115 - _copy closes it
    else:
        _copy(path, name, incoming, lambda: open(path, "rb"))  # noqa: SIM115
    return {name: str(path)}


def _unpack_zip(path: Path, incoming: Path, names: tuple[str, ...]) -> dict[str, str]:
    origins = {}
    with reading_archive(path):
        archive = zipfile.ZipFile(path)
    with archive:
        for name in names:
            member = _find_member(path, archive, name)
            if member:
                _copy(path, name, incoming, lambda m=member: archive.open(m))  # type: ignore[misc]
                origins[name] = f"{member.filename} in {path}"
    return origins


def _find_member(path: Path, archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo | None:
    """Return the one member of that name, at the top or in one plain folder."""
    found = []
    for member in archive.infolist():
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if member.is_dir() or not parts or parts[-1] != name:
            continue
        if parts[0].startswith("/") or ".." in parts or ":" in parts[0]:
            raise ProjectError(
                f"{path} holds {member.filename!r}, which points out of the archive."
            )
        if len(parts) > 2:
            raise ProjectError(
                f"{path} holds {member.filename!r}; expected {name} at the top or in one folder."
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ProjectError(f"{path} holds {member.filename!r} as a link, not as a file.")
        if member.flag_bits & 1:
            raise ProjectError(f"{path} is encrypted; unpack it first.")
        found.append(member)
    if len(found) > 1:
        raise ProjectError(f"{path} holds {name} {len(found)} times.")
    return found[0] if found else None


def _copy(
    path: Path, name: str, incoming: Path, opener: Callable[[], IO[bytes] | gzip.GzipFile]
) -> None:
    total = 0
    with reading_archive(path):
        source = opener()
    with source, open(incoming / name, "wb", buffering=0) as target:
        while True:
            with reading_archive(path):
                chunk = source.read(_CHUNK)
            if not chunk:
                return
            total += len(chunk)
            if total > LARGEST_FILE:
                raise ProjectError(
                    f"{name} in {path} is larger than {LARGEST_FILE >> 20} MiB unpacked; "
                    "Kaggle's is 73 MiB. Refused."
                )
            write_all(target, chunk)


@contextlib.contextmanager
def reading_archive(path: Path) -> Iterator[None]:
    """Say that the source is at fault, not the disk that is written to, whatever reading raises."""
    try:
        yield
    except _UNREADABLE as error:
        raise ProjectError(
            f"{path} cannot be read or unpacked ({error}). Fetch it again."
        ) from error
