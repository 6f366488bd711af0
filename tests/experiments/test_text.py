"""Experiments survive the way through JSON; whatever does not belong in one is refused by name."""

import dataclasses
import json
import typing
from typing import Any

import pytest

from digit_recognizer.experiments.experiment import (
    Adopted,
    Augmentation,
    ConvStages,
    Dense,
    Deotte,
    Experiment,
    Network,
    PoolingConv,
    ResidualStages,
)
from digit_recognizer.experiments.named import EXPERIMENTS, LINEUPS
from digit_recognizer.experiments.text import from_dict, resolve_experiment, resolve_lineup, to_dict
from digit_recognizer.workspace import ProjectError

PLAIN = Experiment("plain", Dense((16,)))


def through_json(values: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(values))


def changed(key: str, value: object, experiment: Experiment = PLAIN) -> dict[str, Any]:
    """The experiment's JSON with one key, dotted where it is a part's, set to a value."""
    values = through_json(to_dict(experiment))
    owner = values
    *parts, last = key.split(".")
    for part in parts:
        owner = owner[part]
    owner[last] = value
    return values


def refusal(values: dict[str, Any]) -> str:
    with pytest.raises(ProjectError) as caught:
        from_dict(values)
    return str(caught.value)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_survives_json(name: str) -> None:
    experiment = EXPERIMENTS[name]
    assert experiment.name == name
    values = through_json(to_dict(experiment))
    again = from_dict(values)
    assert again == experiment
    assert hash(again) == hash(experiment)
    assert to_dict(again) == values, "configs are compared as JSON"
    assert type(again.network) is type(experiment.network)
    assert again.published == ""


@pytest.mark.parametrize(
    "network",
    [
        Dense(()),
        Dense((8, 4), 0.5, True),
        PoolingConv((4, 8), (2,)),
        Deotte(8),
        ConvStages((4,), first_padded=False),
        ResidualStages((4, 8)),
        Adopted(),
    ],
    ids=repr,
)
def test_every_kind_of_network_survives_json(network: Network) -> None:
    experiment = Experiment("any", network, augmentation=Augmentation(1, 0.2, 0.3, 4, 0.5))
    assert from_dict(through_json(to_dict(experiment))) == experiment


def test_the_networks_above_are_of_every_kind() -> None:
    assert set(typing.get_args(Network)) == {
        Dense,
        PoolingConv,
        Deotte,
        ConvStages,
        ResidualStages,
        Adopted,
    }


@pytest.mark.parametrize("lineup", LINEUPS)
def test_every_line_up_names_experiments_that_exist(lineup: str) -> None:
    names = resolve_lineup(lineup)
    assert names
    assert len(set(names)) == len(names)
    assert set(names) <= set(EXPERIMENTS)


def test_no_name_is_both_a_line_ups_and_an_experiments() -> None:
    assert set(LINEUPS).isdisjoint(EXPERIMENTS)


def test_what_was_published_is_no_part_of_the_comparison() -> None:
    for experiment in EXPERIMENTS.values():
        other = dataclasses.replace(experiment, published="something else")
        assert other == experiment
        assert dataclasses.replace(experiment, seed=experiment.seed + 1) != experiment


# --- reading a config ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["epoch", "Name", "", "network.units", "network.width", "augmentation.flip"]
)
def test_an_unknown_key_is_named(key: str) -> None:
    assert refusal(changed(key, 1)) == f"Unknown keys: {key}."


def test_all_unknown_keys_are_named_together() -> None:
    values = {**changed("zeta", 1), "alpha": 2}
    assert refusal(values) == "Unknown keys: alpha, zeta."


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("name", {key: value for key, value in to_dict(PLAIN).items() if key != "name"}),
        ("network.hidden_units", changed("network", {"kind": "Dense"})),
        (
            "network.filters, network.hidden_units",
            changed("network", {"kind": "PoolingConv"}),
        ),
    ],
)
def test_a_missing_key_is_named(key: str, values: dict[str, Any]) -> None:
    assert refusal(values) == f"Missing keys: {key}."


@pytest.mark.parametrize("key", ["network", "augmentation"])
@pytest.mark.parametrize("value", [None, "Dense", 3, ["kind", "Dense"]])
def test_a_part_that_is_no_object_is_named(key: str, value: object) -> None:
    assert refusal(changed(key, value)) == f"{key}={value!r}; expected an object with keys."
    values = to_dict(PLAIN)
    del values[key]
    assert refusal(values) == f"{key}=None; expected an object with keys."


@pytest.mark.parametrize("kind", ["dense", "", "Experiment", "Network"])
def test_an_unknown_kind_of_network_is_refused_with_those_there_are(kind: str) -> None:
    expected = "network.kind must be one of Dense, PoolingConv, Deotte, ConvStages, ResidualStages."
    assert refusal(changed("network.kind", kind)) == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("epochs", value) for value in ("3", 3.0, 3.5, True, None, [3])),
        *(("learning_rate", value) for value in ("0.1", True, None, [0.1])),
        *(("pixels", value) for value in (1, None, True, ["unit"])),
        *(("name", value) for value in (1, None)),
        *(("network.hidden_units", value) for value in (3, "34", [3.0], ["3"], [True], {"3": 4})),
        *(("network.dropout_rate", value) for value in ("0.5", False)),
        *(("network.batch_normalization", value) for value in (1, "true", None)),
        *(("augmentation.shift", value) for value in ("2", True, [2])),
    ],
)
def test_a_wrong_type_is_named_with_its_key(key: str, value: object) -> None:
    assert refusal(changed(key, value)) == f"{key}={value!r} is not of the right type."


def test_a_whole_number_is_good_enough_where_a_fraction_may_stand() -> None:
    read = from_dict(changed("augmentation.shift", 2))
    assert read.augmentation.shift == 2.0
    assert type(read.augmentation.shift) is float


BAD_VALUES: list[tuple[str, object, str]] = [
    ("pixels", "grey", "one of unit, raw"),
    ("optimizer", "sgd", "one of adam, adamw"),
    ("schedule", "cosine", "one of constant, exponential, triangular"),
    ("epochs", 0, "at least 1"),
    ("epochs", -3, "at least 1"),
    ("batch_size", 0, "at least 1"),
    ("learning_rate", 0.0, "a number above 0"),
    ("learning_rate", -0.1, "a number above 0"),
    ("learning_rate", float("nan"), "a number above 0"),
    ("learning_rate", float("inf"), "a number above 0"),
    ("decay_per_epoch", 0.0, "a number above 0"),
    ("label_smoothing", 1.0, "at least 0 and below 1"),
    ("label_smoothing", float("nan"), "at least 0 and below 1"),
    ("average_decay", 1.0, "at least 0 and below 1"),
    ("average_decay", -0.1, "at least 0 and below 1"),
    ("weight_decay", -0.1, "at least 0"),
    ("weight_decay", float("inf"), "at least 0"),
    ("patience", -1, "at least 0"),
    ("seed", -1, "0 to 4294967295, as NumPy's seeds are"),
    ("seed", 2**32, "0 to 4294967295, as NumPy's seeds are"),
    ("test_shift", -1, "0 to 4 pixels"),
    ("test_shift", 5, "0 to 4 pixels"),
    ("folds", 1, "2 to 100"),
    ("folds", 101, "2 to 100"),
    ("network.hidden_units", [16, 0], "at least 1"),
    ("network.dropout_rate", 1.0, "at least 0 and below 1"),
    ("network.dropout_rate", -0.1, "at least 0 and below 1"),
    ("augmentation.rotation", -1.0, "at least 0"),
    ("augmentation.rotation", float("nan"), "at least 0"),
    ("augmentation.elastic", float("inf"), "at least 0"),
]


@pytest.mark.parametrize(("key", "value", "expected"), BAD_VALUES)
def test_a_value_that_makes_no_sense_is_named_with_its_key(
    key: str, value: object, expected: str
) -> None:
    shown = tuple(value) if isinstance(value, list) else value
    assert refusal(changed(key, value)) == f"plain: {key}={shown!r}; expected {expected}."


@pytest.mark.parametrize(
    ("network", "key"),
    [
        (lambda: PoolingConv((32, 0), (16,)), "network.filters"),
        (lambda: PoolingConv((32,), (-1,)), "network.hidden_units"),
        (lambda: Deotte(width=0), "network.width"),
        (lambda: Deotte(dropout_rate=2.0), "network.dropout_rate"),
        (lambda: ConvStages((0,)), "network.filters"),
        (lambda: ConvStages((4, 8), depths=(1, 0)), "network.depths"),
        (lambda: ConvStages((4, 8), depths=(1,)), "network.depths"),
        (lambda: ConvStages((4,), first_size=0), "network.first_size"),
    ],
)
def test_a_network_that_cannot_be_built_is_named_with_its_key(network, key: str) -> None:
    with pytest.raises(ProjectError, match=f"^any: {key}="):
        Experiment("any", network())


def test_patience_and_an_average_exclude_each_other() -> None:
    values = changed("average_decay", 0.9, dataclasses.replace(PLAIN, patience=3))
    assert refusal(values) == "plain: patience=3; expected 0 with an average."


# --- the command line ---------------------------------------------------------------------------


def test_a_name_alone_is_the_experiment_itself() -> None:
    for name, experiment in EXPERIMENTS.items():
        assert resolve_experiment(name, [], None) is experiment


def test_settings_make_a_variation_under_a_name_of_its_own() -> None:
    settings = [
        *("epochs=3", "learning_rate=1e-2", "schedule=constant", "network.filters=4,8,8"),
        *("network.dropout_rate=0", "augmentation.shift=1", "seed=7"),
    ]
    original = EXPERIMENTS["stages"]
    epochs = original.epochs
    assert resolve_experiment("stages", settings, "mine") == dataclasses.replace(
        original,
        name="mine",
        epochs=3,
        learning_rate=0.01,
        schedule="constant",
        seed=7,
        network=dataclasses.replace(original.network, filters=(4, 8, 8), dropout_rate=0.0),
        augmentation=dataclasses.replace(original.augmentation, shift=1.0),
    )
    assert original.epochs == epochs, "the original stays as it is"


def test_a_variation_does_not_claim_what_was_published_of_the_original() -> None:
    assert EXPERIMENTS["conv-32"].published
    assert resolve_experiment("conv-32", ["epochs=2"], "mine").published == ""


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_truth_can_be_written_in_any_case(text: str) -> None:
    varied = resolve_experiment("dense-128-64", [f"network.batch_normalization={text}"], "mine")
    assert varied.network == Dense((128, 64), batch_normalization=True)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (["epochs=2"], None),
        (["epochs=2"], ""),
        ([], "mine"),
        (["epochs=2"], "stages"),
        (["epochs=2"], "deotte"),
        (["epochs=2"], "standard"),
    ],
    ids=[
        *("no name", "an empty name", "no settings"),
        *("its own old name", "another experiment's name", "a line-up's name"),
    ],
)
def test_a_variation_needs_settings_and_a_name_of_its_own(
    settings: list[str], name: str | None
) -> None:
    with pytest.raises(ProjectError, match=r"needs both SET=.* and a NAME of its own"):
        resolve_experiment("stages", settings, name)


@pytest.mark.parametrize(
    "name", ["../x", "a/b", ".hidden", "-x", "_x", "a b", "ä", "x" * 65, "x\n", "x;y", "..", "*"]
)
def test_a_name_that_could_leave_its_folder_is_refused(name: str) -> None:
    with pytest.raises(ProjectError, match="expected up to 64 letters"):
        resolve_experiment("stages", ["epochs=2"], name)


def test_unknown_experiments_and_line_ups_are_refused_with_those_there_are() -> None:
    with pytest.raises(
        ProjectError, match=r"no experiment 'stage'\. Did you mean stages\? There are: .*stages,"
    ):
        resolve_experiment("stage", [], None)
    with pytest.raises(ProjectError, match=r"no line-up 'stages'\. There are: .*standard"):
        resolve_lineup("stages")


@pytest.mark.parametrize(
    "key",
    [
        *("epoch", "", "name", "published", "network", "augmentation", "network.", ".epochs"),
        *("network.kind", "network.hidden_units", "augmentation.flip", "network.filters.0"),
        *("experiment.epochs", "Epochs", " epochs"),
    ],
)
def test_a_setting_of_an_unknown_key_is_refused_with_those_there_are(key: str) -> None:
    with pytest.raises(ProjectError) as caught:
        resolve_experiment("stages", [f"{key}=1"], "mine")
    assert str(caught.value).startswith(
        f"SET has no key {key!r}. There are: pixels, digit_width, epochs,"
    )
    assert "network.filters" in str(caught.value)


@pytest.mark.parametrize("setting", ["epochs", "epochs:3", ""])
def test_a_setting_without_an_equals_sign_is_shown(setting: str) -> None:
    with pytest.raises(ProjectError, match=f"SET holds '{setting}'; expected key=value"):
        resolve_experiment("stages", [setting], "mine")


@pytest.mark.parametrize(
    ("setting", "kind"),
    [
        ("epochs=3.5", "int"),
        ("epochs=", "int"),
        ("epochs=many", "int"),
        ("learning_rate=fast", "float"),
        ("learning_rate=1,5", "float"),
        ("network.filters=", "whole numbers with commas"),
        ("network.filters=4,", "whole numbers with commas"),
        ("network.filters=(4, 8)", "whole numbers with commas"),
        ("network.filters=4.5", "whole numbers with commas"),
    ],
)
def test_a_setting_of_the_wrong_type_is_named_with_its_key(setting: str, kind: str) -> None:
    key, _, text = setting.partition("=")
    with pytest.raises(ProjectError) as caught:
        resolve_experiment("stages", [setting], "mine")
    assert str(caught.value) == f"SET {key}={text!r} is not of the right type ({kind})."


@pytest.mark.parametrize("text", ["yes", "1", ""])
def test_a_setting_that_is_neither_true_nor_false_is_refused(text: str) -> None:
    with pytest.raises(ProjectError, match=r"is not of the right type \(bool\)"):
        resolve_experiment("dense-128-64", [f"network.batch_normalization={text}"], "mine")


@pytest.mark.parametrize(
    "setting",
    [
        *("epochs=0", "learning_rate=nan", "learning_rate=inf", "folds=1", "seed=-1"),
        *("pixels=grey", "network.dropout_rate=1", "network.filters=0", "augmentation.shear=nan"),
        "patience=2",  # the experiment has an average
    ],
)
def test_a_setting_that_makes_no_sense_is_named_with_its_key(setting: str) -> None:
    with pytest.raises(ProjectError, match=f"^mine: {setting.partition('=')[0]}="):
        resolve_experiment("stages", [setting], "mine")
