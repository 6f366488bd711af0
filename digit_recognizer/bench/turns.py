"""How the measuring process talks to a contender: one line of JSON for each turn.

In: a task. Out, from the contender: one line with its facts once it is warm; then, for each line
that it receives, one line when that turn is over, with what the caller's clock cannot measure. What
always holds: between two turns a contender does nothing, so that the others can be measured.
"""

import json
import timeit
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
    """What a contender does, as plain JSON values."""

    role: str  # the key of a function in `contender.py`
    root: str  # of the workspace with the data
    experiment: dict[str, Any]
    threads: int
    images: int = 0  # for each turn; 0: all
    precision: str = ""  # that ours has chosen; "": not chosen yet
    # The network, for a library that cannot build it from the experiment: see `layers.py`.
    layers: list[dict[str, Any]] = field(default_factory=list)
    side: int = 0  # of the matrices

    @property
    def resolved(self) -> Experiment:
        return from_dict(self.experiment)

    def knowing(self, facts: dict[str, Any]) -> "Task":
        """Return the task with the facts of ours that the others must use."""
        known = {key: facts[key] for key in ("layers", "precision") if key in facts}
        return replace(self, **known)

    def load(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the first `images` images and labels, or all of them."""
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
        """Report that the turn is over, or the process is warm; return when the next turn starts.

        If there is no next turn the process ends here, even in the middle of a training.
        """
        self.tell(facts)
        if not self._orders.readline():
            raise SystemExit(0)

    def tell(self, facts: dict[str, Any]) -> None:
        print(json.dumps(facts), file=self._answers, flush=True)


def time_of(action: Callable[[], object]) -> float:
    return timeit.timeit(action, number=1)
