"""How long a command takes to start and to read the data.

In: a workspace. Out: rows of the table.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator

from digit_recognizer.bench.table import Row, summarize
from digit_recognizer.bench.turns import time_of
from digit_recognizer.data.dataset import load_train
from digit_recognizer.workspace import Workspace, project_root


def measure_reading(workspace: Workspace, rounds: int) -> Iterator[Row]:
    def load_cold() -> None:
        shutil.rmtree(workspace.data / ".cache", ignore_errors=True)
        load_train(workspace)

    def load_cached() -> None:
        load_train(workspace)

    seconds: dict[str, list[float]] = {"start": [], "cold": [], "cached": []}
    for _ in range(rounds):
        seconds["start"].append(time_of(_import_package))
        seconds["cold"].append(time_of(load_cold))
        seconds["cached"].append(time_of(load_cached))
    size = (workspace.data / "train.csv").stat().st_size / 1e6
    rows = len(load_train(workspace))
    group = f"reading train.csv, {rows:,} rows, {size:.0f} MB"
    yield summarize("a command", "start (imports only)", seconds["start"], "s")
    yield summarize(group, "parsed", seconds["cold"], "s")
    yield summarize(group, "from the cache", seconds["cached"], "s")


def _import_package() -> None:
    command = [sys.executable, "-c", "import digit_recognizer.compete.submit"]
    subprocess.run(command, cwd=project_root(), check=True)
