"""Where files live, and how each is written completely or not at all.

In: paths and bytes. Out: files that are always either the old or the new version. What always
holds: nothing in this project writes a file under its final name other than through here.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from digit_recognizer.faults import fault_point

_CHUNK = 1 << 16
_TEMPORARY = re.compile(r"^\..+\.(\d+)\.tmp$")
# Where Kaggle's notebooks and scripts may write, and what is kept of them.
_NOTEBOOK_HOME = Path("/kaggle/working")


class ProjectError(Exception):
    """Something that the person at the keyboard can put right; its text says how."""


def first_line(error: BaseException) -> str:
    """Return what a library's error says in its first line, or its kind if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


@dataclass(frozen=True)
class Workspace:
    """The folder that holds `data/`, `runs/`, `reports/` and the rest of what commands write."""

    root: Path

    @classmethod
    def current(cls) -> "Workspace":
        """The folder that DIGIT_RECOGNIZER_HOME names, a notebook's own, or the project's."""
        elsewhere = os.environ.get("DIGIT_RECOGNIZER_HOME")
        if elsewhere:
            return cls(Path(elsewhere).resolve())
        # Inside a notebook the code may lie where nothing can be written.
        return cls(_NOTEBOOK_HOME if in_kaggle_notebook() else project_root())

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def submissions(self) -> Path:
        return self.root / "submissions"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def exports(self) -> Path:
        return self.root / "exports"

    @property
    def studies(self) -> Path:
        return self.root / "studies"

    @property
    def kernel(self) -> Path:
        return self.root / "kernel"

    def show(self, path: Path) -> str:
        """The path as a person in the workspace would type it."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def project_root() -> Path:
    return Path(__file__).resolve().parents[1]


def in_kaggle_notebook() -> bool:
    """Whether this runs in one of Kaggle's notebooks or scripts: they all set this variable."""
    return "KAGGLE_KERNEL_RUN_TYPE" in os.environ


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file to write; it takes the place of `path` only when the block ends well.

    The bytes go to a temporary file beside it, reach the disk (fsync), and only then get the
    name. The temporary's name carries our process id, so that a later command can tell
    what a killed process left behind from what a living one is still writing.
    """
    temporary = path.parent / f".{path.name}.{os.getpid()}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb", buffering=0) as file:
            yield file
            os.fsync(file.fileno())
        fault_point(f"rename {path.name}")
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise ProjectError(
            f"Cannot write {path}: {error.strerror or error}. No file was left half-written; "
            "free some space or mend the permissions, then run the same command again."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_file(path: Path, contents: bytes) -> None:
    view = memoryview(contents)
    with replacing(path) as file:
        for start in range(0, len(view), _CHUNK):
            write_all(file, view[start : start + _CHUNK])
            fault_point(f"write {path.name}", len(view[start : start + _CHUNK]))


def write_all(file: IO[bytes], chunk: memoryview | bytes) -> None:
    """Write every byte: a raw write may take fewer than it was given, as on a disk nearly full."""
    view = memoryview(chunk)
    while view:
        view = view[os.write(file.fileno(), view) :]


def write_json(path: Path, value: Any) -> None:
    write_file(
        path, (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    )


def read_json(path: Path) -> Any:
    """The file's value, or None where there is none that can be read."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def sha256_of(contents: Path | bytes | memoryview) -> str:
    if isinstance(contents, Path):
        with open(contents, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(contents).hexdigest()


def sweep_temporaries(folder: Path) -> None:
    """Delete what killed processes left half-written in `folder`."""
    for path in folder.glob(".*.tmp"):
        match = _TEMPORARY.match(path.name)
        if match and not is_alive(int(match[1])):
            path.unlink(missing_ok=True)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def require_writable(folder: Path) -> None:
    """Refuse at once, before hours of work, a folder in which nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe.{os.getpid()}.tmp"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise ProjectError(
            f"Cannot write in {folder}: {error.strerror}. Nothing was started; "
            "mend the folder's permissions and run the same command again."
        ) from error


@contextlib.contextmanager
def locked(lock: Path, guarded: Path) -> Iterator[None]:
    """Hold `guarded` for this process alone; a second command stops at once and names the holder.

    The lock on the file `lock` is the kernel's, so it dies with its holder however that ends.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = open(lock, "a+b", buffering=0)  # noqa: SIM115 - held for as long as the lock
    except OSError as error:
        raise ProjectError(f"Cannot write in {lock.parent}: {error.strerror}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().decode(errors="replace").strip() or "another process"
            raise ProjectError(
                f"{guarded} is in use by {holder}. Wait until it is done, or stop it first."
            ) from None
        command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
        holder = f"process {os.getpid()} ({command}), since {time.strftime('%H:%M:%S')}"
        try:
            file.truncate(0)
            write_all(file, holder.encode(errors="replace"))
        except OSError as error:
            raise ProjectError(f"Cannot write {lock}: {error.strerror}.") from error
        yield


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
