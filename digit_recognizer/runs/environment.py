"""What a result depends on besides its experiment: code, libraries, machine.

In: nothing. Out: plain values that go on record with every run. Nothing here is compared strictly:
a difference is worth a warning, not a refusal.
"""

import contextlib
import importlib.util
import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from digit_recognizer.workspace import ProjectError, project_root

# Stands beside a copy of the package that was made from a checkout, and names that one's commit.
COMMIT_FILE = "COMMIT"
# The version that requirements.txt pins, and the oldest with which the code was seen to work.
_KERAS, _OLDEST_KERAS = (3, 15, 1), (3, 5)
_LIBRARIES = ("keras", "tensorflow", "tensorflow-cpu", "numpy", "scikit-learn", "joblib")
_LIBRARIES_OF_JAX = ("jax", "jaxlib")


def current_commit() -> str:
    """Return the project's commit, with a plus where files were changed since; or "none"."""
    # First, because a copy may well lie inside a checkout of something else.
    with contextlib.suppress(OSError):
        return (project_root() / COMMIT_FILE).read_text().strip()
    changed = "+" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return (_git("rev-parse", "HEAD") or "none") + changed


def name_backend(backend: str | None) -> str:
    """Return Keras's backend: this one, or where none is given the one that this process has."""
    return backend or os.environ.get("KERAS_BACKEND", "tensorflow")


def describe_environment(threads: int, backend: str | None = None) -> dict[str, Any]:
    """Return what goes on record; `backend` is Keras's, where it is not this process's own."""
    backend = name_backend(backend)
    libraries = [*_LIBRARIES, *(_LIBRARIES_OF_JAX if backend == "jax" else ())]
    return {
        "commit": current_commit(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "libraries": {name: version for name in libraries if (version := _version(name))},
        "keras_backend": backend,
        "threads": threads,
    }


def available_cores() -> int:
    """Return how many cores this process may use, which a container may limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def physical_memory() -> int:
    """Return the machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def has_graphics_card() -> bool:
    """Whether there is an NVIDIA card, as far as that shows without loading JAX or TensorFlow."""
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/dxg").exists()  # dxg: in WSL


def has_jax_for_cards() -> bool:
    """Whether JAX's part for NVIDIA cards is installed."""
    return any(importlib.util.find_spec(f"jax_cuda{version}_plugin") for version in (12, 13))


def find_older_keras() -> str | None:
    """Return Keras's version if it is older than the pinned one, as on Kaggle; None if it is not.

    One with which nothing works is refused.
    """
    found = _version("keras") or "0"
    version = tuple(int(part) for part in re.findall(r"\d+", found)[:3])
    if version < _OLDEST_KERAS:
        raise ProjectError(
            f"Keras {found} is installed; expected {_as_text(_OLDEST_KERAS)} or later, best "
            f"{_as_text(_KERAS)}, which `make setup` installs."
        )
    return found if version < _KERAS else None


def warn_of_old_keras() -> str | None:
    """Return what to tell of an older Keras, or None where there is nothing to tell."""
    older = find_older_keras()
    return older and (
        f"Keras {older} is older than {_as_text(_KERAS)}, for which this was written and measured: "
        "figures may differ. Never load weights there that somebody else made, since Keras ran "
        "code from such files."
    )


def _as_text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    """Return what git says of the project, or None where it is no checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", str(project_root()), *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
