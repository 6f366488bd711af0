"""Load what training saved, as another process would, and see whether it is still the same.

In: a run folder. Out: the score of the loaded networks. What always holds: a network is rebuilt
from `config.json` by our own code and takes weights only, after their hash was checked; loading
never runs anything that a file brings along.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from digit_recognizer.data.dataset import Digits, fingerprint_of
from digit_recognizer.learn.prediction import predict_probabilities
from digit_recognizer.learn.weights import load_model
from digit_recognizer.runs import Run
from digit_recognizer.scores import Score, score
from digit_recognizer.workspace import ProjectError


@dataclass(frozen=True)
class Validation:
    """What a fold's loaded network scores on its held-out images, and how that compares."""

    fold: int
    score: Score
    is_identical: bool  # to the out-of-fold probabilities on record, bit for bit
    largest_difference: float


def validate_run(run: Run, train: Digits, test: Digits) -> Iterator[Validation]:
    """Predict each finished fold's held-out images with its loaded network."""
    if run.config["data"] != fingerprint_of(train, test):
        raise ProjectError(f"{run.folder} was trained on other data than those in data/.")
    assert train.labels is not None
    for fold in run.finished_folds:
        # Sums of floating-point numbers depend on how they are divided among threads.
        threads = run.fold_facts(fold)["environment"]["threads"]
        model = load_model(run.experiment, run.read_weights(fold), threads)
        held_out = run.folds == fold
        probabilities = predict_probabilities(
            model, train.images[held_out], run.experiment.test_shift
        )
        on_record = run.load_fold_oof(fold)
        yield Validation(
            fold,
            score(train.labels[held_out], probabilities),
            probabilities.tobytes() == on_record.tobytes(),
            float(np.abs(probabilities - on_record).max()),
        )
