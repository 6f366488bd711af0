"""A space fits its experiment, or is refused with what is wrong."""

from dataclasses import replace

import pytest

from digit_recognizer.experiments.experiment import ConvStages, Dense, Experiment
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.experiments.spaces import (
    MOST_PASSES,
    SPACES,
    Between,
    OneOf,
    Space,
    apply,
    find_space,
    read_chosen,
    require_fit,
)
from digit_recognizer.workspace import ProjectError

PLAIN = Experiment("plain", Dense((16, 8)), epochs=4)


@pytest.mark.parametrize("name", SPACES)
def test_every_declared_space_fits_and_leads_back_to_its_experiment(name: str) -> None:
    experiment = EXPERIMENTS[name]
    space = find_space(experiment)
    assert apply(experiment, read_chosen(experiment, space)) == experiment
    ends = {key: range_.ends[-1] for key, range_ in space.items()}
    varied = apply(experiment, ends)
    assert read_chosen(varied, space).keys() == ends.keys()
    assert varied.epochs <= MOST_PASSES * experiment.epochs


def test_an_experiment_without_a_space_is_told_how_to_declare_one() -> None:
    with pytest.raises(ProjectError, match=r"deotte has no search space.*spaces\.py") as told:
        find_space(EXPERIMENTS["deotte"])
    assert '"deotte": {"learning_rate": Between(' in str(told.value)


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        ({"learning_rat": Between(0.0001, 0.01)}, "no such key"),
        ({"network.width": Between(1, 64)}, "no such key"),
        ({"network.kind": OneOf(("Dense", "Deotte"))}, "no such key"),
        ({"seed": Between(0, 9)}, "no such key"),
        ({"folds": OneOf((4, 5))}, "no such key"),
        ({"network.hidden_units[2]": Between(4, 8)}, "has no place 2"),
        ({"learning rate": Between(0.0001, 0.01)}, "expected a key"),
        ({"learning_rate": Between(0.01, 0.1)}, "own 0.001 is not in it"),
        ({"learning_rate": Between(-1.0, 0.01)}, "expected a number above 0"),
        ({"label_smoothing": Between(0.0, 1.5)}, "expected at least 0 and below 1"),
        ({"learning_rate": Between(0.0, 0.01, log=True)}, "begins above 0"),
        ({"learning_rate": Between(0.01, 0.0001)}, "low must be below high"),
        ({"batch_size": Between(16, 50, step=16)}, "high must be reached"),
        ({"batch_size": Between(10, 42, step=16)}, "own 32 is not in it"),
        ({"batch_size": Between(16.0, 64.0)}, "not of the right type"),
        ({"schedule": OneOf(("constant", "cosine"))}, "expected one of"),
        ({"schedule": OneOf(("constant",))}, "two values or more"),
        ({"epochs": Between(2, 9)}, "up to 2 times the experiment's 4"),
    ],
)
def test_a_space_that_does_not_fit_is_refused(space: Space, problem: str) -> None:
    with pytest.raises(ProjectError, match=problem):
        require_fit(PLAIN, space)


def test_values_come_to_lie_where_their_keys_say() -> None:
    varied = apply(
        PLAIN,
        {
            "network.hidden_units[1]": 5,
            "augmentation.rotation": 3.5,
            "learning_rate": 0.02,
            "network.batch_normalization": True,
        },
    )
    assert varied == replace(
        PLAIN,
        network=Dense((16, 5), batch_normalization=True),
        augmentation=replace(PLAIN.augmentation, rotation=3.5),
        learning_rate=0.02,
    )


def test_a_place_in_a_list_is_set_after_the_list_itself() -> None:
    stages = Experiment("stages", ConvStages((8, 8), depths=(1, 1)))
    varied = apply(stages, {"network.filters[0]": 4, "network.filters": (16, 32)})
    assert isinstance(varied.network, ConvStages)
    assert varied.network.filters == (4, 32)


def test_rounded_values_stay_in_their_range() -> None:
    narrow = Between(0.0012345, 0.0012355)
    assert narrow.round(0.0012345) == 0.0012345
    assert narrow.round(0.0012354) == 0.0012355
    assert Between(0.001, 1.0).round(0.0123456) == 0.0123
    assert Between(1, 100_000).round(12_345) == 12_345
