"""Load saved networks in a new process, and check that they still predict the same.

In: a run folder. Out: the score of the loaded networks. What always holds: a network is rebuilt
from `config.json` by our own code and takes weights only, after their hash was checked; loading
never runs anything that a file brings along.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.console import Console

from digit_recognizer.data.dataset import Digits, fingerprint_of, load_test, load_train
from digit_recognizer.learn.backend import describe_device
from digit_recognizer.learn.prediction import predict_probabilities
from digit_recognizer.learn.weights import load_model
from digit_recognizer.runs.folder import Run, open_run
from digit_recognizer.runs.selection import choose_trained
from digit_recognizer.scores import Score, score
from digit_recognizer.workspace import ProjectError, Workspace

# How far probabilities may differ where sums are taken in another order, or, as a GPU does, in
# fewer digits.
_OTHER_THREADS, _OTHER_DEVICE = 1e-5, 1e-2


@dataclass(frozen=True)
class Validation:
    """What a fold's loaded network scores on its held-out images, and how that compares."""

    fold: int
    score: Score
    is_identical: bool  # to the probabilities on record, held out and test, bit for bit
    largest_difference: float
    tolerance: float  # what may differ, because this is not the machinery of the training


def validate_run(run: Run, train: Digits, test: Digits) -> Iterator[Validation]:
    """Predict again what each fold's network predicted; a missing fold is an error."""
    if run.config["data"] != fingerprint_of(train, test):
        raise ProjectError(f"{run.folder} was trained on other data than those in data/.")
    assert train.labels is not None
    folds, experiment = run.folds, run.experiment
    trained_with = {fold: run.fold_threads(fold) for fold in range(experiment.folds)}
    # One process has one number of threads; sums depend on how they are divided among them.
    threads = trained_with[0]
    for fold in range(experiment.folds):
        model = load_model(experiment, run.read_weights(fold), threads, run.fold_precision(fold))
        held_out = folds == fold
        loaded = [
            predict_probabilities(model, images, experiment.test_shift)
            for images in (train.images[held_out], test.images)
        ]
        on_record = [run.load_fold_oof(fold), run.load_fold_test(fold)]
        pairs = list(zip(loaded, on_record, strict=True))
        yield Validation(
            fold,
            score(train.labels[held_out], loaded[0]),
            all(new.tobytes() == old.tobytes() for new, old in pairs),
            max(float(np.abs(new - old).max()) for new, old in pairs),
            _tolerate(trained_with[fold] == threads, run.fold_device(fold) == describe_device()),
        )


def _tolerate(same_threads: bool, same_device: bool) -> float:
    if not same_device:
        return _OTHER_DEVICE
    return 0.0 if same_threads else _OTHER_THREADS


def validate_lineup(
    workspace: Workspace, lineup: str | None, experiments: list[str], console: Console
) -> None:
    """Load what was saved and print what it scores; a difference from the record is an error."""
    train, test = load_train(workspace), load_test(workspace)
    changed = []
    for name in choose_trained(workspace, lineup, experiments, console).names:
        run = open_run(workspace, name)
        if run.is_adopted:
            console.print(f"{name} was adopted: it has no network to load.")
            continue
        for loaded in validate_run(run, train, test):
            console.print(f"{name} fold {loaded.fold}: {loaded.score}, {_judge(loaded)}")
            if not (loaded.is_identical or _is_close(loaded)):
                changed.append(f"{name} fold {loaded.fold}")
    if changed:
        raise ProjectError(
            f"{', '.join(changed)}: loaded networks predict otherwise than they did when trained. "
            "Another library version or processor can do that."
        )


def _is_close(loaded: Validation) -> bool:
    """Whether the difference is no larger than other threads or another device excuse."""
    return loaded.largest_difference < loaded.tolerance


def _judge(loaded: Validation) -> str:
    if loaded.is_identical:
        return "bit-identical to training"
    difference = f"differs by up to {loaded.largest_difference:.0e}"
    if _is_close(loaded):
        return f"as in training, where threads or device were others ({difference})"
    return f"NOT as in training: {difference}"
