"""Load what training saved, as another process would, and see whether it is still the same.

In: a run folder. Out: the score of the loaded networks. What always holds: a network is rebuilt
from `config.json` by our own code and takes weights only, after their hash was checked; loading
never runs anything that a file brings along.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from digit_recognizer.data.dataset import Digits, fingerprint_of
from digit_recognizer.learn.backend import describe_device
from digit_recognizer.learn.prediction import predict_probabilities
from digit_recognizer.learn.weights import load_model
from digit_recognizer.runs import Run
from digit_recognizer.scores import Score, score
from digit_recognizer.workspace import ProjectError

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
