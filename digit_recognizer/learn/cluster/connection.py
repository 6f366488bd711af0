"""Connect to a Dask cluster, and check that its workers train as this machine would.

In: an address, perhaps the resources that a fold takes. Out: a connection, for the length of a
block. What always holds: whatever cannot be used is refused in plain words before anything is
sent, and nothing of this command keeps running in the cluster after the block.
"""

import asyncio
import contextlib
import logging
import re
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from digit_recognizer.learn.cluster.facts import gather_facts, list_mismatches
from digit_recognizer.learn.cluster.remote import explain_mismatches, introduce_worker
from digit_recognizer.workspace import ProjectError, first_line

_ANSWER_WITHIN = 5  # seconds, for a scheduler
_LOOK_EVERY = 0.5  # seconds
_RESOURCE = re.compile(r"(\w+)=(\d+(?:\.\d*)?)")
PATIENCE = 60.0  # seconds

Resources = dict[str, float]
Workers = dict[str, dict[str, Any]]  # by address, what the scheduler says of each


@dataclass(frozen=True)
class Cluster:
    """Where to train, as the person named it."""

    address: str
    resources: Resources | None = None  # None: one GPU where a worker has any
    patience: float = PATIENCE  # seconds in which a worker has to be there

    @classmethod
    def of(
        cls, address: str | None, resources: list[str], patience: float | None
    ) -> "Cluster | None":
        """Return what the person named, or None where that is nothing."""
        if not address:
            return None
        return cls(
            address,
            _read_resources(resources) if resources else None,
            PATIENCE if patience is None else patience,
        )


@dataclass(frozen=True)
class Connection:
    """A cluster whose scheduler has answered and that has a worker that suits."""

    client: Any
    address: str
    resources: Resources
    patience: float

    def suiting_workers(self) -> Workers:
        """Return the workers that have what a fold takes."""
        return _with_resources(_list_workers(self.client), self.resources)

    def explain_lack(self) -> str:
        return _explain_lack(self.address, _list_workers(self.client), self.resources)


@contextlib.contextmanager
def connect(cluster: Cluster, console: Console) -> Iterator[Connection]:
    client = open_client(cluster.address, "CLUSTER")
    try:
        workers = _await_worker(client, cluster, console)
        resources = cluster.resources
        if resources is None:
            has_gpu = any(each["resources"].get("GPU", 0) >= 1 for each in workers.values())
            resources = {"GPU": 1.0} if has_gpu else {}
        _require_same_terms(client, _with_resources(workers, resources))
        yield Connection(client, cluster.address, resources, cluster.patience)
    finally:
        # The scheduler then drops what this client asked for, and workers end what they were at.
        client.close(timeout=_ANSWER_WITHIN)


def open_client(address: str, option: str) -> Any:
    """Return a client; `option` is how the person named the address."""
    try:
        from distributed import Client
    except ImportError:
        raise ProjectError(
            f"Dask is not installed, which {option}= needs. Run the command through make, which "
            "installs it, or run `make setup-cluster` first."
        ) from None
    silence_dask()
    try:
        # A client would wait forever for the greeting of, say, a web server.
        kind = asyncio.run(asyncio.wait_for(_ask_kind(address), _ANSWER_WITHIN))
    except Exception as error:
        raise ProjectError(
            f"No Dask scheduler answers at {option}={address} ({_first_line(error)}). Expected an "
            f"address such as tcp://127.0.0.1:8786; `make cluster` starts one there."
        ) from error
    if kind != "Scheduler":
        raise ProjectError(f"{option}={address} is a Dask {kind.lower()}, not a scheduler.")
    with warnings.catch_warnings(action="ignore"):
        return Client(
            address, timeout=_ANSWER_WITHIN, set_as_default=False, name="digit-recognizer"
        )


def silence_dask() -> None:
    """Turn its logs off: what goes wrong is told by exceptions, in our words."""
    for name in ("distributed", "distributed.client"):  # each has a level of its own
        logging.getLogger(name).setLevel(logging.CRITICAL)


async def _ask_kind(address: str) -> str:
    """Return what sort of Dask server listens there."""
    from distributed import Security
    from distributed.core import rpc

    arguments = Security().get_connection_args("client")
    async with rpc(address, connection_args=arguments, timeout=_ANSWER_WITHIN - 1) as server:
        identity = await server.identity()
    return str(identity["type"])


def _await_worker(client: Any, cluster: Cluster, console: Console) -> Workers:
    """Return the workers as soon as one has what was asked for."""
    started = time.monotonic()
    told = False
    while True:
        workers = _list_workers(client)
        if _with_resources(workers, cluster.resources or {}):
            return workers
        if time.monotonic() - started > cluster.patience:
            raise ProjectError(_explain_lack(cluster.address, workers, cluster.resources or {}))
        if not told:
            told = True
            console.print(f"Waiting up to {cluster.patience:.0f} s for a worker ...")
        time.sleep(_LOOK_EVERY)


def _list_workers(client: Any) -> Workers:
    try:
        # Not `client.scheduler_info()`: what it returns is now and then without any workers, as the
        # client itself keeps it for its own purposes.
        workers: Workers = client.sync(client.scheduler.identity, n_workers=-1)["workers"]
    except (OSError, RuntimeError) as error:
        raise ProjectError(f"The scheduler at {client.scheduler.address} is gone.") from error
    return workers


def _with_resources(workers: Workers, resources: Resources) -> Workers:
    return {
        address: each
        for address, each in workers.items()
        if all(each["resources"].get(name, 0) >= amount for name, amount in resources.items())
    }


def _explain_lack(address: str, workers: Workers, resources: Resources) -> str:
    start = f"Start one with `make cluster SCHEDULER={address}`; WAIT=600 waits ten minutes for it."
    if not workers:
        return f"No worker is connected to the scheduler at {address}. {start}"
    wanted = " ".join(f"{name}={amount:g}" for name, amount in resources.items())
    return (
        f"None of the {len(workers)} workers of {address} has RESOURCES={wanted}, which each fold "
        f"would take. {start}"
    )


def _require_same_terms(client: Any, workers: Workers) -> None:
    """Refuse workers that run other code or libraries."""
    own = gather_facts()
    answers = client.run(introduce_worker, workers=list(workers), on_error="return")
    for address, answer in answers.items():
        if isinstance(answer, BaseException):
            raise ProjectError(
                f"The worker {address} cannot take folds ({_first_line(answer)}). Start it with "
                "`make cluster` in a clone of the same commit."
            )
        if mismatches := list_mismatches(answer, own):
            raise ProjectError(explain_mismatches(address, mismatches))


def _read_resources(words: list[str]) -> Resources:
    resources = {}
    for word in words:
        if not (match := _RESOURCE.fullmatch(word)):
            raise ProjectError(f'RESOURCES={word}; expected for instance RESOURCES="GPU=1".')
        resources[match[1]] = float(match[2])
    return {name: amount for name, amount in resources.items() if amount}


def _first_line(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return f"no answer in {_ANSWER_WITHIN} s"
    return first_line(error).rstrip(".")
