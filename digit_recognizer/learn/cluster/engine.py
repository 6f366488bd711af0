"""Train folds on the workers of a cluster.

In: fits. Out: their results, as soon as each is there. What always holds: the digits go to each
worker once, and a fold whose worker dies is trained again from its start by another one, a bounded
number of times.
"""

import contextlib
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from rich.console import Console

from digit_recognizer.learn.cluster.backend import make_backend
from digit_recognizer.learn.cluster.connection import Cluster, Connection, connect
from digit_recognizer.learn.cluster.facts import gather_facts
from digit_recognizer.learn.cluster.remote import (
    BEGUN,
    THREADS,
    TOPIC,
    Digits,
    Order,
    find_precision,
    train_order,
)
from digit_recognizer.learn.engine import Fit, closing_quietly
from digit_recognizer.learn.progress import showing, write_note
from digit_recognizer.runs.folder import FoldResult
from digit_recognizer.workspace import ProjectError, sha256_of

_LOOK_EVERY = 1.0  # seconds


@contextlib.contextmanager
def hire(cluster: Cluster, console: Console) -> Iterator["Crew"]:
    """Connect to the cluster for the length of the block."""
    with connect(cluster, console) as connection:
        yield Crew(connection, console)


@dataclass(frozen=True)
class Crew:
    """The workers of a cluster that have what a fold needs; they may come and go."""

    connection: Connection
    console: Console

    threads = THREADS  # of each training
    saves_checkpoints = False  # the workers do not share the run folders

    @property
    def on_gpu(self) -> bool:
        """Whether the workers are asked to train on their graphics cards."""
        return self.connection.resources.get("GPU", 0) > 0

    @property
    def backend(self) -> str | None:
        return "jax" if self.on_gpu else None

    def __str__(self) -> str:
        count = len(self.connection.suiting_workers())
        takes = " ".join(f"{name}={n:g}" for name, n in self.connection.resources.items())
        return (
            f"{count} worker{'s' * (count != 1)} of {self.connection.address}"
            f"{f' with {takes}' if takes else ''}, {self.threads} thread"
        )

    def find_fast_precision(self) -> str:
        """Return the precision that is fast on every worker that answers in time."""
        with _explaining(self.connection, {}):
            asked = list(self.connection.suiting_workers())
            answers = self._ask(asked, find_precision)
            chosen, slower = agree_on_precision(answers)
            if slower:
                # What else runs there can make a fast worker look slow, hardly the other way round.
                chosen, slower = agree_on_precision(answers | self._ask(slower, find_precision))
        if missing := sorted(set(asked) - answers.keys()):
            self.console.print(f"Busy, so not asked for the precision: {', '.join(missing)}.")
        if slower:
            self.console.print(
                f"bfloat16 is not fast on {', '.join(slower)}, so all workers compute in {chosen}."
            )
        return chosen

    def fit_all(
        self, title: str, fits: list[Fit], console: Console
    ) -> Generator[tuple[Fit, FoldResult], None, None]:
        """Yield each result as soon as it is there, in whatever order they end."""
        from joblib import Parallel, delayed, parallel_config

        if not fits:
            return
        command = uuid4().hex
        began: dict[int, list[str]] = defaultdict(list)  # on which workers each fit did
        with (
            showing(title, [fit.watched for fit in fits], console),
            self._taking_notes(command, fits, began),
            _explaining(self.connection, {fits[n].label: began[n] for n in range(len(fits))}),
        ):
            backend = make_backend(self.connection.client, self.connection.resources)
            with parallel_config(backend=backend):
                # All at once, so that a worker that comes later finds work waiting.
                parallel = Parallel(
                    return_as="generator_unordered", batch_size=1, pre_dispatch="all"
                )
            digits = self._send_digits(fits)
            with self._watching(backend.give_up):
                results = parallel(
                    delayed(train_order)(_order(command, number, fit, self.on_gpu), digits)
                    for number, fit in enumerate(fits)
                )
                with closing_quietly(results):
                    for number, result in results:
                        yield fits[number], result

    def _send_digits(self, fits: list[Fit]) -> Any:
        """Return a future of the digits that all fits share.

        As the result of a task, which Dask takes to each worker that needs it, once, from any that
        has it; and can make again when the last of those is gone, unlike scattered data.
        """
        import dask

        data = fits[0].data
        digits: Digits = (data.images, data.labels, data.test_images)
        assert all(fit.data.images is data.images for fit in fits)
        fingerprint = sha256_of(" ".join(sha256_of(part.tobytes()) for part in digits).encode())
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"}):
            # `tuple`, because every worker has it, even one with no code of ours.
            return self.connection.client.submit(tuple, list(digits), key=f"digits-{fingerprint}")

    def _ask(self, workers: list[str], question: Callable[[bool], str]) -> dict[str, str]:
        """Return what the workers answer, without those that are busy for longer than patience."""
        client = self.connection.client
        asked = {
            address: client.submit(
                question,
                self.on_gpu,
                workers=[address],
                resources=self.connection.resources,
                pure=False,
            )
            for address in workers
        }
        started = time.monotonic()
        while True:
            answers = {
                address: future.result() for address, future in asked.items() if future.done()
            }
            missing = asked.keys() & self.connection.suiting_workers().keys() - answers.keys()
            is_late = time.monotonic() - started > self.connection.patience
            if answers and (is_late or not missing):
                return answers
            if not missing:
                raise ProjectError(self.connection.explain_lack())
            time.sleep(_LOOK_EVERY / 4)

    @contextlib.contextmanager
    def _taking_notes(
        self, command: str, fits: list[Fit], began: dict[int, list[str]]
    ) -> Iterator[None]:
        """Write the progress that workers report to the files that the display reads."""

        def take_note(event: tuple[float, dict[str, Any]]) -> None:
            _, told = event
            if told["command"] != command:
                return
            number, worker, state = told["number"], told["worker"], json.loads(told["state"])
            if state == BEGUN:
                if began[number]:
                    self.console.print(
                        f"{fits[number].label} begins again on {worker}: "
                        f"{began[number][-1]} has left the cluster."
                    )
                began[number].append(worker)
            write_note(fits[number].note, state)

        self.connection.client.subscribe_topic(TOPIC, take_note)
        try:
            yield
        finally:
            with contextlib.suppress(Exception):
                self.connection.client.unsubscribe_topic(TOPIC)

    @contextlib.contextmanager
    def _watching(self, give_up: Callable[[Exception], None]) -> Iterator[None]:
        """Give up when for too long there is no worker that could take a fold, or no scheduler."""
        over = threading.Event()

        def watch() -> None:
            seen = time.monotonic()
            while not over.wait(_LOOK_EVERY):
                try:
                    if self.connection.suiting_workers():
                        seen = time.monotonic()
                    elif time.monotonic() - seen > self.connection.patience:
                        give_up(ProjectError(self.connection.explain_lack()))
                except ProjectError as error:
                    give_up(error)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=2 * _LOOK_EVERY)


def agree_on_precision(answers: dict[str, str]) -> tuple[str, list[str]]:
    """Return what all folds will have, since a run has one precision, and who stands in the way.

    float32 where workers differ: it costs those that are fast in bfloat16 half as much again; the
    others would take several times as long for that.
    """
    slower = sorted(worker for worker, answer in answers.items() if answer == "float32")
    if len(slower) in (0, len(answers)):
        return ("float32" if slower else "bfloat16"), []
    return "float32", slower


def _order(command: str, number: int, fit: Fit, on_gpu: bool) -> Order:
    return Order(
        command,
        number,
        fit.label,
        fit.experiment,
        fit.fold,
        fit.data.folds,
        fit.precision,
        on_gpu,
        gather_facts(),
    )


@contextlib.contextmanager
def _explaining(connection: Connection, began: dict[str, list[str]]) -> Iterator[None]:
    """Say in plain words what Dask says of its keys."""
    from distributed import KilledWorker

    try:
        yield
    except KilledWorker as error:
        # Dask may name a fold that only waited for a worker that another one ended.
        culprit = max(began, key=lambda label: len(began[label]), default=None)
        raise ProjectError(
            f"{culprit or error.task} was begun {len(began.get(culprit or '', []))} times, and "
            "each time its worker died, most likely because memory ran out there. The finished "
            "folds are kept: the same command continues from them."
        ) from None
    except CancelledError:
        raise ProjectError(
            f"The scheduler at {connection.address} is gone, or has dropped what it was asked for. "
            "The finished folds are kept: the same command continues from them."
        ) from None
    except ImportError as error:
        raise ProjectError(
            f"A worker of {connection.address} lacks {error.name}: start it with `make cluster`."
        ) from None
