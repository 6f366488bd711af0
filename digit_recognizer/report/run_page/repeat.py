"""The command that makes the same run again.

In: a run's config, or an experiment. Out: what to type, or None where one line cannot say it. What
always holds: the command leads to the very same experiment, which is checked, or to none.
"""

import shlex

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.experiments.text import find_variation

_LONGEST_NAME = 64


def adopt_again(name: str, files: dict[str, dict[str, str]]) -> str:
    """Return the command that adopts these files under this name."""
    options = [f"{what.upper()}={shlex.quote(each['file'])}" for what, each in files.items()]
    return f"make adopt NAME={name} {' '.join(options)} FRESH=1"


def find_command(experiment: Experiment) -> str | None:
    if EXPERIMENTS.get(experiment.name) == experiment:
        return f"make train EXPERIMENTS={experiment.name}"
    name = experiment.name
    if name in EXPERIMENTS:
        name = f"{name[: _LONGEST_NAME - 6]}-again"
    found = find_variation(experiment, name)
    if not found:
        return None
    base, settings = found
    quoted = shlex.quote(name)
    return f'make train EXPERIMENTS={base} SET="{" ".join(settings)}" NAME={quoted}'


def means_another_today(experiment: Experiment) -> bool:
    """Whether the named experiment was changed since this was trained."""
    return experiment.name in EXPERIMENTS and EXPERIMENTS[experiment.name] != experiment
