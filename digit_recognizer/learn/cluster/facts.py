"""What caller and workers must have in common, so that a fold gives the same result.

In: nothing. Out: plain values. What always holds: they are those of the code that this process
runs, whatever was written over its files since.
"""

import hashlib
import platform
from functools import cache

from digit_recognizer.runs.environment import describe_environment
from digit_recognizer.workspace import project_root

Facts = dict[str, str]


@cache
def gather_facts() -> Facts:
    """Return the facts; called first when this process has just loaded its code."""
    environment = describe_environment(threads=1)
    libraries = environment["libraries"]
    return {
        "code": f"{_hash_code()} (commit {environment['commit'][:12]})",
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "keras": libraries.get("keras", "none"),
        # One library, whichever of its builds.
        "tensorflow": libraries.get("tensorflow") or libraries.get("tensorflow-cpu", "none"),
        "numpy": libraries.get("numpy", "none"),
        "keras_backend": environment["keras_backend"],
    }


def list_mismatches(worker: Facts, caller: Facts) -> list[str]:
    """Return what would make a fold come out otherwise, one phrase for each."""
    return [
        f"{name} {worker.get(name)} there, {value} here"
        for name, value in caller.items()
        if _essence(worker.get(name)) != _essence(value)
    ]


def _essence(value: str | None) -> str | None:
    """Drop the commit beside the hash: the same code may be of two commits."""
    return value and value.split(" (")[0]


def _hash_code() -> str:
    """Return a hash of the package's code, because a commit does not tell what was edited since."""
    package = project_root() / "digit_recognizer"
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
