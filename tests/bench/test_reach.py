"""When an accuracy counts as reached."""

import io
from typing import Any

import pytest
from rich.console import Console

from digit_recognizer.bench.reach import (
    GROUP,
    Point,
    describe_points,
    follow,
    measure_reach,
    time_to_reach,
)
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.workspace import Workspace

EPOCHS = [Point(1, 10, 0.985), Point(2, 20, 0.991), Point(3, 30, 0.9899), Point(4, 40, 0.994)]
QUIET = Console(file=io.StringIO())


class MadeUp:
    """Returns a made-up history, turn by turn."""

    def __init__(self, accuracies: list[float]) -> None:
        self._accuracies = iter(enumerate(accuracies, 1))

    def turn(self) -> dict[str, Any] | None:
        epoch, accuracy = next(self._accuracies, (0, 0.0))
        return {"epochs": epoch, "seconds": 10.0 * epoch, "accuracy": accuracy} if epoch else None


def test_the_first_epoch_that_is_accurate_enough_counts() -> None:
    assert time_to_reach(EPOCHS, 0.99) == EPOCHS[1]
    assert time_to_reach(EPOCHS, 0.994) == EPOCHS[3]
    assert time_to_reach(EPOCHS, 0.996) is None
    assert time_to_reach([], 0.99) is None


def test_of_separate_trainings_the_shortest_counts() -> None:
    trainings = [Point(4, 44, 0.995), Point(1, 12, 0.98), Point(2, 23, 0.9941)]
    assert time_to_reach(trainings, 0.994) == trainings[2]


def test_a_target_that_is_not_reached_shows_the_best() -> None:
    first, second, third = describe_points("it", EPOCHS, each_anew=False)
    assert (first.what, first.figure) == ("99.0 %: it", "20.0 s")
    assert second.figure == "40.0 s"
    assert third.figure == "not reached"
    assert "best 99.40 %, after 4 epochs of 4" in third.note


@pytest.mark.parametrize(
    ("accuracies", "limit", "followed"),
    [
        ([0.9, 0.99, 0.95], 100, 3),  # to the end
        ([0.9, 0.996, 0.999], 100, 2),  # all targets are reached
        ([0.9, 0.99, 0.95], 0, 1),  # the time is used up
    ],
)
def test_a_training_is_followed_until_the_end_the_last_target_or_the_limit(
    accuracies: list[float], limit: float, followed: int
) -> None:
    points = follow(MadeUp(accuracies), "it", limit, QUIET)  # type: ignore[arg-type]
    assert len(points) == followed


def test_with_little_data_the_row_says_that_it_is_left_out(workspace: Workspace) -> None:
    (row,) = measure_reach(workspace, EXPERIMENTS["stages"], 1, QUIET)
    assert (row.group, row.figure) == (GROUP, "left out")
    assert row.note == "data/ has 240 labelled rows, 10,000 are needed"
