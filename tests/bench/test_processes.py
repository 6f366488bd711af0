"""A command is measured with all the processes that it starts."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digit_recognizer.bench import processes
from digit_recognizer.bench.processes import MemoryWatch, measure_command, memory_of_group
from digit_recognizer.workspace import ProjectError
from tests.processes import await_true, is_running

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(),
    reason="this system does not report the memory of several processes",
)
HOLDING = "import sys, time; held = b'x' * {size}; print('held', flush=True); sys.stdin.read()"
# A parent that holds 100 MB, and two children with 200 MB each.
FAMILY = f"""
import subprocess, sys
child = [sys.executable, "-c", {HOLDING.format(size=200_000_000)!r}]
children = [
    subprocess.Popen(child, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)
]
for child in children:
    child.stdout.readline()
{HOLDING.format(size=100_000_000)}
for child in children:
    child.communicate()
"""
# The same, which ends by itself.
BRIEF_FAMILY = FAMILY.replace("sys.stdin.read()\nfor", "time.sleep(0.5)\nfor")


def run_python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@needs_proc
def test_the_memory_of_a_group_is_that_of_all_its_processes() -> None:
    with subprocess.Popen(
        run_python(FAMILY),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as family:
        assert family.stdout
        family.stdout.readline()
        # And three Python interpreters.
        assert 500e6 < memory_of_group(family.pid) < 560e6
        family.communicate()
    assert memory_of_group(family.pid) == 0


@needs_proc
def test_shared_memory_counts_once(tmp_path: Path) -> None:
    mapped = tmp_path / "mapped"
    mapped.write_bytes(b"x" * 100_000_000)
    code = f"""
import mmap, os, sys
with open({str(mapped)!r}, "rb") as file:
    pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
assert pages.find(b"y") == -1
if sys.argv[1:]:
    print("mapped", flush=True)
else:
    import subprocess
    child = [sys.executable, *sys.orig_argv[1:], "child"]
    with subprocess.Popen(child, stdin=subprocess.PIPE) as started:
        sys.stdin.read()
sys.stdin.read()
"""
    with subprocess.Popen(
        run_python(code), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as family:
        assert family.stdout
        family.stdout.readline()
        assert 100e6 < memory_of_group(family.pid) < 140e6
        family.communicate()


@needs_proc
def test_the_highest_memory_of_a_command_includes_its_children() -> None:
    measured = measure_command(run_python(BRIEF_FAMILY), dict(os.environ))
    assert measured.memory > 500e6
    assert measured.memory_of == "all its processes together"
    assert 0.5 < measured.seconds < 60


def test_without_proc_only_the_largest_process_counts_and_the_result_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "memory_of_group", lambda group: 0)
    measured = measure_command(run_python(BRIEF_FAMILY), dict(os.environ))
    assert measured.memory > 200e6
    assert measured.memory_of == "only its largest process, because this system reports no more"


def test_a_command_that_fails_is_reported_with_its_output() -> None:
    with pytest.raises(ProjectError, match="measured command failed: no luck"):
        measure_command(run_python("import sys; sys.exit('no luck')"), dict(os.environ))


def test_an_interrupted_measurement_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    noted = tmp_path / "child"
    code = f"""
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
draft = pathlib.Path({str(tmp_path / "draft")!r})
draft.write_text(str(child.pid))
draft.rename({str(noted)!r})
time.sleep(600)
"""
    started = []

    def interrupt(process: int, options: int) -> None:
        started.append(process)
        while not noted.exists():
            time.sleep(0.05)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "wait4", interrupt)
    with pytest.raises(KeyboardInterrupt):
        measure_command(run_python(code), dict(os.environ))
    begun = [*started, int(noted.read_text())]
    await_true(lambda: not any(map(is_running, begun)), "they end", 10)


def test_the_watch_keeps_the_highest_value(monkeypatch: pytest.MonkeyPatch) -> None:
    held = [100, 300, 200]
    monkeypatch.setattr(processes, "_LOOK_EVERY", 0.001)
    monkeypatch.setattr(processes, "memory_of_group", lambda group: held.pop(0) if held else 0)
    with MemoryWatch(1) as watch:
        while held:
            time.sleep(0.01)
    assert watch.highest == 300
