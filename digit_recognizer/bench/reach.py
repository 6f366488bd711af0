"""How long it takes to train to an accuracy on a held-out fold.

In: a workspace with full-size data. Out: rows of the table. What always holds: the accuracy is of
all images of fold 0, which are not trained on, and the seconds are those of training only.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console

from digit_recognizer.bench.contenders import Contender, contending
from digit_recognizer.bench.table import Row, format_number
from digit_recognizer.bench.turns import Task
from digit_recognizer.data.dataset import find_source
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.experiments.text import to_dict
from digit_recognizer.runs.environment import available_cores
from digit_recognizer.scores import format_percent
from digit_recognizer.workspace import Workspace

TARGETS = (0.990, 0.994, 0.996)
_ENOUGH_ROWS = 10_000
GROUP = "training time to an accuracy on the whole of held-out fold 0"


@dataclass(frozen=True)
class Point:
    """The accuracy of a training after some epochs and seconds."""

    epochs: int
    seconds: float
    accuracy: float


def measure_reach(
    workspace: Workspace, experiment: Experiment, limit: float, console: Console
) -> Iterator[Row]:
    rows = count_rows(workspace)
    if rows < _ENOUGH_ROWS:
        yield Row(GROUP, "all", "left out", note=needs_more(rows))
        return
    deotte = EXPERIMENTS["deotte"]
    rows_of: dict[str, list[Row]] = {}
    for label, role, of in (
        (f"{experiment.name}, ours", "by the whole training", experiment),
        ("Keras's example", "by the Keras example", experiment),
        ("deotte, ours", "by epochs", deotte),
    ):
        # The same split for all of them.
        values = to_dict(of) | {"folds": experiment.folds, "seed": experiment.seed}
        task = Task(f"reach {role}", str(workspace.root), values, available_cores())
        with contending(task) as contender:
            contender.warm_up()
            points = follow(contender, label, limit, console)
        rows_of[label] = list(describe_points(label, points, role == "by the whole training"))
    # Sorted by target, so that compared rows are next to each other.
    for together in zip(*rows_of.values(), strict=True):
        yield from together


def count_rows(workspace: Workspace) -> int:
    source = find_source(workspace)
    return int(source["files"]["train.csv"]["rows"]) if source else 0


def needs_more(rows: int) -> str:
    return f"data/ has {rows:,} labelled rows, {_ENOUGH_ROWS:,} are needed"


def time_to_reach(points: list[Point], target: float) -> Point | None:
    """Return the fastest of the points that are accurate enough."""
    enough = [point for point in points if point.accuracy >= target]
    return min(enough, key=lambda point: point.seconds, default=None)


def describe_points(
    label: str, points: list[Point], each_anew: bool, group: str = GROUP
) -> Iterator[Row]:
    best = max(points, key=lambda point: point.accuracy)
    known = "the shortest of trainings of" if each_anew else "the first of"
    tried = ", ".join(str(point.epochs) for point in points) if each_anew else str(len(points))
    for target in TARGETS:
        found = time_to_reach(points, target)
        what = f"{format_percent(target, 1)}: {label}"
        if found:
            accuracy = format_percent(found.accuracy, 2)
            note = f"one run; {found.epochs} epochs, {known} {tried}; {accuracy}"
            yield Row(group, what, f"{format_number(found.seconds)} s", note=note)
        else:
            accuracy = format_percent(best.accuracy, 2)
            spent = f"best {accuracy}, after {best.epochs} epochs of {points[-1].epochs}"
            yield Row(group, what, "not reached", note=f"one run; {spent}")


def follow(contender: Contender, label: str, limit: float, console: Console) -> list[Point]:
    """Return points until the last target is reached, the training ends or the time is used."""
    points: list[Point] = []
    started = time.perf_counter()
    while time.perf_counter() - started < limit or not points:
        answer = contender.turn()
        if answer is None:
            break
        points.append(Point(**answer))
        console.print(
            f"  {label}: {points[-1].epochs} epochs, {points[-1].seconds:.0f} s, "
            f"{format_percent(points[-1].accuracy, 2)}"
        )
        if points[-1].accuracy >= TARGETS[-1]:
            break
    return points
