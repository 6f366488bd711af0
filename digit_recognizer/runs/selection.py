"""Which experiments or runs a command is about.

In: what the person named, if anything. Out: their names, as experiments or as trained runs. What
always holds: where nothing is named, it is what was trained last; where something else is clearly
better, that is said.
"""

import contextlib
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.markup import escape

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train, read_source
from digit_recognizer.experiments.best_of import find_best
from digit_recognizer.experiments.experiment import Adopted, Experiment
from digit_recognizer.experiments.named import EXPERIMENTS, LINEUPS
from digit_recognizer.experiments.text import resolve_lineup, unknown_name, vary
from digit_recognizer.runs.blend import average
from digit_recognizer.runs.folder import open_run
from digit_recognizer.scores import LEVEL, Score, compare
from digit_recognizer.workspace import ProjectError, Workspace, read_json

# In place of a line-up's name: what makes the fewest errors out of fold.
TOP = "top"


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


@dataclass(frozen=True)
class Ranked:
    """Something that can be chosen, and which labelled images it gets wrong out of fold."""

    selection: Selection
    wrong: np.ndarray

    @property
    def score(self) -> Score:
        return Score(int(self.wrong.sum()), len(self.wrong))


def resolve_selection(
    workspace: Workspace, selection: Selection, settings: list[str], name: str | None
) -> list[Experiment]:
    """Return the selected experiments; the only one, varied, where there are settings for it."""
    if (settings or name) and len(selection.names) != 1:
        raise ProjectError("SET and NAME vary one experiment: name exactly one in EXPERIMENTS.")
    found = [_find(workspace, each) for each in selection.names]
    for each in found:
        if isinstance(each.network, Adopted):
            raise ProjectError(
                f"{each.name} was adopted: there is no network of it that could be trained. Leave "
                "it out here; `make submit EXPERIMENTS=...` blends it with others."
            )
    return [vary(each, settings, name) for each in found]


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
    raise unknown_name("experiment", name, dict.fromkeys([*EXPERIMENTS, *runs]))


def choose_trained(
    workspace: Workspace, lineup: str | None, experiments: list[str], console: Console | None = None
) -> Selection:
    """Return what the person named, what scores best, or else what was trained last.

    The console, if there is one, is told which was taken, and of a clearly better choice.
    """
    if lineup == TOP and not experiments:
        ranked = rank_trained(workspace)
        if not ranked:
            raise _nothing_trained(workspace)
        if console:
            console.print(f"{escape(ranked[0].selection.label)} scores best: {ranked[0].score}.")
        return ranked[0].selection
    named = Selection.of(lineup, experiments)
    selection = named or _read_trained_last(workspace)
    if console:
        if not named:
            console.print(f"{escape(selection.label)} was trained last, so it is taken.")
        # Somebody who names a single run has chosen; to read all the others would be for nothing.
        if not named or len(selection.names) > 1:
            _tell_of_better(workspace, selection, bool(named), console)
    return selection


def _read_trained_last(workspace: Workspace) -> Selection:
    match read_json(workspace.runs / "latest.json"):
        case {"label": str(label), "names": [*names]} if all(isinstance(n, str) for n in names):
            return Selection(label, tuple(names))
    raise _nothing_trained(workspace)


def _nothing_trained(workspace: Workspace) -> ProjectError:
    read_source(workspace)  # without data, say that first
    return ProjectError("Nothing has been trained to the end yet. Run `make train` first.")


def rank_trained(workspace: Workspace) -> list[Ranked]:
    """Return the complete runs of the data in data/ and the line-ups made of them, best first."""
    train = load_train(workspace)
    assert train.labels is not None
    data = fingerprint_of(train, load_test(workspace))
    found: dict[str, np.ndarray] = {}
    for path in sorted(workspace.runs.glob("*/config.json")):
        # A run that cannot be read cannot be taken; `make report` tells of it.
        with contextlib.suppress(ProjectError):
            run = open_run(workspace, path.parent.name)
            if run.config["data"] == data:
                found[run.name] = run.load_oof()
    selections = [Selection(name, (name,)) for name in found]
    lineups = [Selection(label, names) for label, names in LINEUPS.items() if len(names) > 1]
    with contextlib.suppress(ProjectError):
        lineups.append(_read_trained_last(workspace))
    known = {frozenset(each.names) for each in selections}
    for each in lineups:
        members = frozenset(each.names)
        if members <= found.keys() and members not in known:
            known.add(members)
            selections.append(each)
    ranked = [
        Ranked(each, average([found[name] for name in each.names]).argmax(axis=1) != train.labels)
        for each in selections
    ]
    return sorted(ranked, key=lambda each: (each.score.errors, len(each.selection.names)))


def _tell_of_better(
    workspace: Workspace, selection: Selection, only_members: bool, console: Console
) -> None:
    """Say which run or line-up is clearly better, and which member is better than its blend."""
    ranked = rank_trained(workspace)
    own = next((r for r in ranked if set(r.selection.names) == set(selection.names)), None)
    if own is None:  # of other data, or damaged: opening it will say so
        return
    for better in ranked:
        is_member = set(better.selection.names) < set(selection.names)
        comparison = compare(own.wrong, better.wrong)
        is_clear = comparison.p < LEVEL
        if comparison.difference > 0 and (is_member or (is_clear and not only_members)):
            name = better.selection.label
            option = "LINEUP" if name in LINEUPS else "EXPERIMENTS"
            what = "It is one of its members alone" if is_member else "It was trained before"
            console.print(
                f"[yellow]{escape(name)} makes fewer errors out of fold: {better.score.errors:,} "
                f"instead of {own.score.errors:,} of {own.score.images:,} "
                f"(p = {comparison.p:.2g}).[/] {what}. To take it: "
                f"{option}={escape(name)}; to take whatever is best: LINEUP={TOP}."
            )
            return
