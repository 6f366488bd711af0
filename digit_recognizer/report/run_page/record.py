"""A run's times, configuration and environment, from its files, and the command that repeats it.

In: a run. Out: rows of text and numbers; what to type, or None where one line cannot say it. What
always holds: a key that a file lacks shows as missing, nothing is assumed that older versions did
not write, and the command leads to the very same experiment, which is checked.
"""

import shlex
from dataclasses import dataclass
from typing import Any

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.experiments.text import find_variation, flatten, to_dict
from digit_recognizer.runs.folder import Run

_MISSING = "not on record"
_LONGEST_NAME = 64


@dataclass(frozen=True)
class FoldRecord:
    fold: int
    images: int
    errors: int
    seconds: float
    training_seconds: float
    images_trained: int
    precision: str
    threads: str
    device: str

    @property
    def accuracy(self) -> float:
        return 1 - self.errors / self.images

    @property
    def images_per_second(self) -> float:
        return self.images_trained / self.training_seconds if self.training_seconds else 0.0


def read_folds(run: Run, metrics: dict[str, Any]) -> list[FoldRecord]:
    folds = run.folds
    records = []
    for fold in metrics["finished_folds"]:
        facts = run.fold_facts(fold)
        environment = facts.get("environment", {})
        records.append(
            FoldRecord(
                fold=fold,
                images=int((folds == fold).sum()),
                errors=metrics["errors_per_fold"][str(fold)],
                seconds=facts["seconds"],
                training_seconds=facts["training_seconds"],
                images_trained=facts["images_trained"],
                precision=str(facts.get("precision", _MISSING)),
                threads=str(environment.get("threads", _MISSING)),
                device=str(facts.get("device", _MISSING)),
            )
        )
    return records


def read_experiment(run: Run) -> dict[str, str]:
    """Return every key of the resolved experiment, with a word on those that config.json lacks."""
    written = flatten(run.config["experiment"])
    return {
        key: as_text(value) + ("" if key in written else " (today's default; not in config.json)")
        for key, value in flatten(to_dict(run.experiment)).items()
    }


def read_environment(run: Run, finished: list[int]) -> dict[str, str]:
    """Return what the folds were trained in; where they differ, fold by fold."""
    of_folds = {fold: flatten(run.fold_facts(fold).get("environment")) for fold in finished}
    if not all(of_folds.values()):
        return {key: as_text(value) for key, value in flatten(run.config["environment"]).items()}
    keys = dict.fromkeys(key for environment in of_folds.values() for key in environment)
    return {
        key: _together({fold: each.get(key, _MISSING) for fold, each in of_folds.items()})
        for key in keys
    }


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


def as_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _together(values: dict[int, Any]) -> str:
    texts = {fold: as_text(value) for fold, value in values.items()}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"fold {fold}: {text}" for fold, text in texts.items())
