"""Run folders as training would leave them, without the training."""

from typing import Any

import numpy as np

from digit_recognizer.experiments.experiment import Dense, Experiment
from digit_recognizer.runs.folder import FoldResult, Run
from digit_recognizer.runs.opening import start_run
from digit_recognizer.workspace import Workspace

FOLDS, TEST_IMAGES = 3, 50
DATA = "a" * 64
ENVIRONMENT: dict[str, Any] = {"commit": "abc", "threads": 2, "libraries": {"keras": "3.15.1"}}


def make_labels(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(10, dtype=np.uint8), 12))


def make_folds(count: int) -> np.ndarray:
    return (np.arange(count) % FOLDS).astype(np.int8)


def make_experiment(name: str, **settings: Any) -> Experiment:
    return Experiment(**{"name": name, "network": Dense((16,)), "folds": FOLDS, **settings})


def make_probabilities(labels: np.ndarray, skill: float, seed: int) -> np.ndarray:
    """Random probabilities that favour the truth the more, the greater the skill."""
    logits = np.random.default_rng(seed).normal(size=(len(labels), 10))
    logits[np.arange(len(labels)), labels] += skill
    powers = np.exp(logits)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def make_fold_result(
    fold: int,
    labels: np.ndarray,
    folds: np.ndarray,
    skill: float = 2.0,
    seed: int = 0,
    test_images: int = TEST_IMAGES,
) -> FoldResult:
    held_out = labels[folds == fold]
    test_labels = np.random.default_rng(99).integers(0, 10, test_images)
    return FoldResult(
        fold=fold,
        weights=np.random.default_rng([seed, fold]).bytes(3000),
        oof=make_probabilities(held_out, skill, seed=1000 * seed + fold),
        test=make_probabilities(test_labels, skill, seed=1000 * seed + 100 + fold),
        history=[
            {
                "epoch": epoch,
                "loss": 1 / epoch,
                "accuracy": 0.9,
                "held_out_loss": 0.5,
                "held_out_accuracy": 0.8,
            }
            for epoch in (1, 2)
        ],
        facts={"images_trained": 100 + fold, "training_seconds": 1.5 + fold, "seconds": 2.0},
    )


def open_made_up(workspace: Workspace, experiment: Experiment, **changes: Any) -> Run:
    """Open the experiment's folder as a training command does."""
    labels = changes.pop("labels", make_labels())
    asked = {
        "data_fingerprint": DATA,
        "folds": make_folds(len(labels)),
        "environment": ENVIRONMENT,
        "fresh": False,
        **changes,
    }
    run, _ = start_run(workspace, experiment, **asked)
    return run


def make_up_run(
    workspace: Workspace,
    name: str = "made-up",
    only_folds: tuple[int, ...] = tuple(range(FOLDS)),
    labels: np.ndarray | None = None,
    folds: np.ndarray | None = None,
    data: str = DATA,
    skill: float = 2.0,
    seed: int = 0,
    test_images: int = TEST_IMAGES,
    **settings: Any,
) -> Run:
    """Make a run of the finished folds that are asked for; settings are the experiment's."""
    labels = make_labels() if labels is None else labels
    folds = make_folds(len(labels)) if folds is None else folds
    run = open_made_up(
        workspace,
        make_experiment(name, **settings),
        labels=labels,
        folds=folds,
        data_fingerprint=data,
    )
    for fold in only_folds:
        run.save_fold(make_fold_result(fold, labels, folds, skill, seed, test_images))
    run.finish(labels)
    return run
