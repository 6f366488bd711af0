"""The competition's files from a folder or a zip on this machine, as a browser saves them.

In: a path. Out: the expected files, unpacked, in the incoming folder. What always holds: only
files of the expected names come out, whatever an archive contains, and never more bytes than such
files can have.
"""

import gzip
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO

from digit_recognizer.data.sources.install import REQUIRED, SOLUTION
from digit_recognizer.workspace import ProjectError, write_all

# Eight times Kaggle's train.csv: room for larger data of the same shape, none for a zip bomb.
LARGEST_FILE = 600 << 20
_CHUNK = 1 << 20
_NAMES = (*REQUIRED, SOLUTION)


def write_local(path: Path, incoming: Path) -> None:
    if path.is_dir():
        _copy_folder(path, incoming)
    elif zipfile.is_zipfile(path):
        _unpack_zip(path, incoming)
    else:
        raise ProjectError(
            f"{path} is neither a folder nor a zip archive that can be read. Expected the "
            "competition's digit-recognizer.zip, or a folder with what is in it."
        )


def _copy_folder(folder: Path, incoming: Path) -> None:
    for name in _NAMES:
        # Kaggle serves single files as `train.csv.zip`; people keep them as `train.csv.gz`.
        for candidate in (folder / name, folder / f"{name}.zip", folder / f"{name}.gz"):
            if candidate.exists():
                _unpack_file(candidate, name, incoming)
                break


def _unpack_file(path: Path, name: str, incoming: Path) -> None:
    """Copy one file, unpacked by what it is, not by what it is called."""
    with open(path, "rb") as file:
        beginning = file.read(4)
    if beginning.startswith(b"PK\x03\x04"):
        _unpack_zip(path, incoming, only=name)
    elif beginning.startswith(b"\x1f\x8b"):
        _copy(path, name, incoming, lambda: gzip.open(path))
    else:
        _copy(path, name, incoming, lambda: open(path, "rb"))


def _unpack_zip(path: Path, incoming: Path, only: str | None = None) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in (only,) if only else _NAMES:
                member = _find_member(path, archive, name)
                if member:
                    _copy(path, name, incoming, lambda m=member: archive.open(m))  # type: ignore[misc]
    except zipfile.BadZipFile as error:
        raise ProjectError(f"{path} is a damaged zip archive ({error}). Fetch it again.") from error


def _find_member(path: Path, archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo | None:
    """Return the one member of that name, at the top or in one plain folder."""
    found = []
    for member in archive.infolist():
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if member.is_dir() or not parts or parts[-1] != name:
            continue
        if len(parts) > 2 or parts[0] in ("/", "..") or ":" in parts[0]:
            raise ProjectError(f"{path} holds {member.filename!r}, which points out of the archive.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ProjectError(f"{path} holds {member.filename!r} as a link, not as a file.")
        if member.flag_bits & 1:
            raise ProjectError(f"{path} is encrypted; unpack it first.")
        found.append(member)
    if len(found) > 1:
        raise ProjectError(f"{path} holds {name} {len(found)} times.")
    return found[0] if found else None


def _copy(path: Path, name: str, incoming: Path, opener: Callable[[], IO[bytes] | gzip.GzipFile]
) -> None:
    total = 0
    try:
        with opener() as source, open(incoming / name, "wb", buffering=0) as target:
            while chunk := source.read(_CHUNK):
                total += len(chunk)
                if total > LARGEST_FILE:
                    raise ProjectError(
                        f"{name} in {path} is larger than {LARGEST_FILE >> 20} MiB unpacked; "
                        "Kaggle's is 73 MiB. Refused."
                    )
                write_all(target, chunk)
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, NotImplementedError) as error:
        raise ProjectError(f"{name} in {path} cannot be unpacked ({error}). Fetch it again.") from error
