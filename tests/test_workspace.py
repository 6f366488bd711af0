"""A file is the old one or the new one, whatever goes wrong while it is written."""

import contextlib
import errno
import itertools
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from digit_recognizer.faults import VARIABLE
from digit_recognizer.workspace import (
    ProjectError,
    Workspace,
    first_line,
    is_alive,
    locked,
    read_json,
    replacing,
    require_writable,
    sweep_temporaries,
    write_all,
    write_file,
    write_json,
)
from tests.commands import PROJECT
from tests.limits import heeding_permissions, largest_file, small_disk

OLD, NEW = b"old " * 1000, b"new " * 50_000  # the new one takes four writes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in a folder of its own, with its old contents."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file.bin").write_bytes(OLD)
    return folder / "file.bin"


def python(code: str, *arguments: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **options,  # type: ignore[call-overload]
    )


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextlib.contextmanager
def failing(
    monkeypatch: pytest.MonkeyPatch, operation: str, call: int, number: int
) -> Iterator[list[int]]:
    """Let one call of an operation of `os` fail, the first being number 1; yield all the calls."""
    real: Callable[..., object] = getattr(os, operation)
    calls: list[int] = []

    def fail_or_do(*arguments: object, **options: object) -> object:
        calls.append(len(calls) + 1)
        if len(calls) == call:
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, operation, fail_or_do)
        yield calls


def test_a_reader_finds_the_old_file_until_the_new_one_is_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = os.write, []

    def watched(descriptor: int, chunk: bytes) -> int:
        written = real(descriptor, chunk)
        seen.append(path.read_bytes())
        return written

    monkeypatch.setattr(os, "write", watched)
    write_file(path, NEW)
    assert len(seen) >= 4
    assert set(seen) == {OLD}
    assert path.read_bytes() == NEW


def test_a_file_is_on_the_disk_before_it_gets_its_name_and_so_is_the_name_after(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = []
    for operation in ("write", "fsync", "replace"):
        real = getattr(os, operation)

        def noted(*arguments: Any, operation: str = operation, real: Callable = real) -> object:
            if operation == "fsync":
                is_folder = stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
                events.append("fsync folder" if is_folder else "fsync file")
            else:
                events.append(operation)
            return real(*arguments)

        monkeypatch.setattr(os, operation, noted)
    write_file(path, b"short")
    assert events == ["write", "fsync file", "replace", "fsync folder"]


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        write_all(file, NEW)
        raise KeyboardInterrupt
    assert path.read_bytes() == OLD
    assert names_in(path.parent) == ["file.bin"]


def test_a_file_beyond_the_size_limit_leaves_the_old_one_and_names_the_path(path: Path) -> None:
    with largest_file(100_000), pytest.raises(ProjectError, match="File too large") as error:
        write_file(path, NEW)
    assert str(path) in str(error.value)
    assert path.read_bytes() == OLD
    assert names_in(path.parent) == ["file.bin"]


def test_a_full_disk_leaves_the_old_file_and_names_the_path(tmp_path: Path) -> None:
    path = tmp_path / "disk" / "file.bin"
    with small_disk(path.parent, "128k"):
        write_file(path, OLD)
        with pytest.raises(ProjectError, match="No space left on device") as error:
            write_file(path, NEW)
        assert str(path) in str(error.value)
        assert path.read_bytes() == OLD
        assert names_in(path.parent) == ["file.bin"]
        write_file(path, NEW[:50_000])
        assert path.read_bytes() == NEW[:50_000]


@pytest.mark.parametrize(
    ("operation", "number", "expected_calls"),
    [
        ("write", errno.ENOSPC, 4),
        ("write", errno.EIO, 4),
        ("fsync", errno.EIO, 2),
        ("replace", errno.EACCES, 1),
    ],
)
@pytest.mark.parametrize("before", [OLD, None], ids=["over an old file", "a new file"])
def test_whichever_step_fails_the_file_is_the_old_or_the_new_one(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    number: int,
    expected_calls: int,
    before: bytes | None,
) -> None:
    for call in itertools.count(1):
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)
        error = None
        with failing(monkeypatch, operation, call, number) as calls:
            try:
                write_file(path, NEW)
            except ProjectError as caught:
                error = caught
        if len(calls) < call:
            break
        assert str(path) in str(error)
        assert os.strerror(number) in str(error)
        assert (path.read_bytes() if path.exists() else None) in (before, NEW)
        assert names_in(path.parent) in ([], ["file.bin"]), "no temporary file is left"
        write_file(path, NEW)
        assert path.read_bytes() == NEW
    assert call == expected_calls + 1
    assert error is None
    assert path.read_bytes() == NEW


def test_a_write_that_takes_only_part_of_its_bytes_is_carried_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(
        os, "write", lambda descriptor, chunk: real(descriptor, chunk[: len(chunk) // 2 + 1])
    )
    write_file(path, NEW)
    assert path.read_bytes() == NEW


def test_a_missing_folder_is_made_and_one_that_cannot_be_is_named(path: Path) -> None:
    write_json(path.parent / "deep" / "er" / "value.json", {"name": "é"})
    assert read_json(path.parent / "deep" / "er" / "value.json") == {"name": "é"}
    with pytest.raises(ProjectError, match=r"Cannot write .*file\.bin/below"):
        write_file(path / "below", b"")


def dead_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_only_what_dead_processes_left_is_swept(tmp_path: Path) -> None:
    dead = dead_process()
    assert not is_alive(dead)
    names = {
        f".oof.npy.{dead}.tmp": False,
        f".oof.npy.{os.getpid()}.tmp": True,
        ".oof.npy.1.tmp": True,  # alive, though it may be another's
        ".mine.tmp": True,
        f"oof.npy.{dead}.tmp": True,
        "oof.npy": True,
    }
    for name in names:
        (tmp_path / name).write_bytes(b"")
    below = tmp_path / "below"
    below.mkdir()
    (below / f".x.{dead}.tmp").write_bytes(b"")
    sweep_temporaries(tmp_path)
    assert {name: (tmp_path / name).exists() for name in names} == names
    assert names_in(below), "folders below are swept by those who know them"
    sweep_temporaries(tmp_path / "missing")


HOLD = """
import sys, time
from pathlib import Path
from digit_recognizer.workspace import locked
with locked(Path(sys.argv[1]), Path("runs/mine")):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_names_its_holder_and_dies_with_it(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / ".mine.lock"
    holder = python(HOLD, str(lock))
    try:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(ProjectError, match=rf"runs/mine is in use by process {holder.pid} \(-c"),
            locked(lock, Path("runs/mine")),
        ):
            pytest.fail("the lock was given to two at once")
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with locked(lock, Path("runs/mine")):
            assert f"process {os.getpid()} (" in lock.read_text()
    finally:
        holder.kill()
        holder.communicate()


def test_a_lock_is_free_again_after_its_block(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "lock", tmp_path):
            pass


def test_a_lock_that_cannot_be_written_on_a_full_disk_is_named(tmp_path: Path) -> None:
    lock = tmp_path / ".mine.lock"
    with (
        largest_file(10),
        pytest.raises(ProjectError, match=r"Cannot write .*\.mine\.lock: File too large"),
        locked(lock, tmp_path),
    ):
        pytest.fail("a lock without its holder's name was given")
    with locked(lock, tmp_path):
        assert f"process {os.getpid()} (" in lock.read_text()


REQUIRE = """
import sys
from pathlib import Path
from digit_recognizer.workspace import ProjectError, require_writable
try:
    require_writable(Path(sys.argv[1]))
except ProjectError as error:
    print(error)
"""


def test_a_folder_without_write_permission_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir()
    folder.chmod(0o555)
    heed = heeding_permissions()
    for refused in (folder, folder / "below"):
        output, _ = python(REQUIRE, str(refused), preexec_fn=heed).communicate()
        assert output.startswith(f"Cannot write in {refused}: Permission denied."), output
    assert names_in(folder) == []


def test_a_writable_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    require_writable(tmp_path / "runs" / "new")
    assert names_in(tmp_path / "runs" / "new") == []


def test_a_file_in_the_folders_place_is_refused(path: Path) -> None:
    with pytest.raises(ProjectError, match="Cannot write in"):
        require_writable(path)


@pytest.mark.parametrize("contents", [b"", b"{", b'{"a": 1', b"\xff\xfe\x00", b"nothing"])
def test_json_that_is_damaged_reads_as_none(path: Path, contents: bytes) -> None:
    path.write_bytes(contents)
    assert read_json(path) is None


def test_json_that_is_missing_reads_as_none(path: Path) -> None:
    assert read_json(path.with_name("missing.json")) is None


def test_json_comes_back_as_it_was_written(path: Path) -> None:
    value = {"b": [1, 2.5, None], "a": {"ü": "x"}}
    write_json(path, value)
    assert read_json(path) == value == json.loads(path.read_text())


def test_paths_are_shown_as_a_person_in_the_workspace_types_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_RECOGNIZER_HOME", str(tmp_path / "here"))
    workspace = Workspace.current()
    assert workspace.root == tmp_path / "here"
    assert workspace.show(workspace.submissions / "submission.csv") == "submissions/submission.csv"
    assert workspace.show(tmp_path / "elsewhere") == str(tmp_path / "elsewhere")
    monkeypatch.delenv("DIGIT_RECOGNIZER_HOME")
    assert Workspace.current().root == PROJECT


PASS_POINTS = """
from digit_recognizer.faults import fault_point
for number in range(1, 6):
    print(number, flush=True)
    fault_point("write", 10)
    fault_point("epoch")
print("end")
"""


@pytest.mark.parametrize(
    ("fault", "last", "code"),
    [
        ("", "end", 0),
        ("epoch:3", "3", -signal.SIGKILL),
        ("epoch:6", "end", 0),
        ("write:1", "1", -signal.SIGKILL),
        ("write:10", "1", -signal.SIGKILL),
        ("write:11", "2", -signal.SIGKILL),
        ("*:12", "2", -signal.SIGKILL),
        ("other:1", "end", 0),
        ("epoch:2:SIGTERM", "2", -signal.SIGTERM),
    ],
)
def test_a_fault_strikes_when_its_point_was_passed_so_often(
    fault: str, last: str, code: int
) -> None:
    process = python(PASS_POINTS, env={**os.environ, VARIABLE: fault})
    output, _ = process.communicate(timeout=600)
    assert (output.split()[-1], process.returncode) == (last, code)


def test_of_an_error_the_first_line_is_told_or_its_kind() -> None:
    assert first_line(ValueError("\nno such shape\nat layer 3")) == "no such shape"
    assert first_line(ValueError("")) == first_line(ValueError("\n")) == "ValueError"
