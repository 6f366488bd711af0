"""All measurements, one after the other.

In: a workspace. Out: the table on the terminal and in `reports/bench.md`. What always holds: each
result is printed as soon as it is known, and the file is written at the end.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from digit_recognizer.bench.gpu import measure_gpu
from digit_recognizer.bench.machine import describe_machine
from digit_recognizer.bench.made_data import make_workspace
from digit_recognizer.bench.reach import GROUP, measure_reach
from digit_recognizer.bench.sizes import Sizes
from digit_recognizer.bench.table import Row, format_markdown, format_table, summarize
from digit_recognizer.bench.throughput import measure_throughput
from digit_recognizer.bench.turns import time_of
from digit_recognizer.bench.whole_command import measure_growth, measure_share
from digit_recognizer.data.dataset import find_source, load_train
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.named import EXPERIMENTS, LINEUPS
from digit_recognizer.workspace import Workspace, project_root, require_writable, write_file

STANDARD = EXPERIMENTS[LINEUPS["standard"][0]]


def run_bench(
    workspace: Workspace, sizes: Sizes, console: Console, experiment: Experiment = STANDARD
) -> None:
    require_writable(workspace.reports)
    machine = describe_machine()
    for fact in machine:
        console.print(fact, markup=False)
    rows = []
    for row in _measure(workspace, sizes, experiment, console):
        rows.append(row)
        console.print(str(row), markup=False)
    console.print(format_table(rows))
    path = workspace.reports / "bench.md"
    write_file(path, format_markdown(machine, rows).encode())
    console.print(f"Written: {workspace.show(path)}")


def _measure(
    workspace: Workspace, sizes: Sizes, experiment: Experiment, console: Console
) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        made = make_workspace(Path(folder), sizes.rows)
        yield from _measure_reading(made, sizes.rounds)
        yield from measure_throughput(made, experiment, sizes)
        yield from measure_share(made, experiment, workspace, sizes.rows)
    yield from measure_growth(sizes.growth)
    if sizes.reach_seconds:
        yield from measure_reach(workspace, experiment, sizes.reach_seconds, console)
        if find_source(workspace):
            yield from measure_gpu(workspace, experiment, console)
    else:
        yield Row(GROUP, "all", "left out", note="with QUICK=1")


def _measure_reading(workspace: Workspace, rounds: int) -> Iterator[Row]:
    """Measure how long a command takes to start, and to read the data."""

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
