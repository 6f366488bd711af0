"""Time and memory of a whole `make train`, and the part that is not training.

In: workspaces with made-up data. Out: rows of the table. What always holds: the command is the real
script in a separate process, timed from outside.
"""

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from digit_recognizer.bench.made_data import make_workspace
from digit_recognizer.bench.ours import describe_engine, suiting_engine
from digit_recognizer.bench.processes import Measured, measure_command
from digit_recognizer.bench.table import Row, format_number
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.runs.folder import Run, open_run, read_config
from digit_recognizer.scores import format_percent
from digit_recognizer.workspace import Workspace, project_root

_NAME = "bench"
_GROWING = "conv-32"  # fast, so that the part that is not training can be seen
_FOLDS = 2  # the smallest number that can train side by side


@dataclass(frozen=True)
class WholeCommand:
    """One `make train`, measured from outside, with values from its run folder."""

    rows: int
    measured: Measured
    # Mean seconds of a fold's last epoch: the first one is longer because of tracing.
    epoch: float
    epochs: int
    rounds: float  # folds that each process trains, one after another

    @property
    def seconds(self) -> float:
        return self.measured.seconds

    @property
    def megabytes(self) -> float:
        return self.measured.memory / 1e6

    @property
    def aside(self) -> float:
        """Seconds that are not training: start, reading, tracing, predicting, writing."""
        return self.seconds - self.training(self.epochs)

    def training(self, epochs: int) -> float:
        """Return the seconds of training in each process, with `epochs` for each fold."""
        return self.rounds * epochs * self.epoch


def measure_share(
    made: Workspace, experiment: Experiment, finished_in: Workspace, rows: int
) -> Iterator[Row]:
    """Measure how much of a command is not training."""
    name = experiment.name
    engine = suiting_engine(experiment, _FOLDS)
    command = run_whole(made, name, min(2, experiment.epochs), rows, _FOLDS, engine.jobs)
    group = (
        f"make train of {name}, {command.epochs} epochs of {_FOLDS} folds in "
        f"{describe_engine(engine)}, {rows:,} rows"
    )
    yield Row(group, "all of it", f"{format_number(command.seconds)} s", note="one run")
    yield Row(
        group,
        "highest memory",
        f"{command.megabytes:,.0f} MB",
        note=f"one run; {command.measured.memory_of}",
    )
    yield Row(
        group,
        "part that is not training",
        format_percent(command.aside / command.seconds),
        note=f"{format_number(command.aside)} s: start, reading, tracing, predicting, writing",
    )
    yield Row(
        group,
        f"the same with {experiment.epochs} epochs",
        format_percent(command.aside / (command.aside + command.training(experiment.epochs))),
        note="calculated from this run",
    )
    if run := _find_finished(finished_in, name):
        yield _describe_finished(run, group)


def measure_growth(sizes: tuple[int, ...]) -> Iterator[Row]:
    """Measure how time and memory grow with the data."""
    commands = []
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            made = make_workspace(Path(folder), rows)
            commands.append(run_whole(made, _GROWING, 1, rows))
    yield from describe_growth(commands)


def describe_growth(commands: list[WholeCommand]) -> Iterator[Row]:
    """Return a row for each size, with the cost of each 1,000 rows more than the size before."""
    for index, command in enumerate(commands):
        per_thousand = f"{format_number(command.seconds / command.rows * 1_000)} s per 1,000 rows"
        memory = f"at most {command.megabytes:,.0f} MB"
        note = f"one run; {per_thousand}; {memory}"
        if index:
            before = commands[index - 1]
            thousands = (command.rows - before.rows) / 1_000
            seconds = (command.seconds - before.seconds) / thousands
            megabytes = (command.megabytes - before.megabytes) / thousands
            note += f"; each further 1,000: {format_number(seconds)} s, {megabytes:.1f} MB"
        group = f"make train of {_GROWING}, one epoch of one fold in one process"
        figure = f"{format_number(command.seconds)} s"
        yield Row(group, f"{command.rows:,} rows", figure, note=note)


def run_whole(
    workspace: Workspace, name: str, epochs: int, rows: int, folds: int = 1, jobs: int = 1
) -> WholeCommand:
    """Run the script as `make train FOLDS=... JOBS=...` does, with no cache to read from.

    By itself it would use one process for so little work, and several for a whole training.
    """
    shutil.rmtree(workspace.data / ".cache", ignore_errors=True)
    chosen = range(folds)
    command = [sys.executable, str(project_root() / "scripts" / "train.py")]
    command += ["--experiments", name, "--set", f"epochs={epochs}", "--name", _NAME]
    command += ["--folds", *map(str, chosen), "--jobs", str(jobs), "--fresh"]
    environment = {**os.environ, "DIGIT_RECOGNIZER_HOME": str(workspace.root)}
    measured = measure_command(command, environment)
    run = open_run(workspace, _NAME)
    return WholeCommand(
        rows=rows,
        measured=measured,
        epoch=statistics.mean(_epoch_seconds(run, fold)[-1] for fold in chosen),
        epochs=epochs,
        rounds=folds / jobs,
    )


def _epoch_seconds(run: Run, fold: int) -> list[float]:
    return [float(seconds) for seconds in run.fold_history(fold)["training_seconds"]]


def _find_finished(workspace: Workspace, name: str) -> Run | None:
    config = read_config(workspace.runs / name)
    run = Run(workspace.runs / name, config) if config else None
    return run if run and run.is_complete else None


def _describe_finished(run: Run, group: str) -> Row:
    folds = run.finished_folds
    whole = sum(run.fold_facts(fold)["seconds"] for fold in folds)
    training = sum(sum(_epoch_seconds(run, fold)) for fold in folds)
    return Row(
        group,
        f"the same of the finished run in runs/{run.name}",
        format_percent(1 - training / whole),
        note=f"of its {len(folds)} folds' {whole:,.0f} s; without start, reading and writing",
    )
