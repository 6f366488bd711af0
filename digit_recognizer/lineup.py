"""Which experiments a command is about, and training all of them.

In: what the person named, if anything. Out: trained runs and their blended out-of-fold score. What
always holds: with nothing named, `train` takes the line-up that fits the data, and what comes
after takes what was trained last.
"""

from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from digit_recognizer.configuration import resolve_lineup, vary
from digit_recognizer.data.dataset import load_test, load_train, read_source
from digit_recognizer.ensemble import Blend, blend
from digit_recognizer.experiments import EXPERIMENTS, Experiment
from digit_recognizer.learn.cluster.connection import Cluster
from digit_recognizer.learn.crossval import train_experiments
from digit_recognizer.learn.validate import Validation, validate_run
from digit_recognizer.runs import open_run
from digit_recognizer.scores import Score, format_percent
from digit_recognizer.tuned import find_best
from digit_recognizer.workspace import ProjectError, Workspace, read_json, write_json

# Below this many labelled digits the networks for Kaggle's 42,000 have too few steps to learn.
_FULL_SIZE = 10_000


@dataclass(frozen=True)
class Selection:
    """A list of experiments and what the list is called: the line-up, or the names themselves."""

    label: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, lineup: str | None, experiments: list[str]) -> "Selection | None":
        """Return what the person named, or None where that is nothing."""
        if lineup and experiments:
            raise ProjectError("Name a LINEUP or EXPERIMENTS, not both.")
        if lineup:
            return cls(lineup, resolve_lineup(lineup))
        if experiments:
            return cls("+".join(experiments), tuple(dict.fromkeys(experiments)))
        return None


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
) -> None:
    """Train what was named, or the line-up that fits the data; print what it scores."""
    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    selection = Selection.of(lineup, experiments)
    if selection is None:
        fitting = "standard" if len(train) >= _FULL_SIZE else "sample"
        selection = Selection(fitting, resolve_lineup(fitting))
    chosen = resolve_selection(workspace, selection, settings, name)
    if name:
        selection = Selection(name, (name,))

    runs = train_experiments(
        workspace, selection.label, chosen, train, test, jobs, console, folds, fresh, cluster
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


def resolve_selection(
    workspace: Workspace, selection: Selection, settings: list[str], name: str | None
) -> list[Experiment]:
    """Return the selected experiments; the only one, varied, where there are settings for it."""
    if (settings or name) and len(selection.names) != 1:
        raise ProjectError("SET and NAME vary one experiment: name exactly one in EXPERIMENTS.")
    return [vary(_find(workspace, each), settings, name) for each in selection.names]


def _find(workspace: Workspace, name: str) -> Experiment:
    """Return an experiment of that name, a study's best, or what a run of that name is of."""
    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    best = find_best(workspace, name)
    if best:
        return best
    runs = sorted(path.parent.name for path in workspace.runs.glob("*/config.json"))
    if name in runs:
        return open_run(workspace, name).experiment
    mine = f" Trained variations: {', '.join(sorted(set(runs) - set(EXPERIMENTS)))}."
    raise ProjectError(
        f"There is no experiment {name!r}. There are: {', '.join(EXPERIMENTS)}."
        + (mine if set(runs) - set(EXPERIMENTS) else "")
    )


def validate_lineup(
    workspace: Workspace, lineup: str | None, experiments: list[str], console: Console
) -> None:
    """Load what was saved and print what it scores; a difference from the record is an error."""
    train, test = load_train(workspace), load_test(workspace)
    changed = []
    for name in choose_trained(workspace, lineup, experiments).names:
        for loaded in validate_run(open_run(workspace, name), train, test):
            console.print(f"{name} fold {loaded.fold}: {loaded.score}, {_judge(loaded)}")
            if not (loaded.is_identical or _is_close(loaded)):
                changed.append(f"{name} fold {loaded.fold}")
    if changed:
        raise ProjectError(
            f"{', '.join(changed)}: loaded networks predict otherwise than they did when trained. "
            "Another library version or processor can do that."
        )


def _is_close(loaded: Validation) -> bool:
    """Whether the difference is no larger than other threads or another device excuse."""
    return loaded.largest_difference < loaded.tolerance


def _judge(loaded: Validation) -> str:
    if loaded.is_identical:
        return "bit-identical to training"
    difference = f"differs by up to {loaded.largest_difference:.0e}"
    if _is_close(loaded):
        return f"as in training, where threads or device were others ({difference})"
    return f"NOT as in training: {difference}"


def choose_trained(workspace: Workspace, lineup: str | None, experiments: list[str]) -> Selection:
    """Return what the person named, or what was trained last."""
    selection = Selection.of(lineup, experiments)
    if selection:
        return selection
    match read_json(workspace.runs / "latest.json"):
        case {"label": str(label), "names": [*names]} if all(isinstance(n, str) for n in names):
            return Selection(label, tuple(names))
    read_source(workspace)  # without data, say that first
    raise ProjectError("Nothing has been trained to the end yet. Run `make train` first.")


def print_scores(blended: Blend, console: Console) -> None:
    table = Table(title="Out-of-fold scores", title_justify="left")
    table.add_column("experiment")
    for heading in ("weight", "accuracy", "errors", "95 % interval"):
        table.add_column(heading, justify="right")
    for name, own in blended.members.items():
        table.add_row(escape(name), f"{blended.weights[name]:.3f}", *_cells_of(own))
    if len(blended.members) > 1:
        table.add_row(
            "[bold]blend[/]", "", *(f"[bold]{cell}[/]" for cell in _cells_of(blended.score))
        )
    console.print(table)


def _cells_of(own: Score) -> tuple[str, ...]:
    return (
        format_percent(own.accuracy, 3),
        f"{own.errors:,} of {own.images:,}",
        own.errors_interval,
    )
