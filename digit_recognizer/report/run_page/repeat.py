"""The command that trains the same again.

In: an experiment as it was resolved. Out: what to type, or None where one line cannot say it. What
always holds: the command leads to the very same experiment, which is checked, or to none.
"""

import re
import shlex
from typing import Any

from digit_recognizer.configuration import to_dict, vary
from digit_recognizer.experiments import EXPERIMENTS, Experiment
from digit_recognizer.report.run_page.record import flatten
from digit_recognizer.workspace import ProjectError

_LONGEST_NAME = 64


def find_command(experiment: Experiment) -> str | None:
    if EXPERIMENTS.get(experiment.name) == experiment:
        return f"make train EXPERIMENTS={experiment.name}"
    name = experiment.name
    if name in EXPERIMENTS:
        name = f"{name[: _LONGEST_NAME - 6]}-again"
    found = [
        (len(settings), base, settings)
        for base in EXPERIMENTS
        if (settings := _find_settings(EXPERIMENTS[base], experiment, name))
    ]
    if not found:
        return None
    _, base, settings = min(found, key=lambda each: each[0])
    quoted = shlex.quote(name)
    return f'make train EXPERIMENTS={base} SET="{" ".join(settings)}" NAME={quoted}'


def means_another_today(experiment: Experiment) -> bool:
    """Whether the named experiment was changed since this was trained."""
    return experiment.name in EXPERIMENTS and EXPERIMENTS[experiment.name] != experiment


def _find_settings(base: Experiment, wanted: Experiment, name: str) -> list[str]:
    """Return what SET must say to make the wanted experiment of the base; nothing if it cannot."""
    before, after = flatten(to_dict(base)), flatten(to_dict(wanted))
    settings = [
        f"{key}={_as_text(value)}"
        for key, value in after.items()
        if key != "name" and before.get(key) != value
    ]
    try:
        made = vary(base, settings, name)
    except ProjectError:  # another kind of network, or a value that SET cannot say
        return []
    same = flatten(to_dict(made)) | {"name": wanted.name} == after
    return settings if same and all(map(_is_plain, settings)) else []


def _is_plain(setting: str) -> bool:
    """Whether a shell and make leave it as it is."""
    return re.fullmatch(r"[\w.=,+-]+", setting, re.ASCII) is not None


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
