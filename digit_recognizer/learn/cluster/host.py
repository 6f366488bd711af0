"""Start a Dask cluster on this machine, or workers for one elsewhere.

In: how many workers, where to listen. Out: processes, until Ctrl-C. What always holds: nothing
listens beyond this machine unless that was asked for, each worker trains one fold at a time, and
none outlives the command.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from digit_recognizer.faults import fault_point
from digit_recognizer.learn.cluster.connection import open_client, silence_dask
from digit_recognizer.runs.environment import (
    available_cores,
    has_graphics_card,
    has_jax_for_cards,
)
from digit_recognizer.workspace import ProjectError

LOOPBACK = "127.0.0.1"
PORT, _LAST_PORT = 8786, 65_535
_LONGEST_END = 6  # seconds from Ctrl-C to the end, in whatever state Dask is
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
    stop = _Stop()
    with stop.listening():
        asyncio.run(_host_until(stop, _host(places, scheduler, listen, port, console)))
    # Ctrl-C is the normal way to end it; SIGTERM is passed on, so that the exit code shows it.
    if stop.number == signal.SIGTERM:
        signal.raise_signal(signal.SIGTERM)


class _Stop:
    """Ctrl-C and SIGTERM as a condition to wait for.

    Raised as an exception, either could come up in one of Dask's own tasks and be lost there.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._wake: Callable[[], object] = lambda: None

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        before = {
            number: signal.signal(number, handler)
            for number, handler in (
                (signal.SIGINT, self._notice),
                (signal.SIGTERM, self._notice),
                (signal.SIGALRM, self._end_now),
            )
        }
        try:
            yield
        finally:
            signal.alarm(0)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _notice(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            self._end_now(number, frame)  # asked twice
        self.number = number
        signal.alarm(_LONGEST_END)
        self._wake()

    def _end_now(self, number: int, frame: FrameType | None) -> None:
        """End at once: workers and their trainings end when this process is gone."""
        os._exit(0 if self.number == signal.SIGINT else 128 + signal.SIGTERM)

    async def wait(self) -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._wake = lambda: loop.call_soon_threadsafe(stopped.set)
        if self.number is None:
            await stopped.wait()


async def _host_until(stop: _Stop, hosting: Coroutine[Any, Any, None]) -> None:
    """Host until the hosting ends by itself, or until somebody stops it."""
    hosted, stopped = asyncio.ensure_future(hosting), asyncio.ensure_future(stop.wait())
    await asyncio.wait({hosted, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if hosted.done():
        stopped.cancel()
        hosted.result()
    else:
        # What breaks off now is meant to.
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        hosted.cancel()
        await asyncio.wait({hosted})


def place_workers(workers: int | None, cards: list[str]) -> Iterable[dict[str, Any]]:
    """Yield what each worker has of its own: a graphics card where there are any."""
    for number in range(workers if workers is not None else len(cards) or available_cores()):
        if cards:
            card = cards[number % len(cards)]
            yield {"env": {"CUDA_VISIBLE_DEVICES": card}, "resources": {"GPU": 1}}
        else:
            yield {}


def list_cards() -> list[str]:
    """Return CUDA's names of the cards that are here, if there is a JAX to train on them."""
    if not (has_graphics_card() and has_jax_for_cards()):
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
    fault_point("cluster")
    import dask
    from distributed import Nanny, Scheduler, Security
    from distributed.comm import get_address_host
    from distributed.utils import get_ip

    silence_dask()  # whose own way of ending is full of errors
    fault_point("cluster")
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
        fault_point("cluster")
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
        fault_point("cluster")
        if scheduler:
            await asyncio.gather(*(nanny.finished() for nanny in started))
            raise ProjectError(
                f"The scheduler at {scheduler} is gone, and so are its workers here."
            )
        await began.finished()


async def _start(stack: contextlib.AsyncExitStack, server: Any, where: str) -> Any:
    """Start a server of Dask's for as long as the stack lasts."""
    try:
        started = await stack.enter_async_context(server)
        fault_point("cluster")
        return started
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
