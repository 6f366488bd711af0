"""Which experiments or runs a command is about.

In: what the person named, if anything. Out: their names, as experiments or as trained runs. What
always holds: where nothing is named, it is what was trained last.
"""

from dataclasses import dataclass

from digit_recognizer.data.dataset import read_source
from digit_recognizer.experiments.best_of import find_best
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.experiments.text import resolve_lineup, vary
from digit_recognizer.runs.folder import open_run
from digit_recognizer.workspace import ProjectError, Workspace, read_json


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
