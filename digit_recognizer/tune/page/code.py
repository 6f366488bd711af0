"""An experiment as Python, to be pasted into experiments/named.py.

In: an experiment. Out: the call that makes it. What always holds: it says what differs from the
defaults and nothing else, and leads back to the very same experiment.
"""

import dataclasses
from typing import Any

from digit_recognizer.experiments.experiment import Augmentation, Experiment


def as_code(experiment: Experiment) -> str:
    lines = [f"    {_quote(experiment.name)},", f"    {_call(experiment.network)},"]
    for field in dataclasses.fields(experiment):
        value = getattr(experiment, field.name)
        if field.name in ("name", "network", "published") or value == field.default:
            continue
        text = _call(value) if isinstance(value, Augmentation) else _quote(value)
        lines.append(f"    {field.name}={text},")
    return "\n".join(["Experiment(", *lines, ")"])


def _call(part: Any) -> str:
    """Return the call that makes a network or an augmentation."""
    given = [
        f"{field.name}={_quote(getattr(part, field.name))}"
        for field in dataclasses.fields(part)
        if getattr(part, field.name) != field.default
    ]
    return f"{type(part).__name__}({', '.join(given)})"


def _quote(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
