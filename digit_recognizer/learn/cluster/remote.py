"""What runs on a worker of a cluster.

In: a fold's training, as it was sent, and the digits. Out: its result; on the way, events that say
how far it is. What always holds: each training has a process of its own, and one that nobody waits
for any more is ended.

A process of its own, because Dask draws from Python's random numbers in the worker's, with every
heartbeat, and Keras takes a network's seeds from the same: now and then the fold would come out
otherwise. Such a process can also be ended at any moment, and then leaves no graphics card's memory
taken.
"""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.learn.backend import choose_precision
from digit_recognizer.learn.cluster.facts import Facts, gather_facts, list_mismatches
from digit_recognizer.learn.cluster.subprocess_call import ProcessDiedError, call_apart
from digit_recognizer.learn.gpu.worker import find_fast_precision, train_fold
from digit_recognizer.learn.progress import FoldReporter, read_state, write_note
from digit_recognizer.learn.training import FoldData, fit_fold
from digit_recognizer.runs.folder import FoldResult
from digit_recognizer.workspace import ProjectError

# Under which workers tell how far they are. One for all, because a scheduler keeps each for good.
TOPIC = "digit-recognizer"
BEGUN = {"images": 0}  # what they tell first
THREADS = 1  # of each training
_TELL_EVERY = 1.0  # seconds
_ATTEMPTS = 3

Digits = tuple[np.ndarray, np.ndarray, np.ndarray]  # images, labels, test images


@dataclass(frozen=True)
class Order:
    """One fold to be trained, without the digits."""

    command: str  # which one asks
    number: int  # of its fits
    label: str
    experiment: Experiment
    fold: int
    folds: np.ndarray
    precision: str
    on_gpu: bool
    facts: Facts  # of the caller


class NoLongerWantedError(Exception):
    """Ends a training that was cancelled; nothing waits for its result."""


def introduce_worker() -> Facts:
    return gather_facts()


def find_precision(on_gpu: bool) -> str:
    return str(call_apart(_find_precision_apart, on_gpu, meanwhile=_require_wanted()))


def _find_precision_apart(on_gpu: bool) -> str:
    return find_fast_precision() if on_gpu else choose_precision(THREADS)


def train_order(order: Order, digits: Digits) -> tuple[int, FoldResult]:
    """Train the fold; return its number and result."""
    from distributed import get_worker

    worker = get_worker()
    require_wanted = _require_wanted()
    tell = partial(_tell, worker, order)
    tell(BEGUN)
    with tempfile.TemporaryDirectory(prefix="digit-recognizer-") as folder:
        note = Path(folder) / "note.json"
        told = time.monotonic()

        def meanwhile() -> None:
            nonlocal told
            require_wanted()
            if time.monotonic() - told > _TELL_EVERY and (state := read_state(note)):
                told = time.monotonic()
                tell(state)

        for attempt in range(1, _ATTEMPTS + 1):
            try:
                result = call_apart(
                    _train_apart, order, digits, note, worker.address, meanwhile=meanwhile
                )
            except ProcessDiedError as death:
                if attempt == _ATTEMPTS:
                    raise ProjectError(
                        f"{order.label} was begun {attempt} times on {worker.address}, and each "
                        f"time its process ended before it was done ({death}), most likely because "
                        "memory ran out there. The finished folds are kept: the same command goes "
                        "on from them."
                    ) from None
            else:
                tell({"images": 0, "done": True})
                return order.number, result
    raise AssertionError("the last attempt returns or raises")


def _train_apart(order: Order, digits: Digits, note: Path, worker: str) -> FoldResult:
    # Not the worker's own facts: this process has loaded whatever the files hold by now.
    if mismatches := list_mismatches(gather_facts(), order.facts):
        raise ProjectError(explain_mismatches(worker, mismatches))
    images, labels, test_images = digits
    data = FoldData(images, labels, order.folds, test_images)
    reporter = FoldReporter(partial(write_note, note))
    fit = train_fold if order.on_gpu else fit_fold
    return fit(order.experiment, order.fold, data, THREADS, reporter, order.precision)


def _tell(worker: Any, order: Order, state: dict[str, Any]) -> None:
    # As text, because Dask's messages do not hold NumPy's numbers.
    told = {"command": order.command, "number": order.number, "worker": worker.address}
    worker.log_event(TOPIC, {**told, "state": json.dumps(state)})


def _require_wanted() -> Callable[[], None]:
    """Return a function that raises as soon as the current task was cancelled."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def require() -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state != "executing":
            raise NoLongerWantedError(key)

    return require


def explain_mismatches(address: str, mismatches: list[str]) -> str:
    return (
        f"The worker {address} would not train as this machine does: {'; '.join(mismatches)}. "
        "Bring its clone to the same commit and start it again with `make cluster`, or stop it."
    )
