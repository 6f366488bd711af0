"""A run with the probabilities that a test wants, and its page."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from digit_recognizer.data.dataset import Digits
from digit_recognizer.report.run_page.write import write_run_page
from digit_recognizer.runs.folder import Run
from digit_recognizer.workspace import Workspace
from tests.made_up_runs import (
    FOLDS,
    make_experiment,
    make_fold_result,
    make_folds,
    make_labels,
    make_probabilities,
    open_made_up,
)

Ordinary = tuple[Run, Path]
ALL_FOLDS = tuple(range(FOLDS))
LABELS = make_labels()


def make_digits(labels: np.ndarray = LABELS) -> Digits:
    """Images that are all different."""
    images = np.random.default_rng(5).integers(0, 256, (len(labels), 28, 28), np.uint8)
    return Digits(images, labels, "made up")


def make_run(
    workspace: Workspace,
    probabilities: np.ndarray | None = None,
    labels: np.ndarray = LABELS,
    only_folds: tuple[int, ...] = ALL_FOLDS,
    name: str = "made-up",
    **settings: Any,
) -> Run:
    if probabilities is None:
        probabilities = make_probabilities(labels, skill=2.0, seed=3)
    folds = make_folds(len(labels))
    run = open_made_up(workspace, make_experiment(name, **settings), labels=labels)
    for fold in only_folds:
        result = make_fold_result(fold, labels, folds)
        run.save_fold(replace(result, oof=probabilities[folds == fold]))
    run.finish(labels)
    return run


def write_page(workspace: Workspace, run: Run, labels: np.ndarray = LABELS) -> Path:
    return write_run_page(workspace, run, make_digits(labels))
