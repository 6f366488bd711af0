"""What an experiment is: a network and how to train it, as frozen dataclasses.

What always holds: an experiment has everything that its training depends on, besides the data and
the machine; and its values make sense, or it would not exist.
"""

import math
import operator
from dataclasses import dataclass, field
from typing import Any

from digit_recognizer.workspace import ProjectError


@dataclass(frozen=True)
class Dense:
    """Flatten, then dense layers with ReLU."""

    hidden_units: tuple[int, ...]
    dropout_rate: float = 0.0
    batch_normalization: bool = False


@dataclass(frozen=True)
class PoolingConv:
    """The tutorials' network: 3x3 convolution and pooling in turn, then dense layers."""

    filters: tuple[int, ...]
    hidden_units: tuple[int, ...]


@dataclass(frozen=True)
class Deotte:
    """The network of the Kaggle record: strided convolutions in place of pooling."""

    width: int = 32  # filters of the first stage; the next have two and four times as many
    dropout_rate: float = 0.4


@dataclass(frozen=True)
class ConvStages:
    """Stages of 3x3 convolutions with batch normalisation; each stage ends with a max-pool."""

    filters: tuple[int, ...] = (32, 64, 128)
    dropout_rate: float = 0.3
    depths: tuple[int, ...] = ()  # convolutions in each stage; two where nothing is said
    first_size: int = 3  # side of the very first convolution, which alone sees pixels
    # Without padding, 5x5 makes 24x24 of 28x28: a quarter less work, and edges are mostly paper.
    first_padded: bool = True
    # The same for the first convolution of the second stage, which is where most of the work is.
    second_padded: bool = True
    # Pixels cut off at each side, which are paper: a digit fills 20x20 of 28x28.
    crop: int = 0


@dataclass(frozen=True)
class ResidualStages:
    """A 5x5 convolution; then stages of a 3x3 convolution and a residual pair of them.

    The pairs come after the stage's pooling, where they cost a quarter.
    """

    filters: tuple[int, ...] = (32, 64, 64)  # of the first convolution and of each stage
    dropout_rate: float = 0.3


@dataclass(frozen=True)
class Adopted:
    """In place of a network: another program's predictions (`make adopt`). It cannot be trained."""


Network = Dense | PoolingConv | Deotte | ConvStages | ResidualStages | Adopted


@dataclass(frozen=True)
class Augmentation:
    """How far a training image may be moved; each draw is uniform in plus or minus the figure."""

    rotation: float = 0.0  # degrees
    scale: float = 0.0  # part of the size, of each axis on its own
    shear: float = 0.0  # columns per row
    shift: float = 0.0  # pixels
    elastic: float = 0.0  # standard deviation in pixels of a smooth random displacement


@dataclass(frozen=True)
class Experiment:
    name: str
    network: Network
    pixels: str = "unit"  # what the network is fed: "unit" for 0..1, "raw" for 0..255
    # Stretch every digit to so many columns, at most to twice its width; 0 leaves it as it is.
    digit_width: int = 0
    augmentation: Augmentation = Augmentation()
    epochs: int = 10
    batch_size: int = 32
    optimizer: str = "adam"  # or "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0  # adamw only
    schedule: str = "constant"  # or "exponential", "triangular"
    decay_per_epoch: float = 1.0  # exponential only
    label_smoothing: float = 0.0
    # Sharpness-aware minimisation: each step goes by the gradient at the worst weights within this
    # distance, for twice the work; 0 goes by the gradient where the weights are.
    sharpness_radius: float = 0.0
    # Exponential moving average of the weights, per step; 0 trains without one.
    average_decay: float = 0.0
    # Stop after so many epochs without a better loss on a tenth of the training part, which is
    # held out for that alone: the fold that scores the network must not choose when it stops.
    patience: int = 0
    # What networks compute in; weights are float32 anyway. "auto" takes bfloat16 where the
    # processor is the faster for it, by a measurement of its own.
    precision: str = "float32"  # or "bfloat16", "auto"
    test_shift: int = 0  # pixels; average predictions over shifts by so much, too
    folds: int = 5
    seed: int = 0
    # What its authors published; no part of what is trained.
    published: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for key, choices in _CHOICES.items():
            _require(getattr(self, key) in choices, self, key, f"one of {', '.join(choices)}")
        for key in ("epochs", "batch_size"):
            _require(getattr(self, key) >= 1, self, key, "at least 1")
        for key in ("learning_rate", "decay_per_epoch"):
            _require(0 < getattr(self, key) < math.inf, self, key, "a number above 0")
        for key in ("label_smoothing", "average_decay"):
            _require(0 <= getattr(self, key) < 1, self, key, "at least 0 and below 1")
        for key in ("weight_decay", "patience", "sharpness_radius"):
            _require(0 <= getattr(self, key) < math.inf, self, key, "at least 0")
        _require(0 <= self.seed < 2**32, self, "seed", "0 to 4294967295, as NumPy's seeds are")
        _require(0 <= self.test_shift <= 4, self, "test_shift", "0 to 4 pixels")
        _require(0 <= self.digit_width <= 28, self, "digit_width", "0 to 28 columns")
        # Where the folds of adopted predictions are not known, they are one.
        fewest = 1 if isinstance(self.network, Adopted) else 2
        _require(fewest <= self.folds <= 100, self, "folds", "2 to 100")
        for part in ("network", "augmentation"):
            for key, value in vars(getattr(self, part)).items():
                holds, expected = _judge_part(key, value)
                _require(holds, self, f"{part}.{key}", expected)
        if isinstance(self.network, ConvStages):
            stages, depths = len(self.network.filters), self.network.depths
            _require(len(depths) in {0, stages}, self, "network.depths", f"none or {stages}")
        # Which weights would be judged, and which kept? Nobody has needed an answer yet.
        _require(not (self.patience and self.average_decay), self, "patience", "0 with an average")


_CHOICES = {
    "pixels": ("unit", "raw"),
    "optimizer": ("adam", "adamw"),
    "precision": ("float32", "bfloat16", "auto"),
    "schedule": ("constant", "exponential", "triangular"),
}


def _judge_part(key: str, value: Any) -> tuple[bool, str]:
    """Whether a value of a network or an augmentation makes sense, and what would."""
    if key in ("batch_normalization", "first_padded"):
        return True, ""
    if key == "crop":
        return 0 <= value <= 6, "0 to 6 pixels"
    if key == "dropout_rate":
        return 0 <= value < 1, "at least 0 and below 1"
    if key in ("filters", "depths", "first_size", "hidden_units", "width"):
        sizes = value if isinstance(value, tuple) else (value,)
        return all(size >= 1 for size in sizes), "at least 1"
    return 0 <= value < math.inf, "at least 0"


def _require(holds: bool, experiment: Experiment, key: str, expected: str) -> None:
    if not holds:
        value = operator.attrgetter(key)(experiment)
        raise ProjectError(f"{experiment.name}: {key}={value!r}; expected {expected}.")
