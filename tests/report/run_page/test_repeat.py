"""The command on the page leads to the very same experiment."""

import shlex
from dataclasses import replace

import pytest

from digit_recognizer.experiments.experiment import Augmentation, Dense, Experiment
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.experiments.text import resolve_experiment
from digit_recognizer.report.run_page.record import find_command, means_another_today


def follow(command: str) -> Experiment:
    """What `make train` would train."""
    words = shlex.split(command)
    assert words[:2] == ["make", "train"]
    options = dict(word.split("=", 1) for word in words[2:])
    settings = options.get("SET", "").split()
    return resolve_experiment(options["EXPERIMENTS"], settings, options.get("NAME"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_named_experiment_is_repeated_by_name(name: str) -> None:
    assert find_command(EXPERIMENTS[name]) == f"make train EXPERIMENTS={name}"
    assert not means_another_today(EXPERIMENTS[name])


@pytest.mark.parametrize(
    "settings",
    [
        "epochs=3",
        "seed=7 learning_rate=0.00025 precision=float32",
        "network.depths=1,1,2 network.first_padded=true augmentation.elastic=0.5",
    ],
)
def test_a_variation_is_repeated_by_what_was_set(settings: str) -> None:
    wanted = resolve_experiment("stages", settings.split(), "mine")
    command = find_command(wanted)
    assert command is not None
    assert follow(command) == wanted
    assert command.startswith("make train EXPERIMENTS=stages ")


def test_an_experiment_that_was_changed_since_takes_a_name_of_its_own() -> None:
    older = replace(EXPERIMENTS["stages"], epochs=6)
    assert means_another_today(older)
    command = find_command(older)
    assert command is not None
    assert follow(command) == replace(older, name="stages-again")


@pytest.mark.parametrize(
    "wanted",
    [
        Experiment("$(reboot)", Dense((16,))),
        Experiment("-rf", Dense((16,))),
        Experiment("mine", Dense(())),
    ],
    ids=["a name for the shell", "a name like an option", "a value that SET cannot say"],
)
def test_what_no_command_can_say_has_none(wanted: Experiment) -> None:
    assert find_command(wanted) is None


def test_the_nearest_experiment_is_the_base() -> None:
    wanted = replace(EXPERIMENTS["deotte"], name="mine", augmentation=Augmentation(rotation=5))
    command = find_command(wanted)
    assert command is not None
    assert "EXPERIMENTS=deotte" in command
    assert follow(command) == wanted
