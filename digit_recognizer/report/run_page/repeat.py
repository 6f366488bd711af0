"""The command that trains the same run again.

In: an experiment as it was resolved. Out: what to type, or None where one line cannot say it. What
always holds: the command leads to the very same experiment, which is checked, or to none.
"""

import shlex

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.experiments.text import find_variation

_LONGEST_NAME = 64


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
