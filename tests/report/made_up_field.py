"""Runs of the tiny data in a workspace, good and poor, for pages about several runs."""

from typing import Any

import numpy as np

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train
from digit_recognizer.runs.folder import Run
from digit_recognizer.workspace import Workspace
from tests.made_up_runs import make_up_run


def load_labels(workspace: Workspace) -> np.ndarray:
    labels = load_train(workspace).labels
    assert labels is not None
    return labels


def train(workspace: Workspace, name: str, **settings: Any) -> Run:
    """Make up a run of what is in the workspace's data/."""
    train_digits, test_digits = load_train(workspace), load_test(workspace)
    return make_up_run(
        workspace,
        name,
        labels=train_digits.labels,
        data=fingerprint_of(train_digits, test_digits),
        test_images=len(test_digits),
        **settings,
    )


def train_standard(workspace: Workspace) -> list[Run]:
    """Make up the two runs of the line-up `standard`."""
    return [
        train(workspace, "stages", skill=2.0, seed=1),
        train(workspace, "stages-light", skill=2.2, seed=2),
    ]


def wrong_images(run: Run, labels: np.ndarray) -> set[int]:
    """Count anew, image by image."""
    probabilities = np.load(run.folder / "oof.npy")
    return {
        row
        for row, (of_image, label) in enumerate(zip(probabilities, labels, strict=True))
        if int(np.argmax(of_image)) != int(label)
    }
