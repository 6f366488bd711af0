"""How fast this machine starts, reads, trains and predicts.

In: nothing but the bundled sample. Out: a table on the terminal and in `reports/bench.md`. What
always holds: each figure is the median of several measurements, made one after the other with
nothing else of ours running.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from digit_recognizer.configuration import resolve_experiment
from digit_recognizer.data.dataset import COMPETITION_ROWS, load_test, load_train
from digit_recognizer.data.sources import download
from digit_recognizer.data.sources.made import write_competition
from digit_recognizer.environment import available_cores
from digit_recognizer.experiments import EXPERIMENTS
from digit_recognizer.learn.models import build_model
from digit_recognizer.learn.prediction import predict_probabilities
from digit_recognizer.learn.training import FoldData, fit_fold
from digit_recognizer.workspace import Workspace, project_root, write_file

_REPEATS = 5
_TRAINED = ("dense-128-128", "conv-32", "stages", "deotte")
_PREDICTED = ("conv-32", "stages")
_TRAINING_IMAGES = 6_400


def run_bench(workspace: Workspace, console: Console) -> None:
    rows: list[tuple[str, str]] = []

    def record(what: str, figure: str) -> None:
        rows.append((what, figure))
        console.print(f"{what}: {figure}")

    record("start of a command (imports only)", f"{_median(_import_package):.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        full = _make_full_size(Path(folder))
        load_train(full)

        def load_cold() -> None:
            shutil.rmtree(full.data / ".cache")
            load_train(full)

        megabytes = (full.data / "train.csv").stat().st_size / 1e6
        cold = _median(load_cold)
        record(f"train.csv ({megabytes:.0f} MB, 42,000 rows), parsed", f"{cold:.2f} s")
        record("the same, from the cache", f"{_median(lambda: load_train(full)):.3f} s")
        train, test = load_train(full), load_test(full)
    assert train.labels is not None
    # Fold 0 is learnt from; fold 1 is there because something must be held out.
    folds = np.zeros(_TRAINING_IMAGES + 500, np.int8)
    folds[_TRAINING_IMAGES:] = 1
    data = FoldData(train.images[: len(folds)], train.labels[: len(folds)], folds, test.images[:1])
    for name in _TRAINED:
        speed = _training_speed(name, data)
        record(f"training {name}, {available_cores()} threads", f"{speed:,.0f} images/s")
    for name in _PREDICTED:
        model = build_model(EXPERIMENTS[name])
        seconds = _median(lambda m=model: predict_probabilities(m, data.images, 0))  # type: ignore[misc]
        speed = len(data.images) / seconds
        record(f"predicting with {name}", f"{speed:,.0f} images/s")

    table = Table(title="This machine, medians", title_justify="left")
    table.add_column("what")
    table.add_column("figure", justify="right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    lines = ["| what | figure |", "| --- | ---: |", *(f"| {what} | {f} |" for what, f in rows)]
    write_file(workspace.reports / "bench.md", ("\n".join(lines) + "\n").encode())


def _median(action: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _import_package() -> None:
    command = [sys.executable, "-c", "import digit_recognizer.compete.submit"]
    subprocess.run(command, cwd=project_root(), check=True)


def _make_full_size(root: Path) -> Workspace:
    """Write as many rows as the competition has, by repeating the bundled sample."""
    sample = Workspace(root / "sample")
    download(sample, "sample")
    digits = load_train(sample)
    assert digits.labels is not None
    train_rows, test_rows = COMPETITION_ROWS.values()
    incoming = root / "incoming"
    incoming.mkdir()
    write_competition(
        incoming,
        np.resize(digits.images, (train_rows, 28, 28)),
        np.resize(digits.labels, train_rows),
        np.resize(digits.images, (test_rows, 28, 28)),
        np.resize(digits.labels, test_rows),
    )
    full = Workspace(root / "full")
    download(full, str(incoming))
    return full


def _training_speed(name: str, data: FoldData) -> float:
    """Return images/s after the first epoch, in which the network is traced."""
    experiment = resolve_experiment(name, [f"epochs={_REPEATS + 1}"], "bench")
    result = fit_fold(experiment, 1, data, available_cores(), lambda news: None)
    seconds = [record["training_seconds"] for record in result.history[1:]]
    return _TRAINING_IMAGES / statistics.median(seconds)
