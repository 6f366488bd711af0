"""Whether an exported file still matches the runs.

In: runs. Out: a hash. What always holds: it changes with any weight, with whatever else decides
what the networks make of an image, and with the data that the file's figures are of.
"""

import json

from digit_recognizer.experiments.text import to_dict
from digit_recognizer.runs.folder import Run
from digit_recognizer.use.model_file import FORMAT
from digit_recognizer.workspace import sha256_of


def identify(label: str, runs: list[Run]) -> str:
    members = [
        {
            "experiment": to_dict(run.experiment),
            "data": run.config["data"],
            "folds": sha256_of(run.folder / "folds.npy"),
            "weights": [sha256_of(run.read_weights(fold)) for fold in range(run.experiment.folds)],
        }
        for run in runs
    ]
    return sha256_of(json.dumps([FORMAT, label, members], sort_keys=True).encode())
