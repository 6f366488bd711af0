"""`make train`: train a line-up, blend it and score it.

In: what the person named, or nothing. Out: run folders, and a table of their out-of-fold scores.
What always holds: where nothing is named, the line-up fits the amount of data.
"""

from rich.console import Console

from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.experiments.named import LINEUPS
from digit_recognizer.experiments.text import resolve_lineup
from digit_recognizer.learn.cluster.connection import Cluster
from digit_recognizer.learn.crossval import train_experiments
from digit_recognizer.runs.blend import blend, print_scores
from digit_recognizer.runs.selection import TOP, Selection, resolve_selection
from digit_recognizer.scores import format_percent
from digit_recognizer.workspace import ProjectError, Workspace, write_json

# With fewer labelled digits, the networks for Kaggle's 42,000 would have too few steps to learn.
_FULL_SIZE = 10_000


def train_lineup(
    workspace: Workspace,
    lineup: str | None,
    experiments: list[str],
    settings: list[str],
    name: str | None,
    jobs: int | None,
    folds: list[int] | None,
    fresh: bool,
    console: Console,
    cluster: Cluster | None = None,
    device: str = "auto",
) -> None:
    """Train what was named, or the line-up that fits the data; print what it scores."""
    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    if lineup == TOP:
        raise ProjectError(
            f"LINEUP={TOP} is whatever was trained and scores best, so it cannot be trained. Name "
            f"one of {', '.join(LINEUPS)}."
        )
    fitting = "standard" if len(train) >= _FULL_SIZE else "sample"
    selection = Selection.of(lineup, experiments) or Selection(fitting, resolve_lineup(fitting))
    if lineup and fitting == "sample" != lineup:
        console.print(
            f"[yellow]LINEUP={lineup} is meant for Kaggle's 42,000 labelled digits; here are "
            f"{len(train):,}. LINEUP=sample fits them.[/]"
        )
    chosen = resolve_selection(workspace, selection, settings, name)
    if name:
        selection = Selection(name, (name,))

    runs = train_experiments(
        workspace,
        selection.label,
        chosen,
        train,
        test,
        jobs,
        console,
        folds,
        fresh,
        cluster,
        device,
    )
    if all(run.is_complete for run in runs):
        write_json(
            workspace.runs / "latest.json",
            {"label": selection.label, "names": list(selection.names)},
        )
        print_scores(blend(runs, train.labels), console)
    else:
        for run in runs:
            metrics = run.metrics
            console.print(
                f"{run.name}: {len(metrics['finished_folds'])} of {metrics['folds']} folds done, "
                f"{metrics['errors']:,} of {metrics['images']:,} held-out images wrong "
                f"({format_percent(metrics['accuracy'], 3)}). Train the rest before blending."
            )
