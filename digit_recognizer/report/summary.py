"""All runs side by side: out-of-fold accuracy beside what was published, and learning curves.

In: run folders. Out: `reports/report.md`, a PNG for each run, and the table on the terminal. What
always holds: every figure comes from a run's files alone, and one of part of the folds says so.
"""

from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from digit_recognizer.experiments import EXPERIMENTS
from digit_recognizer.report.curves import draw_curves
from digit_recognizer.runs import Run, open_run
from digit_recognizer.scores import Score
from digit_recognizer.workspace import ProjectError, Workspace, write_file

_HEADINGS = ("experiment", "out of fold", "errors", "folds", "published", "images/s", "minutes")


def write_report(workspace: Workspace, console: Console) -> None:
    runs = _find_runs(workspace)
    if not runs:
        raise ProjectError(f"There are no runs in {workspace.runs} yet. Run `make train` first.")
    rows = [_describe(run) for run in runs]
    data = {run.config["data"] for run in runs}
    sections = []
    for run in runs:
        picture = f"{run.name}.png"
        write_file(workspace.reports / picture, draw_curves(run))
        sections.append(f"## {run.name}\n\n![Learning curves of {run.name}]({picture})\n")
    path = workspace.reports / "report.md"
    text = "# Out-of-fold report\n\n" + format_markdown(rows) + "\n" + "\n".join(sections)
    write_file(path, text.encode())

    # Speed and published figures are in the file; on a terminal they would break every line.
    table = Table(title="Runs, best first", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in _HEADINGS[:4]:
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*map(escape, row[:4]))
    console.print(table)
    if len(data) > 1:
        console.print("Not all were trained on the same data; compare only those that were.")
    console.print(f"Written: {workspace.show(path)}, with learning curves.")


def format_markdown(rows: list[tuple[str, ...]]) -> str:
    lines = [_HEADINGS, ("---",) * len(_HEADINGS), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _find_runs(workspace: Workspace) -> list[Run]:
    """Return the runs with at least one finished fold, best first."""
    folders = sorted(Path(workspace.runs).glob("*/metrics.json"))
    runs = [open_run(workspace, path.parent.name) for path in folders]
    return sorted(
        (run for run in runs if run.finished_folds), key=lambda run: 1 - run.metrics["accuracy"]
    )


def _describe(run: Run) -> tuple[str, ...]:
    metrics = run.metrics
    own = Score(metrics["errors"], metrics["images"])
    finished, folds = len(metrics["finished_folds"]), metrics["folds"]
    experiment = EXPERIMENTS.get(run.name)
    return (
        run.name,
        own.percentage,
        f"{own.errors:,} of {own.images:,}",
        f"all {folds}" if finished == folds else f"only {finished} of {folds}",
        experiment.published if experiment else "",
        f"{metrics['training_images_per_second']:,.0f}",
        f"{metrics['seconds'] / 60:.1f}",
    )
