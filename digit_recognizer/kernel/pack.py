"""Pack run folders into one archive.

In: the names of trained runs. Out: `runs.zip`. What always holds: the same runs give the same
bytes, and nothing is in there but the files that make up a run, of finished folds only.
"""

import io
import re
import zipfile
from pathlib import Path

from digit_recognizer.runs.folder import FOLD_FILES, Run, read_config
from digit_recognizer.workspace import ProjectError, Workspace, read_json, write_file

LATEST = "latest.json"
FOLD_MEMBERS = (*FOLD_FILES, "done.json")
_BASE = ("config.json", "folds.npy")
_SCORED = ("metrics.json", "oof.npy", "test.npy")  # not there yet where training was cut short
_NAME = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_MEMBER = re.compile(
    f"(?P<run>{_NAME})/(?:{'|'.join(map(re.escape, (*_BASE, *_SCORED)))}"
    rf"|fold-(?P<fold>0|[1-9][0-9]?)/(?:{'|'.join(map(re.escape, FOLD_MEMBERS))}))"
)

# The earliest moment that the format can express.
_MOMENT = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16
_UNIX = 3


def pack_runs(workspace: Workspace, names: list[str], target: Path) -> None:
    """Write those of the named runs that have a finished fold into `target`, if there is one."""
    members: dict[str, bytes] = {}
    runs = [
        Run(workspace.runs / name, config)
        for name in names
        if (config := read_config(workspace.runs / name))
    ]
    for run in runs:
        if run.finished_folds:
            members |= _members_of(run)
    if len(runs) == len(names) and all(run.is_complete for run in runs):
        latest = workspace.runs / LATEST
        if read_json(latest) is not None:
            members[LATEST] = latest.read_bytes()
    if not members:
        return
    # As they are: weights and probabilities hardly shrink, and zlib's bytes depend on its version.
    write_file(target, zip_members(members, packed=False))


def pack_folder(folder: Path, target: Path) -> None:
    """Write one run folder, with its finished folds, into `target`."""
    config = read_config(folder)
    if config is None:
        raise ProjectError(f"{folder} is no run folder: it has no config.json that can be read.")
    write_file(target, zip_members(_members_of(Run(folder, config)), packed=False))


def find_run(member: str) -> str | None:
    """Return the run that a member of such an archive belongs to; None for any other name."""
    match = _MEMBER.fullmatch(member)
    return match["run"] if match else None


def _members_of(run: Run) -> dict[str, bytes]:
    return {f"{run.name}/{name}": _read(run, name) for name in _list_files(run)}


def _list_files(run: Run) -> list[str]:
    return [
        *_BASE,
        *(name for name in _SCORED if (run.folder / name).exists()),
        *(
            f"fold-{fold}/{name}"
            for fold in run.finished_folds
            for name in (*run.fold_files, "done.json")
        ),
    ]


def _read(run: Run, name: str) -> bytes:
    try:
        return (run.folder / name).read_bytes()
    except OSError as error:
        raise ProjectError(f"{run.folder / name} cannot be read: {error.strerror}.") from error


def zip_members(members: dict[str, bytes], packed: bool) -> bytes:
    """Return an archive of the members, deflated or as they are.

    Its bytes depend on neither the clock, the file system nor the order of the members.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            member = zipfile.ZipInfo(name, _MOMENT)
            member.create_system = _UNIX
            member.external_attr = _PLAIN_FILE
            member.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            archive.writestr(member, members[name], compresslevel=9 if packed else None)
    return buffer.getvalue()
