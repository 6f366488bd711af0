"""Studies made by the real command on tiny data, and made-up ones without training."""

from typing import Any

import numpy as np

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.experiments.best_of import study_folder
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.experiments.spaces import find_space
from digit_recognizer.tune.storage import open_storage
from digit_recognizer.tune.study import (
    Terms,
    Trial,
    ask,
    load_study,
    open_study,
    read_terms,
    read_trials,
)
from digit_recognizer.workspace import Workspace

EXPERIMENT = EXPERIMENTS["dense-128-128"]
# This experiment's passes on the tiny data: 192 images in 3 epochs, for each of the two folds.
OWN_PASSES = 192 * 3 * 2
TUNE = ["--experiment", EXPERIMENT.name, "--study", "tiny"]


def read_study(workspace: Workspace, address: str | None = None) -> list[Trial]:
    folder = study_folder(workspace, "tiny")
    study = load_study(open_storage(address, folder), "tiny")
    return read_trials(study, read_terms(study))


def counted(trials: list[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.state in ("done", "pruned")]


def settle_terms(workspace: Workspace) -> Terms:
    data = fingerprint_of(load_train(workspace), load_test(workspace))
    return Terms(EXPERIMENT, find_space(EXPERIMENT), (0, 1), data, "tpe")


def begin_study(workspace: Workspace) -> tuple[Any, Terms]:
    terms = settle_terms(workspace)
    folder = study_folder(workspace, "tiny")
    (folder / "holders").mkdir(parents=True, exist_ok=True)
    return open_study(open_storage(None, folder), "tiny", terms), terms


def make_up_study(workspace: Workspace, trials: int = 12, seed: int = 0) -> Any:
    """Return a study whose trials have random errors; every fourth is pruned, one has diverged."""
    from optuna.trial import TrialState

    study, terms = begin_study(workspace)
    train = load_train(workspace)
    assert train.labels is not None
    folds = assign_folds(train.labels, EXPERIMENT.folds, EXPERIMENT.seed)
    draw = np.random.default_rng(seed)
    for number in range(trials):
        trial = ask(study, terms, "nobody")
        trial.set_user_attr("passes", OWN_PASSES // (2 if number % 4 == 3 else 1))
        trial.set_user_attr("seconds", 1.5)
        wrong = {
            fold: draw.choice(np.flatnonzero(folds == fold), draw.integers(2, 9), replace=False)
            for fold in terms.folds
        }
        if number % 4 == 3:
            trial.report(float(2 * len(wrong[0])), 2)
            note = {"note": "the training has <diverged> & is over"} if number == 3 else {}
            facts = {"wrong": {"0": wrong[0].tolist()}, **note}
            state, value = TrialState.PRUNED, None
        else:
            facts = {"wrong": {str(fold): rows.tolist() for fold, rows in wrong.items()}}
            state, value = TrialState.COMPLETE, float(sum(map(len, wrong.values())))
        for key, fact in facts.items():
            trial.set_user_attr(key, fact)
        study.tell(trial, value, state=state)
    return study
