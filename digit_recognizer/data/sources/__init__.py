"""Bring the competition's CSVs into `data/`, from wherever the person said.

In: a source's name or a path. Out: `data/train.csv`, `test.csv`, `sample_submission.csv`, perhaps
`solution.csv`, and `source.json`. What always holds: nothing gets its final name before it was
read from end to end and found right, and credentials that fail are never papered over.
"""

import contextlib
from pathlib import Path
from typing import Any

from digit_recognizer import kaggle_api
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
from digit_recognizer.data.sources.sample import write_sample
from digit_recognizer.workspace import ProjectError, Workspace, locked

WRITERS = {"kaggle": write_kaggle, "mnist": write_mnist, "sample": write_sample}

SAMPLE_NOTICE = """\
------------------------------------------------------------------------------------
 No Kaggle credentials were found, so this works on the BUNDLED SAMPLE: 1,797 small
 handwritten digits. It shows the whole pipeline, but cannot be submitted to Kaggle.
 For the real data: make an API token at https://www.kaggle.com/settings, save it as
 ~/.kaggle/access_token (or kaggle.json), accept the competition's rules, and run
 `make download` again.
------------------------------------------------------------------------------------"""


def download(workspace: Workspace, requested: str) -> str:
    """Make `data/` hold the requested source, and return what to tell the person."""
    with locked(workspace.data / ".lock", workspace.data):
        sweep_incoming(workspace.data)
        source = _resolve(requested)
        notice = SAMPLE_NOTICE + "\n" if requested == "auto" and source == "sample" else ""
        there = describe_installed(workspace)
        if requested == "auto" and not there:
            _refuse_to_replace_changed_data(workspace)
        # What the person once chose by name stays; only the stand-in gives way to the real thing.
        if there and requested == "auto" and there["source"] != "sample":
            return _summary(workspace, there, "already there, verified")
        if there and there["source"] == source and source != "path":
            return notice + _summary(workspace, there, "already there, verified")

        origin = Path(requested).expanduser().resolve() if source == "path" else None
        with incoming_folder(workspace.data) as incoming:
            if origin:
                write_local(origin, incoming)
            else:
                WRITERS[source](incoming)
            installed = install(workspace, incoming, source, origin)
    return notice + _summary(workspace, installed, "verified")


def _refuse_to_replace_changed_data(workspace: Workspace) -> None:
    """Damaged or edited files that somebody chose by name must not give way to the sample."""
    promised = find_source(workspace)
    if promised and promised["source"] != "sample":
        chosen = promised.get("origin") or promised["source"]
        raise ProjectError(
            f"The files in {workspace.data} are not those that came from {chosen}: they were "
            f"edited or damaged since. Fetch them again with `make download SOURCE={chosen}`, or "
            "choose another source by name."
        )


def _resolve(requested: str) -> str:
    """Return the source that is meant: a key of WRITERS, or `path`."""
    if requested == "auto":
        return "kaggle" if kaggle_api.find_credentials() else "sample"
    if requested in WRITERS:
        return requested
    with contextlib.suppress(RuntimeError):  # ~name where nobody has that name
        if requested and Path(requested).expanduser().exists():
            return "path"
    raise ProjectError(
        f"SOURCE={requested} is neither a source (auto, {', '.join(sorted(WRITERS))}) "
        "nor the path of a folder or zip file that exists."
    )


def _summary(workspace: Workspace, source: dict[str, Any], state: str) -> str:
    rows = {name: facts["rows"] for name, facts in source["files"].items()}
    origin = f" {source['origin']}" if source.get("origin") else ""
    return (
        f"{workspace.show(workspace.data)}/ holds {rows['train.csv']:,} labelled and "
        f"{rows['test.csv']:,} unlabelled digits ({state}; source: {source['source']}{origin})."
    )
