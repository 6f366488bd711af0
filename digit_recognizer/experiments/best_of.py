"""The best trial of a study, as an experiment like any other.

In: a study's name. Out: `studies/<study>/best.json`, and the experiment `best-of-<study>` from it.
What always holds: reading it needs neither the study's storage nor Optuna.
"""

import re
from dataclasses import replace
from pathlib import Path

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.text import from_dict, to_dict
from digit_recognizer.workspace import ProjectError, Workspace, read_json, write_json

_PREFIX = "best-of-"


def name_best(study: str) -> str:
    return _PREFIX + study


def require_study_name(study: str) -> None:
    # With the prefix and a seed behind it, it is still the name of a run.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", study):
        raise ProjectError(f"STUDY={study}: expected up to 40 letters, digits, '-' and '_'.")


def study_folder(workspace: Workspace, study: str) -> Path:
    return workspace.studies / study


def save_best(workspace: Workspace, study: str, trial: int, experiment: Experiment) -> None:
    best = replace(experiment, name=name_best(study))
    write_json(_path(workspace, study), {"trial": trial, "experiment": to_dict(best)})


def find_best(workspace: Workspace, name: str) -> Experiment | None:
    """Return the experiment `best-of-<study>`, or None where no study has one of that name."""
    path = _path(workspace, name.removeprefix(_PREFIX))
    if not name.startswith(_PREFIX) or not path.exists():
        return None
    match read_json(path):
        case {"trial": int(), "experiment": dict(values)} if values.get("name") == name:
            return from_dict(values)
    raise ProjectError(
        f"{path} cannot be read, so {name} is unknown. The same `make tune` as before "
        "writes it again."
    )


def _path(workspace: Workspace, study: str) -> Path:
    return study_folder(workspace, study) / "best.json"
