"""Install runs that were trained elsewhere in `runs/`, as if they had been trained here.

In: `runs.zip`, as a kernel left it, or another clone's run folder. Out: run folders and
`latest.json`. What always holds: an archive is installed completely or not at all; nothing gets its
final name before every hash in it was found right; no fold that was trained here is lost unless the
person asked for that.
"""

import contextlib
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from digit_recognizer.data.sources.install import incoming_folder, sweep_incoming
from digit_recognizer.data.sources.local import reading_archive
from digit_recognizer.faults import fault_point
from digit_recognizer.kernel.pack import LATEST, find_run, pack_folder
from digit_recognizer.runs.folder import Run, load_array, read_config
from digit_recognizer.runs.opening import list_differences
from digit_recognizer.workspace import (
    ProjectError,
    Workspace,
    locked,
    read_json,
    require_writable,
    write_file,
    write_json,
)

# The largest network here has 18 MB with its optimizer: room for larger ones, none for a zip bomb.
LARGEST_FILE, LARGEST_ARCHIVE = 256 << 20, 4 << 30
_SAME = ("experiment", "data")
_HOW_TO = "Add FRESH=1 to replace it by the one from elsewhere."


def install_runs(workspace: Workspace, archive: Path, fresh: bool = False) -> list[str]:
    """Put the archive's runs in place; return their names."""
    require_writable(workspace.runs)
    sweep_incoming(workspace.runs)
    with incoming_folder(workspace.runs) as incoming:
        if archive.is_dir():
            packed = incoming / "runs.zip"
            pack_folder(archive, packed)
            names = _unpack(packed, incoming)
        else:
            names = _unpack(archive, incoming)
        if not names:
            raise ProjectError(f"{archive} holds no run.")
        for name in names:
            _check(archive, incoming / name)
        latest = _read_latest(incoming, names)
        with contextlib.ExitStack() as locks:
            for name in names:
                folder = workspace.runs / name
                locks.enter_context(locked(workspace.runs / f".{name}.lock", folder))
            for name in names:
                if not fresh:
                    _refuse_to_lose(workspace.runs / name, incoming / name)
            for name in names:
                _put_in_place(incoming, workspace.runs / name)
            if latest:
                write_json(workspace.runs / LATEST, latest)
    return names


def _unpack(path: Path, incoming: Path) -> list[str]:
    """Write the archive's files into `incoming`; return the runs' names."""
    with reading_archive(path):
        archive = zipfile.ZipFile(path)
    with archive:
        members = archive.infolist()
        _judge_members(path, members)
        for member in members:
            with reading_archive(path):
                contents = archive.read(member)  # never more than the size that was judged
            write_file(incoming / member.filename, contents)
    return sorted({run for member in members if (run := find_run(member.filename))})


def _judge_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive with anything in it that packing runs never puts there."""
    for member in members:
        if member.filename != LATEST and not find_run(member.filename):
            raise ProjectError(f"{path} holds {member.filename!r}, which is no part of a run.")
        if (member.external_attr >> 16) & 0o170000 not in (0, 0o100000):
            raise ProjectError(f"{path} holds {member.filename!r} as a link, not as a file.")
        if member.flag_bits & 1:
            raise ProjectError(f"{path} is encrypted.")
        if member.file_size > LARGEST_FILE:
            raise ProjectError(
                f"{member.filename} in {path} is larger than {LARGEST_FILE >> 20} MiB. Refused."
            )
    if sum(member.file_size for member in members) > LARGEST_ARCHIVE:
        raise ProjectError(f"{path} holds more than {LARGEST_ARCHIVE >> 30} GiB. Refused.")
    # Some file systems take capitals and small letters for the same.
    if len({member.filename.lower() for member in members}) < len(members):
        raise ProjectError(f"{path} holds a file twice.")


def _check(archive: Path, folder: Path) -> None:
    """Open the unpacked run as every later stage will; refuse what those would refuse."""
    run = _open(folder)
    if run is None or run.experiment.name != folder.name:
        raise ProjectError(f"{archive}: {folder.name}/config.json is not the one of that run.")
    brought = {path.name for path in folder.glob("fold-*")}
    finished = {f"fold-{fold}" for fold in run.finished_folds}
    if brought != finished or not finished:
        damaged = ", ".join(sorted(brought - finished)) or "every fold"
        raise ProjectError(
            f"{archive}: {damaged} of {folder.name} is missing or not as it was written. Fetch "
            "it again."
        )
    folds = run.folds
    is_whole = folds.ndim == 1 and set(np.unique(folds)) == set(range(run.experiment.folds))
    scored = {"oof.npy": run.load_oof, "test.npy": run.load_test} if run.is_complete else {}
    for name in ("oof.npy", "test.npy"):
        if (folder / name).exists():
            loaded = load_array(folder / name)
            is_whole = is_whole and name in scored and np.array_equal(loaded, scored[name]())
    if not is_whole:
        raise ProjectError(f"{archive}: the files of {folder.name} do not belong together.")


def _read_latest(incoming: Path, names: list[str]) -> dict[str, Any] | None:
    """Return what was trained last elsewhere, if all of that is here now."""
    match read_json(incoming / LATEST):
        case {"label": str(label), "names": [*latest]} if latest and set(latest) <= set(names):
            return {"label": label, "names": latest}
    return None


def _refuse_to_lose(old: Path, new: Path) -> None:
    """Refuse where the folder that is there is not wholly contained in the one that comes."""
    there, brought = _open(old), _open(new)
    assert brought
    if there is None:
        if any(old.glob("fold-*/done.json")):
            raise ProjectError(f"{old} has finished folds of an unknown experiment. {_HOW_TO}")
        return
    differences = list_differences(
        {key: there.config[key] for key in _SAME}, {key: brought.config[key] for key in _SAME}
    )
    if differences:
        raise ProjectError(
            f"{old} was trained with something else:\n  "
            + "\n  ".join(differences)
            + f"\n{_HOW_TO}"
        )
    lost = [fold for fold in there.finished_folds if _hashes(old, fold) != _hashes(new, fold)]
    if lost:
        shown = ", ".join(map(str, lost))
        raise ProjectError(f"{old} has other results of fold {shown}. {_HOW_TO}")


def _open(folder: Path) -> Run | None:
    config = read_config(folder)
    return Run(folder, config) if config else None


def _hashes(folder: Path, fold: int) -> Any:
    done = read_json(folder / f"fold-{fold}" / "done.json")
    return done and done["sha256"]


def _put_in_place(incoming: Path, folder: Path) -> None:
    if folder.exists():
        # Into the folder that goes at the end: a rename is over in a moment, a deletion is not.
        os.replace(folder, incoming / f".old-{folder.name}")
        fault_point("install run")
    os.replace(incoming / folder.name, folder)
    fault_point("install run")
