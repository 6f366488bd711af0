"""A study: its search space, the folds that judge it, its trials.

In: terms and a storage. Out: an Optuna study with exactly these terms, and its trials as plain
values. What always holds: a study never mixes data, folds, experiments or spaces; its first trial
is the original experiment.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.spaces import (
    Between,
    OneOf,
    Range,
    Space,
    Value,
    apply,
    describe_space,
    read_chosen,
)
from digit_recognizer.experiments.text import from_dict, to_dict
from digit_recognizer.faults import fault_point
from digit_recognizer.runs.opening import list_differences
from digit_recognizer.tune.pruning import make_pruner
from digit_recognizer.workspace import ProjectError

SAMPLERS = ("tpe", "random")


@dataclass(frozen=True)
class Terms:
    """What a study is about."""

    experiment: Experiment
    space: Space
    folds: tuple[int, ...]
    data: str  # its fingerprint
    sampler: str

    def as_json(self) -> dict[str, Any]:
        return {
            "experiment": to_dict(self.experiment),
            "space": describe_space(self.space),
            "folds": list(self.folds),
            "data": self.data,
            "sampler": self.sampler,
        }


@dataclass(frozen=True)
class Trial:
    """What is known of one trial."""

    number: int
    state: str  # "running", "done", "pruned", "failed", "waiting"
    chosen: dict[str, Value]
    is_original: bool  # the original experiment
    fold_errors: dict[int, int]  # of the folds that it finished
    errors: int | None  # of all folds; None unless it is done
    wrong: frozenset[int]  # rows of the training data that it got wrong in these folds
    passes: int
    seconds: float
    ended: float  # the time, for sorting; 0 while it runs
    note: str

    @property
    def counts(self) -> bool:
        """Whether it counts towards TRIALS."""
        return self.state in ("running", "done", "pruned")


def open_study(storage: Any, name: str, terms: Terms) -> Any:
    """Return the new or existing study; the caller holds the study's lock."""
    import optuna

    study = optuna.create_study(
        storage=storage,
        study_name=name,
        direction="minimize",
        pruner=make_pruner(),
        load_if_exists=True,
    )
    known = study.user_attrs.get("terms")
    if known is None:
        # Before the terms, so that a study with terms always has its first trial, even after a
        # kill.
        if not study.get_trials(deepcopy=False):
            own = _to_optuna(terms.space, read_chosen(terms.experiment, terms.space))
            study.enqueue_trial(own, user_attrs={"own": True})
        fault_point("study")
        study.set_user_attr("terms", terms.as_json())
        known = study.user_attrs["terms"]
    differences = list_differences(known, terms.as_json())
    if differences:
        raise ProjectError(
            f"The study {name} was started with other settings:\n  "
            + "\n  ".join(differences)
            + "\nChoose another STUDY name for the new settings, or use the old ones."
        )
    return study


def load_study(storage: Any, name: str) -> Any:
    import optuna

    try:
        study = optuna.load_study(storage=storage, study_name=name)
    except KeyError:
        study = None
    if study is None or "terms" not in study.user_attrs:
        raise ProjectError(
            f"There is no study {name!r} in this storage. `make tune EXPERIMENT=...` starts one."
        )
    return study


def read_terms(study: Any) -> Terms:
    known = study.user_attrs["terms"]
    return Terms(
        experiment=from_dict(known["experiment"]),
        space={key: _read_range(each) for key, each in known["space"].items()},
        folds=tuple(known["folds"]),
        data=known["data"],
        sampler=known["sampler"],
    )


def ask(study: Any, terms: Terms, holder: str) -> Any:
    """Return the next trial, marked as run by the holder; the caller holds the study's lock."""
    study.sampler = _make_sampler(terms, len(study.get_trials(deepcopy=False)))
    distributions = {key: _to_distribution(each) for key, each in terms.space.items()}
    trial = study.ask(distributions)
    fault_point("asked")
    trial.set_user_attr("seen", time.time())
    trial.set_user_attr("holder", holder)
    return trial


def read_trials(study: Any, terms: Terms) -> list[Trial]:
    return [_read_trial(each, terms) for each in study.get_trials(deepcopy=False)]


def read_choice(trial: Any, space: Space) -> dict[str, Value]:
    """Return the trial's values as an experiment has them, rounded to three digits."""
    chosen: dict[str, Value] = {}
    for key, value in trial.params.items():
        each = space[key]
        chosen[key] = (
            each.round(value) if isinstance(each, Between) else _labels_of(each)[str(value)]
        )
    return chosen


def find_best_trial(trials: list[Trial]) -> Trial | None:
    """Return the done trial with the fewest errors; of equal ones, the first."""
    done = [trial for trial in trials if trial.errors is not None]
    return min(done, key=lambda trial: (trial.errors, trial.number), default=None)


def find_original_trial(trials: list[Trial]) -> Trial | None:
    """Return the finished trial of the original experiment, if there is one."""
    return next((each for each in trials if each.is_original and each.errors is not None), None)


def build_experiment(terms: Terms, trial: Trial) -> Experiment:
    return apply(terms.experiment, trial.chosen)


def _read_trial(trial: Any, terms: Terms) -> Trial:
    states = {"COMPLETE": "done", "FAIL": "failed"}
    state = states.get(trial.state.name, trial.state.name.lower())
    attributes = trial.user_attrs
    wrong = {int(fold): rows for fold, rows in attributes.get("wrong", {}).items()}
    return Trial(
        number=trial.number,
        state=state,
        chosen=read_choice(trial, terms.space),
        is_original=bool(attributes.get("own")),
        fold_errors={fold: len(rows) for fold, rows in wrong.items()},
        errors=round(trial.value) if state == "done" else None,
        wrong=frozenset(row for rows in wrong.values() for row in rows),
        passes=attributes.get("passes", 0),
        seconds=attributes.get("seconds", 0.0),
        ended=trial.datetime_complete.timestamp() if trial.datetime_complete else 0.0,
        note=attributes.get("note", ""),
    )


def _make_sampler(terms: Terms, trials: int) -> Any:
    """Return a sampler whose draws depend only on the experiment's seed and the trials before.

    It is made again for each trial, so a killed study continues with the same draws, and parallel
    processes draw different values.
    """
    from optuna.samplers import RandomSampler, TPESampler

    seed = int(np.random.SeedSequence([terms.experiment.seed, trials]).generate_state(1)[0])
    if terms.sampler == "random":
        return RandomSampler(seed=seed)
    return TPESampler(seed=seed)


def _to_distribution(range_: Range) -> Any:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(range_, OneOf):
        return CategoricalDistribution(list(_labels_of(range_)))
    if range_.is_whole:
        return IntDistribution(int(range_.low), int(range_.high), log=range_.log, step=range_.step)
    return FloatDistribution(range_.low, range_.high, log=range_.log)


def _to_optuna(space: Space, chosen: dict[str, Value]) -> dict[str, Any]:
    return {
        key: format_value(value) if isinstance(space[key], OneOf) else value
        for key, value in chosen.items()
    }


def _labels_of(range_: OneOf) -> dict[str, Value]:
    """Return the values by their text, which Optuna stores because it cannot store lists."""
    return {format_value(value): value for value in range_.values}


def format_value(value: Value) -> str:
    """Return a value as the option SET takes it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def list_changes(chosen: dict[str, Value], original: dict[str, Value]) -> list[str]:
    """Return the values that differ from the original, with the last part of their names."""
    return [
        f"{key.rpartition('.')[2]}={format_value(value)}"
        for key, value in chosen.items()
        if value != original[key]
    ]


def _read_range(values: dict[str, Any]) -> Range:
    if "values" in values:
        return OneOf(
            tuple(tuple(each) if isinstance(each, list) else each for each in values["values"])
        )
    return Between(**values)


def study_lock(folder: Path) -> Path:
    return folder / "study.lock"
