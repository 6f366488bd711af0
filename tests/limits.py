"""Ways to take from a process what a healthy machine gives: room for files, root's rights."""

import contextlib
import ctypes
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let this process and those it starts write no file beyond `size` bytes: a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def heeding_permissions() -> Callable[[], None]:
    """Return a `preexec_fn` with which even root's commands heed file modes; skip where none is."""
    try:
        subprocess.run(["true"], preexec_fn=_heed_permissions, check=True)
    except subprocess.SubprocessError:
        pytest.skip("root's right to write everywhere cannot be dropped here")
    return _heed_permissions


def _heed_permissions() -> None:
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Put a file system of that size in the folder's place; the test is skipped without root."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
