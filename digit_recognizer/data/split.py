"""Hold back a third of the labelled digits, to score a whole line-up on them once.

In: the labelled digits in `data/`. Out: a folder in the competition's shape, with the labels of its
test part, which is a source to download from. What always holds: every digit is in exactly one of
the two parts, each class in both by the same share, and the parts are the same each time; the
folder is complete or not there.
"""

import shutil
from pathlib import Path

from digit_recognizer.data.dataset import load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.data.sources.install import incoming_folder, sweep_incoming
from digit_recognizer.data.sources.made import write_competition
from digit_recognizer.workspace import Workspace, locked

_PARTS = 3
# Not an experiment's: its folds and the part held back have nothing to do with each other.
_SEED = 1_000_003


def write_split(workspace: Workspace) -> Path:
    """Write the two parts to `data/held-back/`; return that folder."""
    train = load_train(workspace)
    assert train.labels is not None
    held_back = assign_folds(train.labels, _PARTS, _SEED) == 0
    folder = workspace.data / "held-back"
    with locked(workspace.data / ".lock", workspace.data):
        sweep_incoming(workspace.data)
        with incoming_folder(workspace.data) as incoming:
            write_competition(
                incoming,
                train.images[~held_back],
                train.labels[~held_back],
                train.images[held_back],
                train.labels[held_back],
            )
            shutil.rmtree(folder, ignore_errors=True)
            incoming.rename(folder)
    return folder
