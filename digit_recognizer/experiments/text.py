"""Experiments from text and to text: names, `SET=` settings, JSON.

In: names, `key=value` settings, JSON values. Out: experiments, and back. What always holds:
`from_dict` undoes `to_dict`, and every unknown key or wrong type is refused.
"""

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterable
from typing import Any, cast

from digit_recognizer.experiments.experiment import Adopted, Augmentation, Experiment, Network
from digit_recognizer.experiments.named import EXPERIMENTS, LINEUPS
from digit_recognizer.workspace import ProjectError


def resolve_lineup(lineup: str) -> tuple[str, ...]:
    """Return the names of the line-up's experiments."""
    if lineup not in LINEUPS:
        raise unknown_name("line-up", lineup, LINEUPS)
    return LINEUPS[lineup]


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ProjectError:
    """Return an error that says what the person may have meant."""
    known = list(known)
    return ProjectError(
        f"There is no {kind} {name!r}.{suggest(name, known)} There are: {', '.join(known)}."
    )


def suggest(name: str, known: Iterable[str]) -> str:
    """Return what to type in place of a name that is not known; empty where nothing is similar."""
    if "," in name:
        return ' Separate names by spaces: EXPERIMENTS="a b".'
    alike = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {alike[0]}?" if alike else ""


def resolve_experiment(name: str, settings: list[str], new_name: str | None) -> Experiment:
    """Return the named experiment, varied by `key=value` settings under a name of its own."""
    if name not in EXPERIMENTS:
        raise unknown_name("experiment", name, EXPERIMENTS)
    return vary(EXPERIMENTS[name], settings, new_name)


def vary(experiment: Experiment, settings: list[str], new_name: str | None) -> Experiment:
    """Return the experiment with some values changed; with none, as it is."""
    if not settings and new_name is None:
        return experiment
    if not (settings and new_name) or new_name in EXPERIMENTS or new_name in LINEUPS:
        raise ProjectError(
            'A variation needs both SET="key=value ..." and a NAME of its own, one that no '
            "experiment or line-up has."
        )
    require_name(new_name)
    values = to_dict(experiment)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise ProjectError(f"SET holds {setting!r}; expected key=value.")
        _set(values, experiment, key, text)
    return from_dict({**values, "name": new_name})


def require_name(name: str) -> None:
    """Refuse a name that would not do for a folder."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise ProjectError(f"NAME={name}: expected up to 64 letters, digits, '-' and '_'.")


def find_variation(wanted: Experiment, name: str) -> tuple[str, list[str]] | None:
    """Return the experiment that is nearest, and the settings that vary it into the wanted one.

    None where no settings can say it, or none that a shell and make would leave as they are.
    """
    found = [
        (len(settings), base, settings)
        for base in EXPERIMENTS
        if (settings := _find_settings(EXPERIMENTS[base], wanted, name))
    ]
    return min(found, key=lambda each: each[0])[1:] if found else None


def _find_settings(base: Experiment, wanted: Experiment, name: str) -> list[str]:
    """Return what SET must say to make the wanted experiment of the base; nothing if it cannot."""
    before, after = flatten(to_dict(base)), flatten(to_dict(wanted))
    settings = [
        f"{key}={_as_setting(value)}"
        for key, value in after.items()
        if key != "name" and before.get(key) != value
    ]
    try:
        made = vary(base, settings, name)
    except ProjectError:  # another kind of network, or a value that SET cannot say
        return []
    same = flatten(to_dict(made)) | {"name": wanted.name} == after
    plain = all(re.fullmatch(r"[\w.=,+-]+", each, re.ASCII) for each in settings)
    return settings if same and plain else []


def _as_setting(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def to_dict(experiment: Experiment) -> dict[str, Any]:
    """Return what is trained as plain JSON values; the network's kind is among them."""
    values = dataclasses.asdict(experiment)
    del values["published"]
    values["network"] = {"kind": type(experiment.network).__name__, **values["network"]}
    return cast(dict[str, Any], _listed(values))


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested objects as one, with dots in its keys."""
    if not isinstance(value, dict):
        return {prefix: value} if prefix else {}
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        flat |= flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    return flat


def from_dict(values: dict[str, Any]) -> Experiment:
    """Rebuild what `to_dict` returned, refusing keys and types that do not belong."""
    if not isinstance(values, dict):
        raise ProjectError(f"{values!r} is no experiment; expected an object with keys.")
    kinds = {kind.__name__: kind for kind in typing.get_args(Network)}
    parts: dict[str, Any] = {key: values.get(key) for key in ("network", "augmentation")}
    for key, part in parts.items():
        if not isinstance(part, dict):
            raise ProjectError(f"{key}={part!r}; expected an object with keys.")
    network = dict(parts["network"])
    kind = kinds.get(network.pop("kind", ""))
    if kind is None:
        trainable = [name for name in kinds if name != Adopted.__name__]
        raise ProjectError(f"network.kind must be one of {', '.join(trainable)}.")
    return cast(
        Experiment,
        _build(
            Experiment,
            {
                **values,
                "network": _build(kind, network, "network."),
                "augmentation": _build(Augmentation, parts["augmentation"], "augmentation."),
            },
        ),
    )


def _set(values: dict[str, Any], experiment: Experiment, key: str, text: str) -> None:
    """Put one setting into `values`, read as the type that the key has."""
    part, _, last = key.rpartition(".")
    owners = {
        "": experiment,
        "network": experiment.network,
        "augmentation": experiment.augmentation,
    }
    known = [
        prefix + ("." if prefix else "") + name.name
        for prefix, owner in owners.items()
        for name in dataclasses.fields(owner)
    ]
    settable = [name for name in known if name not in (*owners, "name", "published")]
    if key not in settable:
        raise ProjectError(f"SET has no key {key!r}. There are: {', '.join(settable)}.")
    owner = owners[part]
    values = values[part] if part else values
    values[last] = _parse(text, typing.get_type_hints(type(owner))[last], key)


def _parse(text: str, wanted: Any, key: str) -> Any:
    try:
        if typing.get_origin(wanted) is tuple:
            return [int(part) for part in text.split(",")]
        if wanted is bool:
            return {"true": True, "false": False}[text.lower()]
        return wanted(text)
    except (ValueError, KeyError):
        shown = "whole numbers with commas" if typing.get_origin(wanted) else wanted.__name__
        raise ProjectError(f"SET {key}={text!r} is not of the right type ({shown}).") from None


def _build(cls: Any, values: dict[str, Any], prefix: str = "") -> Any:
    hints = typing.get_type_hints(cls)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise ProjectError(f"Unknown keys: {', '.join(prefix + key for key in unknown)}.")
    required = [field.name for field in dataclasses.fields(cls) if _is_required(field)]
    missing = [prefix + key for key in required if key not in values]
    if missing:
        raise ProjectError(f"Missing keys: {', '.join(missing)}.")
    built = {}
    for key, value in values.items():
        wanted = hints[key]
        if typing.get_origin(wanted) is tuple:
            if isinstance(value, list) and all(type(inner) is int for inner in value):
                value = tuple(value)
            wanted = tuple
        elif isinstance(wanted, types.UnionType):
            wanted = typing.get_args(wanted)
        elif wanted is float and type(value) is int:
            value = float(value)
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise ProjectError(f"{prefix}{key}={value!r} is not of the right type.")
        built[key] = value
    return cls(**built)


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _listed(value: Any) -> Any:
    """Tuples as lists: JSON knows no other, and configs are compared as JSON."""
    if isinstance(value, dict):
        return {key: _listed(inner) for key, inner in value.items()}
    return [_listed(inner) for inner in value] if isinstance(value, tuple) else value
