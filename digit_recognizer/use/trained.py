"""The runs of a line-up, opened for use, and the hash that identifies them.

In: what was named. Out: the line-up's name and its runs; a hash. What always holds: the hash
changes with any weight, with anything else that affects predictions, and with the data that the
exported file's scores come from.
"""

import json

from rich.console import Console

from digit_recognizer.experiments.text import to_dict
from digit_recognizer.runs.blend import require_common_data
from digit_recognizer.runs.folder import Run, open_run
from digit_recognizer.runs.selection import choose_trained
from digit_recognizer.use.model_file import FORMAT
from digit_recognizer.workspace import Workspace, sha256_of


def open_trained(
    workspace: Workspace, lineup: str | None, experiments: list[str], console: Console
) -> tuple[str, list[Run]]:
    """Return the name and the runs of the line-up that was named, or else trained last."""
    chosen = choose_trained(workspace, lineup, experiments, console)
    runs = [open_run(workspace, name) for name in chosen.names]
    for run in runs:
        run.require_network()
    require_common_data(runs)
    return chosen.label, runs


def identify(label: str, runs: list[Run]) -> str:
    """Return a hash, to see whether an exported file still belongs to these runs."""
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
