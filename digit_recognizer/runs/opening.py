"""Decide whether a run folder can be resumed.

In: an experiment, the data's hash, folds, the environment. Out: the run, new or to be resumed.
What always holds: one folder never holds folds of different experiments or data.
"""

import shutil
from typing import Any

import numpy as np

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.text import from_dict, to_dict
from digit_recognizer.runs.folder import Run, array_bytes, load_array, read_config
from digit_recognizer.workspace import (
    ProjectError,
    Workspace,
    sweep_temporaries,
    write_file,
    write_json,
)


def start_run(
    workspace: Workspace,
    experiment: Experiment,
    data_fingerprint: str,
    folds: np.ndarray,
    environment: dict[str, Any],
    fresh: bool,
) -> tuple[Run, list[str]]:
    """Open or make the run folder; return it and what differs in code, libraries or threads.

    The caller holds the folder's lock. A folder of another experiment or of other data is refused
    with the differences, unless it is to be started over.
    """
    folder = workspace.runs / experiment.name
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    wanted = {"experiment": to_dict(experiment), "data": data_fingerprint}
    config = read_config(folder)
    if config is None:
        if any(folder.glob("fold-*/done.json")):
            raise ProjectError(
                f"{folder} has finished folds, but its config.json cannot be read, so "
                "their experiment is unknown. Put it back, or add FRESH=1 to start the run over."
            )
        shutil.rmtree(folder, ignore_errors=True)
        config = {**wanted, "environment": environment}
        write_file(folder / "folds.npy", array_bytes(folds))
        write_json(folder / "config.json", config)
        return Run(folder, config), []
    known = {"experiment": _with_new_defaults(config["experiment"]), "data": config["data"]}
    differences = list_differences(known, wanted)
    if differences:
        raise ProjectError(
            f"{folder} was trained with something else:\n  " + "\n  ".join(differences) + "\n"
            "Add FRESH=1 to start it over, or keep it and give the new one a NAME of its own."
        )
    for path in (folder, *folder.glob("fold-*")):
        sweep_temporaries(path)
    if not (folder / "folds.npy").exists() or not np.array_equal(
        load_array(folder / "folds.npy"), folds
    ):
        raise ProjectError(
            f"{folder}/folds.npy is not the division that this experiment and data lead to. "
            "Add FRESH=1 to start it over."
        )
    run = Run(folder, config)
    for fold in range(experiment.folds):
        checkpoint = run.checkpoint_path(fold)
        # A command may have been killed between the fold's end and this.
        if checkpoint.exists() and run.is_finished(fold):
            checkpoint.unlink()
    return run, list_differences(config["environment"], environment)


def _with_new_defaults(values: Any) -> Any:
    """Return an older version's configuration with what it could not say yet: the defaults."""
    try:
        return to_dict(from_dict(values))
    except ProjectError:
        return values


def list_differences(before: Any, after: Any, key: str = "") -> list[str]:
    """Return a line for each value that is not the same in two nested dictionaries."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            line
            for name in sorted(before.keys() | after.keys())
            for line in list_differences(
                before.get(name), after.get(name), f"{key}.{name}" if key else name
            )
        ]
    if before == after:
        return []
    return [f"{key}: {_shorten(before)} there, {_shorten(after)} now"]


def _shorten(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:12]}..."
