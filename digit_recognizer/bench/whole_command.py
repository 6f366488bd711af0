"""What `make train` takes as a whole: its time, the part of it that is not training, its memory.

In: workspaces with made-up data of some size. Out: rows of the table. What always holds: the
command is the real script, in a process of its own, and its time is taken from outside.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from digit_recognizer.bench.made_data import make_workspace
from digit_recognizer.bench.table import Row, format_number
from digit_recognizer.experiments import Experiment
from digit_recognizer.runs import Run, open_run, read_config
from digit_recognizer.workspace import ProjectError, Workspace, project_root

_NAME = "bench"
_GROWING = "conv-32"  # fast, so that what is not training shows
# ru_maxrss is in bytes on macOS and in units of 1,024 bytes elsewhere.
_MEMORY_UNIT = 1 if sys.platform == "darwin" else 1_024


@dataclass(frozen=True)
class WholeCommand:
    """One `make train` of one fold, as measured from outside and as its run folder tells it."""

    rows: int
    seconds: float
    memory: int  # bytes, at the highest
    epoch: float  # seconds of the last epoch: the first is the longer one, by its tracing
    epochs: int

    @property
    def aside(self) -> float:
        """Seconds that are not training: start, reading, tracing, predicting, writing."""
        return self.seconds - self.epoch * self.epochs


def measure_share(
    made: Workspace, experiment: Experiment, finished_in: Workspace, rows: int
) -> Iterator[Row]:
    """Tell how much of a command is not training."""
    name = experiment.name
    command = run_whole(made, name, min(2, experiment.epochs), rows)
    group = f"make train of {name}, {command.epochs} epochs of one fold, {rows:,} rows"
    yield Row(group, "all of it", f"{format_number(command.seconds)} s", note="one run")
    yield Row(group, "memory at the highest", f"{command.memory / 1e6:,.0f} MB", note="one run")
    yield Row(
        group,
        "part that is not training",
        f"{command.aside / command.seconds:.0%}",
        note=f"{format_number(command.aside)} s: imports, reading, tracing, predicting, writing",
    )
    yield Row(
        group,
        f"the same beside {experiment.epochs} epochs",
        f"{command.aside / (command.aside + command.epoch * experiment.epochs):.0%}",
        note="reckoned from this run, not run",
    )
    if run := _find_finished(finished_in, name):
        yield _describe_finished(run, group)


def measure_growth(sizes: tuple[int, ...]) -> Iterator[Row]:
    """Tell how time and memory grow with the data."""
    commands = []
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            made = make_workspace(Path(folder), rows)
            commands.append(run_whole(made, _GROWING, 1, rows))
    yield from describe_growth(commands)


def describe_growth(commands: list[WholeCommand]) -> Iterator[Row]:
    """Tell each size's figures, and what each thousand rows more than the size before cost."""
    for index, command in enumerate(commands):
        per_thousand = f"{format_number(command.seconds / command.rows * 1_000)} s per 1,000 rows"
        memory = f"{command.memory / 1e6:,.0f} MB at the highest"
        note = f"one run; {per_thousand}; {memory}"
        if index:
            before = commands[index - 1]
            thousands = (command.rows - before.rows) / 1_000
            seconds = (command.seconds - before.seconds) / thousands
            megabytes = (command.memory - before.memory) / 1e6 / thousands
            note += f"; each further 1,000: {format_number(seconds)} s, {megabytes:.1f} MB"
        group = f"make train of {_GROWING}, one epoch of one fold"
        figure = f"{format_number(command.seconds)} s"
        yield Row(group, f"{command.rows:,} rows", figure, note=note)


def run_whole(workspace: Workspace, name: str, epochs: int, rows: int) -> WholeCommand:
    """Run the script as `make train FOLDS=0` does, with no cache to read from."""
    shutil.rmtree(workspace.data / ".cache", ignore_errors=True)
    script = project_root() / "scripts" / "train.py"
    arguments = ["--experiments", name, "--set", f"epochs={epochs}", "--name", _NAME]
    environment = {**os.environ, "DIGIT_RECOGNIZER_HOME": str(workspace.root)}
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, str(script), *arguments, "--folds", "0", "--fresh"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            # Of this process alone, where getrusage would tell of all that there were.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            told = output.read().decode(errors="replace").strip()
            raise ProjectError(f"The command that was to be measured failed: {told[-500:]}")
    epoch_seconds = _epoch_seconds(open_run(workspace, _NAME), 0)
    return WholeCommand(
        rows=rows,
        seconds=seconds,
        memory=usage.ru_maxrss * _MEMORY_UNIT,
        epoch=epoch_seconds[-1],
        epochs=epochs,
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
        f"{1 - training / whole:.0%}",
        note=f"of its {len(folds)} folds' {whole:,.0f} s; start, reading, writing not on record",
    )
