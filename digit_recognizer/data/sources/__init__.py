"""Bring the competition's CSVs into `data/`, from wherever the person said.

In: a source's name or a path. Out: `data/train.csv`, `test.csv`, `sample_submission.csv`, perhaps
`solution.csv`, and `source.json`. What always holds: nothing gets its final name before it was read
from end to end and found right, and credentials that fail are an error.
"""

import contextlib
from pathlib import Path
from typing import Any

from rich.console import Console

from digit_recognizer.data.dataset import find_source
from digit_recognizer.data.sources.install import (
    describe_installed,
    incoming_folder,
    install,
    sweep_incoming,
)
from digit_recognizer.data.sources.kaggle import write_kaggle
from digit_recognizer.data.sources.local import write_local
from digit_recognizer.data.sources.mnist import write_mnist
from digit_recognizer.data.sources.mounted import find_mounted, input_folder
from digit_recognizer.data.sources.sample import write_sample
from digit_recognizer.kaggle_api import COMPETITION
from digit_recognizer.kaggle_api.credentials import find_credentials
from digit_recognizer.workspace import ProjectError, Workspace, locked

WRITERS = {"mnist": write_mnist, "sample": write_sample}

_NOBODY = Console(quiet=True)

SAMPLE_NOTICE = """\
------------------------------------------------------------------------------------
 No Kaggle credentials were found, so this works on the BUNDLED SAMPLE: 1,797 small
 handwritten digits. It shows the whole pipeline, but cannot be submitted to Kaggle.
 For the real data: make an API token at https://www.kaggle.com/settings, save it as
 ~/.kaggle/access_token (or kaggle.json), accept the competition's rules, and run
 `make download` again.
------------------------------------------------------------------------------------"""


def download(workspace: Workspace, requested: str, console: Console | None = None) -> str:
    """Make `data/` hold the requested source, and return what to tell the person.

    Progress is shown on the console, if there is one.
    """
    with locked(workspace.data / ".lock", workspace.data):
        sweep_incoming(workspace.data)
        source, origin = _resolve(requested)
        notice = SAMPLE_NOTICE + "\n" if requested == "auto" and source == "sample" else ""
        there = describe_installed(workspace)
        if requested == "auto" and not there:
            _refuse_to_replace_changed_data(workspace)
        # What the person once chose by name stays; only the stand-in gives way to the real thing.
        if there and requested == "auto" and there["source"] != "sample":
            return _summary(workspace, there, "already there, verified")
        if there and there["source"] == source and source != "path":
            return notice + _summary(workspace, there, "already there, verified")

        with incoming_folder(workspace.data) as incoming:
            origins: dict[str, str] = {}
            if origin:
                origins = write_local(origin, incoming)
            elif source == "kaggle":
                write_kaggle(incoming, workspace.data / ".download", console or _NOBODY)
            else:
                WRITERS[source](incoming)
            installed = install(workspace, incoming, source, origin, origins)
    return notice + _summary(workspace, installed, "verified")


def _refuse_to_replace_changed_data(workspace: Workspace) -> None:
    """Damaged or edited files that somebody chose by name must not give way to the sample."""
    promised = find_source(workspace)
    if promised and promised["source"] != "sample":
        chosen = promised["origin"] if promised["source"] == "path" else promised["source"]
        raise ProjectError(
            f"The files in {workspace.data} are not those that came from {chosen}: they were "
            f"edited or damaged since. Fetch them again with `make download SOURCE={chosen}`, or "
            "choose another source by name."
        )


def _resolve(requested: str) -> tuple[str, Path | None]:
    """Return the source that is meant, kaggle, a key of WRITERS or `path`, and where its files lie.

    Files that lie nowhere yet are the source's writer to bring.
    """
    if requested in ("auto", "kaggle"):
        mounted = find_mounted()
        if mounted and requested in ("auto", mounted.source):
            return mounted.source, mounted.folder
        if not find_credentials():
            _require_no_input_folder()
    if requested == "auto":
        return ("kaggle" if find_credentials() else "sample"), None
    if requested == "kaggle" or requested in WRITERS:
        return requested, None
    with contextlib.suppress(RuntimeError):  # ~name where nobody has that name
        path = Path(requested).expanduser()
        if requested and path.exists():
            return "path", path.resolve()
    raise ProjectError(
        f"SOURCE={requested} is neither a source (auto, kaggle, {', '.join(WRITERS)}) "
        "nor the path of a folder or zip file that exists."
    )


def _require_no_input_folder() -> None:
    """Where the competition should be mounted and is not, the sample is not what is wanted."""
    folder = input_folder()
    if folder:
        raise ProjectError(
            f"{folder} does not hold Kaggle's {COMPETITION} files. In a notebook, add "
            "the competition as an input; or choose a path, or the sample, as SOURCE."
        )


def _summary(workspace: Workspace, source: dict[str, Any], state: str) -> str:
    rows = {name: facts["rows"] for name, facts in source["files"].items()}
    origin = f" {source['origin']}" if source.get("origin") else ""
    return (
        f"{workspace.show(workspace.data)}/ holds {rows['train.csv']:,} labelled and "
        f"{rows['test.csv']:,} unlabelled digits ({state}; source: {source['source']}{origin})."
    )
