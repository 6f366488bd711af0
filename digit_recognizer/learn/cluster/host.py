"""Start a Dask cluster on this machine, or workers for one elsewhere.

In: how many workers, where to listen. Out: processes, until Ctrl-C. What always holds: nothing
listens beyond this machine unless that was asked for, each worker trains one fold at a time, and
none outlives the command.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console

from digit_recognizer.environment import available_cores, describe_environment, has_graphics_card
from digit_recognizer.learn.cluster.connection import open_client, silence_dask
from digit_recognizer.workspace import ProjectError

LOOPBACK = "127.0.0.1"
PORT, _LAST_PORT = 8786, 65_535
_NO_PAGES = f"{LOOPBACK}:0"  # Dask always serves some; _PLAIN leaves none
_OPEN_DOOR = (
    "[yellow]Whoever reaches that address can run whatever they like here, as you: Dask asks for "
    "no password. Keep it inside a network that you trust, or use TLS (docs/scaling.md).[/]"
)
# No web pages, no statistics of what runs, and no memory limit of Dask's own. Nor does it take the
# digits from a worker that is between two folds because another one has them, too: they would be
# sent there again for the next fold.
_PLAIN = {
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
}


def host_cluster(
    workers: int | None, scheduler: str | None, listen: str | None, port: int, console: Console
) -> None:
    """Start what was asked for and keep it until Ctrl-C."""
    if workers is not None and workers < 0:
        raise ProjectError(f"WORKERS={workers}; expected 0 or more.")
    if not 0 <= port <= _LAST_PORT:
        raise ProjectError(
            f"PORT={port}; expected at most {_LAST_PORT}, or 0 for any that is free."
        )
    if scheduler:
        open_client(scheduler, "SCHEDULER").close()
    places = list(place_workers(workers, list_cards()))
    # Ctrl-C is how it is meant to end.
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_host(places, scheduler, listen, port, console))


def place_workers(workers: int | None, cards: list[str]) -> Iterable[dict[str, Any]]:
    """Yield what each worker has of its own: a graphics card where there are any."""
    for number in range(workers if workers is not None else len(cards) or available_cores()):
        if cards:
            card = cards[number % len(cards)]
            yield {"env": {"CUDA_VISIBLE_DEVICES": card}, "resources": {"GPU": 1}}
        else:
            yield {}


def list_cards() -> list[str]:
    """Return the names that CUDA has for the cards that TensorFlow, as it is installed, can use."""
    if "tensorflow" not in describe_environment(threads=1)["libraries"] or not has_graphics_card():
        return []
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [card for card in chosen.split(",") if card]
    return [str(number) for number, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))] or ["0"]


async def _host(
    places: list[dict[str, Any]],
    scheduler: str | None,
    listen: str | None,
    port: int,
    console: Console,
) -> None:
    import dask
    from distributed import Nanny, Scheduler, Security
    from distributed.comm import get_address_host
    from distributed.utils import get_ip

    silence_dask()  # whose own way of ending is full of errors
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(dask.config.set(_PLAIN))
        if scheduler:
            # Workers talk to each other, too: where they reach the scheduler, not everywhere.
            address, host = scheduler, listen or get_ip(get_address_host(scheduler))
        else:
            host = listen or LOOPBACK
            began = Scheduler(
                host=host,
                port=port,
                protocol="tls" if Security().require_encryption else "tcp",
                dashboard=False,
                dashboard_address=_NO_PAGES,
            )
            address = (await _start(stack, began, f"{host}, port {port}")).address
        nannies = [
            Nanny(
                address,
                nthreads=1,
                memory_limit=0,
                host=host,
                dashboard_address=_NO_PAGES,
                silence_logs=logging.CRITICAL,
                **place,
            )
            for place in places
        ]
        started = await asyncio.gather(*(_start(stack, nanny, host) for nanny in nannies))
        _tell(address, len(started), scheduler is None, host, console)
        if scheduler:
            await asyncio.gather(*(nanny.finished() for nanny in started))
            raise ProjectError(
                f"The scheduler at {scheduler} is gone, and so are its workers here."
            )
        await began.finished()


async def _start(stack: contextlib.AsyncExitStack, server: Any, where: str) -> Any:
    """Start a server of Dask's for as long as the stack lasts."""
    try:
        return await stack.enter_async_context(server)
    except (OSError, RuntimeError) as error:
        cause = error.__cause__ or error
        raise ProjectError(
            f"Cannot listen at {where}: {getattr(cause, 'strerror', None) or cause}. PORT=8787 "
            "takes another port, LISTEN= another address of this machine."
        ) from error


def _tell(address: str, workers: int, has_scheduler: bool, host: str, console: Console) -> None:
    plural = "s" * (workers != 1)
    if has_scheduler:
        console.print(f"A scheduler at {address} and {workers} worker{plural} of one thread each.")
        if host != LOOPBACK and not address.startswith("tls:"):
            console.print(_OPEN_DOOR)
        console.print("In another terminal, or in a clone of this commit on another machine:")
        console.print(f"    CLUSTER={address} make train", markup=False)
    else:
        console.print(f"{workers} worker{plural} of one thread each for {address}.")
    console.print("Ctrl-C ends everything that was started here.")
