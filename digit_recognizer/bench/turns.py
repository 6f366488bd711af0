"""How the measuring process talks to a contender: one line of JSON for each turn.

In: a task. Out, of the contender: first a line of what it is, once it is warm; then, for each line
that it is sent, one when that turn is over, with whatever the caller's clock cannot measure. What
always holds: between two turns a contender does nothing, so that the others can be measured
meanwhile.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from digit_recognizer.data.dataset import load_train
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.text import from_dict
from digit_recognizer.workspace import Workspace


@dataclass(frozen=True)
class Task:
    """What a contender is to do, as plain JSON values."""

    role: str  # the key of a function in `contender.py`
    root: str  # of the workspace with the data
    experiment: dict[str, Any]
    threads: int
    images: int = 0  # of each turn; 0 for all
    precision: str = ""  # that ours has settled on; "" for the one that settles it
    # The network, for who cannot build it from the experiment: see `layers.py`.
    layers: list[dict[str, Any]] = field(default_factory=list)
    side: int = 0  # of the matrices

    @property
    def resolved(self) -> Experiment:
        return from_dict(self.experiment)

    def knowing(self, facts: dict[str, Any]) -> "Task":
        """Return the task with what ours told of itself, for those that must agree with it."""
        known = {key: facts[key] for key in ("layers", "precision") if key in facts}
        return replace(self, **known)

    def load(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the first so many images and labels, or all of them."""
        digits = load_train(Workspace(Path(self.root)))
        assert digits.labels is not None
        count = self.images or len(digits)
        return digits.images[:count], digits.labels[:count]


class Turns:
    """The contender's end."""

    def __init__(self, orders: IO[str], answers: IO[str]) -> None:
        self._orders = orders
        self._answers = answers

    def take(self, **facts: Any) -> None:
        """Tell that the turn is over, or that all is warm; return when the next turn begins.

        When nobody wants another the process ends here, however deep in a training.
        """
        self.tell(facts)
        if not self._orders.readline():
            raise SystemExit(0)

    def tell(self, facts: dict[str, Any]) -> None:
        print(json.dumps(facts), file=self._answers, flush=True)


def time_of(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started
