"""All measurements, one after the other.

In: a workspace. Out: the table on the terminal and in `reports/bench.md`. What always holds: every
figure is told as soon as it is there, and the file is written when all of them are.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from digit_recognizer.bench.gpu import measure_gpu
from digit_recognizer.bench.machine import describe_machine
from digit_recognizer.bench.made_data import make_workspace
from digit_recognizer.bench.reach import GROUP, measure_reach
from digit_recognizer.bench.reading import measure_reading
from digit_recognizer.bench.sizes import Sizes
from digit_recognizer.bench.table import Row, format_markdown, format_table
from digit_recognizer.bench.throughput import measure_throughput
from digit_recognizer.bench.whole_command import measure_growth, measure_share
from digit_recognizer.data.dataset import find_source
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.named import EXPERIMENTS, LINEUPS
from digit_recognizer.workspace import Workspace, require_writable, write_file

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
        yield from measure_reading(made, sizes.rounds)
        yield from measure_throughput(made, experiment, sizes)
        yield from measure_share(made, experiment, workspace, sizes.rows)
    yield from measure_growth(sizes.growth)
    if sizes.reach_seconds:
        yield from measure_reach(workspace, experiment, sizes.reach_seconds, console)
        if find_source(workspace):
            yield from measure_gpu(workspace, experiment, console)
    else:
        yield Row(GROUP, "all", "left out", note="with QUICK=1")
