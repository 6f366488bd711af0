"""What a result depends on besides its configuration: code, libraries, machine.

In: nothing. Out: plain values that go on record with every run. Nothing here is compared strictly:
a difference is worth a warning, not a refusal.
"""

import os
import platform
import subprocess
from importlib import metadata
from typing import Any

from digit_recognizer.workspace import project_root

_LIBRARIES = ("keras", "tensorflow", "tensorflow-cpu", "numpy", "scikit-learn", "joblib")


def current_commit() -> str:
    """Return the project's commit, with a plus where files were changed since; or "none"."""
    changed = "+" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return (_git("rev-parse", "HEAD") or "none") + changed


def describe_environment(threads: int) -> dict[str, Any]:
    return {
        "commit": current_commit(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "libraries": {name: version for name in _LIBRARIES if (version := _version(name))},
        "keras_backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "threads": threads,
    }


def available_cores() -> int:
    """Return how many cores this process may use, which a container may limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
