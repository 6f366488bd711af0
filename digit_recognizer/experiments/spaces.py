"""The search spaces of `make tune`: which values of which experiment may vary, and how far.

In: an experiment's name; values from within its space. Out: its space, checked; the experiment
with these values. What always holds: every key is one of the experiment's, its own value lies
within its range, the ends of every range make sense to it, and no choice of epochs shows a network
more than `MOST_PASSES` times the images that the experiment itself would.
"""

import re
from dataclasses import asdict, dataclass
from typing import Any

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.text import from_dict, to_dict
from digit_recognizer.workspace import ProjectError

# Without a bound a search would find that longer training is better, and nothing else.
MOST_PASSES = 2.0
# Seed and folds decide on which images a trial is judged; precision belongs to the machine.
_FIXED = ("name", "published", "folds", "seed", "precision", "network", "augmentation")
_KEY = re.compile(r"(?:(network|augmentation)\.)?(\w+)(?:\[(\d+)\])?")

Value = bool | int | float | str | tuple[int, ...]


@dataclass(frozen=True)
class Between:
    """Numbers from `low` to `high`, both included; whole ones where both ends are whole."""

    low: float
    high: float
    log: bool = False  # whether doubling is as big a step below as above
    step: int = 1  # of whole numbers only

    @property
    def is_whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def ends(self) -> tuple[Value, ...]:
        return self.low, self.high

    def holds(self, value: Any) -> bool:
        if not self.low <= value <= self.high:
            return False
        return not self.is_whole or (value - self.low) % self.step == 0

    def flaw(self) -> str:
        """Return what is wrong with it by itself, or nothing."""
        if self.low >= self.high:
            return "low must be below high"
        if self.log and self.low <= 0:
            return "a logarithmic range begins above 0"
        if self.step < 1 or (self.step > 1 and (not self.is_whole or self.log)):
            return "step is for whole numbers that are not logarithmic"
        if self.is_whole and (self.high - self.low) % self.step:
            return "high must be reached in whole steps"
        return ""

    def round(self, value: float) -> float:
        """Return the value in three digits, as a person would write it down; or an end."""
        return value if self.is_whole else min(self.high, max(self.low, float(f"{value:.3g}")))


@dataclass(frozen=True)
class OneOf:
    """Any of these values."""

    values: tuple[Value, ...]

    @property
    def ends(self) -> tuple[Value, ...]:
        return self.values

    def holds(self, value: Any) -> bool:
        return (tuple(value) if isinstance(value, list) else value) in self.values

    def flaw(self) -> str:
        if len(set(self.values)) < 2 or len(set(self.values)) != len(self.values):
            return "expected two values or more, each once"
        return ""


Range = Between | OneOf
Space = dict[str, Range]

_REGULARIZATION: Space = {
    "weight_decay": Between(0.001, 0.1, log=True),
    "label_smoothing": Between(0.0, 0.15),
    "average_decay": OneOf((0.0, 0.95, 0.98, 0.99, 0.995)),
}
_MOVES: Space = {
    "augmentation.rotation": Between(0.0, 15.0),
    "augmentation.scale": Between(0.0, 0.15),
    "augmentation.shear": Between(0.0, 0.15),
    "augmentation.shift": Between(0.0, 3.0),
    "augmentation.elastic": Between(0.0, 0.8),
}
# Widths may grow by half at most: image passes do not tell a wide network from a narrow one.
_STAGES: Space = {
    "network.filters[0]": Between(16, 48, step=8),
    "network.filters[1]": Between(32, 96, step=16),
    "network.filters[2]": Between(32, 96, step=16),
    "network.depths[1]": Between(1, 3),
    "network.depths[2]": Between(1, 3),
    "network.dropout_rate": Between(0.0, 0.5),
    "learning_rate": Between(0.002, 0.03, log=True),
    "batch_size": OneOf((64, 128, 256)),
    **_REGULARIZATION,
    **_MOVES,
}
_DENSE: Space = {
    "network.dropout_rate": Between(0.0, 0.5),
    "network.batch_normalization": OneOf((False, True)),
    "learning_rate": Between(0.0002, 0.01, log=True),
    "schedule": OneOf(("constant", "triangular")),
    "optimizer": OneOf(("adam", "adamw")),
    "weight_decay": Between(0.0, 0.1),  # adamw only
    "label_smoothing": Between(0.0, 0.15),
    "augmentation.rotation": Between(0.0, 12.0),
    "augmentation.scale": Between(0.0, 0.12),
    "augmentation.shift": Between(0.0, 2.0),
}
_AVERAGE: Space = {"average_decay": OneOf((0.0, 0.95, 0.98, 0.99, 0.995))}
_SMALL_BATCHES: Space = {"batch_size": OneOf((32, 64, 128, 256))}
_LARGE_BATCHES: Space = {"batch_size": OneOf((128, 500, 1000, 2000))}
_TWO_LAYERS: Space = {
    "network.hidden_units[0]": Between(32, 512, log=True),
    "network.hidden_units[1]": Between(32, 512, log=True),
}

SPACES: dict[str, Space] = {
    "dense-784-784-256-128": {
        **_DENSE,
        **_AVERAGE,
        **_SMALL_BATCHES,
        "network.hidden_units": OneOf(
            ((784, 784, 256, 128), (784, 256, 128), (784, 256), (1024, 512), (512, 256, 128))
        ),
        "epochs": Between(5, 20),
        "pixels": OneOf(("raw", "unit")),
    },
    "dense-128-128": {
        **_DENSE, **_AVERAGE, **_SMALL_BATCHES, **_TWO_LAYERS, "epochs": Between(2, 6),
    },
    "dense-50-50": {
        **_DENSE,
        **_AVERAGE,
        **_SMALL_BATCHES,
        **_TWO_LAYERS,
        "epochs": Between(5, 20),
        "pixels": OneOf(("raw", "unit")),
    },
    "dense-128-64": {
        **_DENSE, **_AVERAGE, **_SMALL_BATCHES, **_TWO_LAYERS, "epochs": Between(5, 20),
    },
    "dense-256-128": {
        **_DENSE, **_AVERAGE, **_LARGE_BATCHES, **_TWO_LAYERS, "epochs": Between(10, 40),
    },
    "dense-256-128-regularized": {
        **_DENSE, **_AVERAGE, **_LARGE_BATCHES, **_TWO_LAYERS, "epochs": Between(10, 40),
    },
    # When it ends, it finds out by itself; and there is no average with early stopping.
    "dense-256-128-early-stopping": {**_DENSE, **_LARGE_BATCHES, **_TWO_LAYERS},
    "conv-32": {
        **_MOVES,
        **_AVERAGE,
        **_SMALL_BATCHES,
        "network.filters": OneOf(((16,), (32,), (48,), (16, 32), (32, 64))),
        "network.hidden_units": OneOf(((64,), (128,), (256,))),
        "pixels": OneOf(("raw", "unit")),
        "learning_rate": Between(0.0002, 0.01, log=True),
        "schedule": OneOf(("constant", "triangular")),
        "optimizer": OneOf(("adam", "adamw")),
        "weight_decay": Between(0.0, 0.1),  # adamw only
        "label_smoothing": Between(0.0, 0.15),
        "epochs": Between(5, 20),
    },
    "stages-short": {**_STAGES, "epochs": Between(4, 12)},
    "stages": {**_STAGES, "epochs": Between(6, 18)},
    "residual": {
        "network.filters[0]": Between(16, 48, step=8),
        "network.filters[1]": Between(32, 96, step=16),
        "network.filters[2]": Between(32, 96, step=16),
        "network.dropout_rate": Between(0.0, 0.5),
        "learning_rate": Between(0.002, 0.03, log=True),
        "batch_size": OneOf((64, 128, 256)),
        "epochs": Between(16, 36),
        **_REGULARIZATION,
        **_MOVES,
    },
    "sample-stages": {
        "network.filters[0]": Between(8, 24, step=8),
        "network.filters[1]": Between(16, 48, step=8),
        "network.filters[2]": Between(32, 96, step=16),
        "network.dropout_rate": Between(0.0, 0.5),
        "learning_rate": Between(0.001, 0.02, log=True),
        "batch_size": OneOf((32, 64, 128)),
        "epochs": Between(12, 32),
        **_REGULARIZATION,
        **_MOVES,
    },
}  # fmt: skip


def find_space(experiment: Experiment) -> Space:
    """Return the experiment's space, which is checked against it."""
    space = SPACES.get(experiment.name)
    if space is None:
        raise ProjectError(
            f"{experiment.name} has no search space; there is one for {', '.join(SPACES)}. Declare "
            "what may vary, and how far, in digit_recognizer/experiments/spaces.py:\n"
            f'  "{experiment.name}": {{"learning_rate": Between(0.0003, 0.003, log=True), '
            '"batch_size": OneOf((32, 64))},'
        )
    require_fit(experiment, space)
    return space


def require_fit(experiment: Experiment, space: Space) -> None:
    """Refuse a space that this experiment cannot be varied in."""
    own = to_dict(experiment)
    for key, range_ in space.items():
        try:
            _require(not range_.flaw(), range_.flaw())
            value = _read(own, key)
            _require(range_.holds(value), f"the experiment's own {value} is not in it")
            for end in range_.ends:
                apply(experiment, {key: end})
        except ProjectError as error:
            raise ProjectError(f"Search space of {experiment.name}, {key}: {error}") from None
    epochs = space.get("epochs")
    if epochs:
        _require(
            max(epochs.ends) <= MOST_PASSES * experiment.epochs,  # type: ignore[operator]
            f"Search space of {experiment.name}, epochs: a trial may take up to {MOST_PASSES:g} "
            f"times the experiment's {experiment.epochs}.",
        )


def apply(experiment: Experiment, chosen: dict[str, Value]) -> Experiment:
    """Return the experiment with these values in place of its own."""
    values = to_dict(experiment)
    # A whole list first, whatever the order: a place in it may follow.
    for key in sorted(chosen):
        value = chosen[key]
        part, last, place = _locate(values, key)
        new = list(value) if isinstance(value, tuple) else value
        if place is None:
            part[last] = new
        else:
            part[last][place] = new
    return from_dict(values)


def read_chosen(experiment: Experiment, space: Space) -> dict[str, Value]:
    """Return the values that the experiment itself has for the keys of the space."""
    own = to_dict(experiment)
    values = {key: _read(own, key) for key in space}
    return {key: tuple(each) if isinstance(each, list) else each for key, each in values.items()}


def describe_space(space: Space) -> dict[str, Any]:
    """Return the space as plain JSON values, to be compared with another."""
    return {
        key: {
            name: [_plain(each) for each in value] if isinstance(value, tuple) else value
            for name, value in asdict(range_).items()
        }
        for key, range_ in space.items()
    }


def _plain(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _read(values: dict[str, Any], key: str) -> Any:
    part, last, place = _locate(values, key)
    return part[last] if place is None else part[last][place]


def _locate(values: dict[str, Any], key: str) -> tuple[dict[str, Any], str, int | None]:
    """Return the dictionary that holds the key, its name there, and its place in a list."""
    match = _KEY.fullmatch(key)
    _require(match is not None, "expected a key as in SET, or one of a list as in filters[0]")
    assert match
    part = values[match[1]] if match[1] else values
    known = [each for each in part if each != "kind" and (match[1] or each not in _FIXED)]
    _require(match[2] in known, f"there is no such key to vary; there are {', '.join(known)}")
    if match[3] is None:
        return part, match[2], None
    listed, place = part[match[2]], int(match[3])
    _require(
        isinstance(listed, list) and place < len(listed),
        f"{match[2]}={listed} has no place {place}",
    )
    return part, match[2], place


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise ProjectError(problem)
