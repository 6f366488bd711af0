"""Train folds on this machine's graphics cards, several folds side by side on each.

In: fits. Out: their results, as soon as each stack of folds is done. What always holds: each card
has one process, which ends with the process that called it; a stack that needs more memory than the
card has is divided and tried again.
"""

import contextlib
import os
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.console import Console

from digit_recognizer.learn.engine import Fit, tie_to_caller
from digit_recognizer.learn.gpu import worker
from digit_recognizer.learn.progress import showing
from digit_recognizer.runs.environment import available_cores, has_graphics_card, has_jax_for_cards
from digit_recognizer.runs.folder import FoldResult
from digit_recognizer.workspace import ProjectError, Workspace

DEVICES = ("auto", "cpu", "gpu")


@dataclass(frozen=True)
class GpuEngine:
    """On which cards the folds are trained."""

    gpus: tuple[str, ...]  # their kinds
    cache: Path  # for compiled programs

    backend = "jax"
    saves_checkpoints = True

    @property
    def threads(self) -> int:
        return available_cores()

    @property
    def cards(self) -> list[int | None]:
        """For each process the number of its graphics card."""
        return list(range(len(self.gpus)))

    def __str__(self) -> str:
        kinds = [f"{len(list(same))} x {kind}" for kind, same in groupby(sorted(self.gpus))]
        return ", ".join(kinds) if len(self.gpus) > 1 else self.gpus[0]

    def find_fast_precision(self) -> str:
        with start_process(0) as process:
            return str(process.submit(worker.find_fast_precision).result())

    def fit_all(
        self, title: str, fits: list[Fit], console: Console
    ) -> Generator[tuple[Fit, FoldResult], None, None]:
        """Yield the results of each stack as soon as they are there."""
        if not fits:
            return
        waiting = deque(divide(fits, len(self.gpus)))
        with contextlib.ExitStack() as stack:
            stack.enter_context(showing(title, [fit.watched for fit in fits], console))
            idle = [stack.enter_context(start_process(gpu)) for gpu in self.cards]
            running: dict[Future[list[FoldResult]], tuple[Executor, list[Fit]]] = {}
            while waiting or running:
                while waiting and idle:
                    process, own = idle.pop(), waiting.popleft()
                    future = process.submit(worker.train_stack, own, self.threads, self.cache)
                    running[future] = process, own
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    process, own = running.pop(future)
                    idle.append(process)
                    try:
                        results = future.result()
                    except worker.OutOfMemoryError as error:
                        waiting.extendleft(_halve(own, error, console))
                    except TerminatedWorkerError:
                        raise ProjectError(
                            f"The process that trained {_name(own)} on the graphics card was "
                            "killed, most likely because memory ran out or the card was lost. The "
                            "finished folds are kept: run the same command again."
                        ) from None
                    else:
                        yield from zip(own, results, strict=True)


def choose_gpus(
    workspace: Workspace, device: str, jobs: int | None, console: Console
) -> GpuEngine | None:
    """Return the graphics cards that are to train, or None where the processor is."""
    if device not in DEVICES:
        raise ProjectError(f"DEVICE={device}; expected one of {', '.join(DEVICES)}.")
    if device == "gpu" and jobs is not None:
        raise ProjectError("JOBS= is for the processor; a graphics card has one process.")
    # Who asks for so many processes means the processor.
    if device == "cpu" or jobs is not None:
        return None
    # With JAX_PLATFORMS set, DEVICE=gpu takes what JAX has there: another accelerator or, in tests,
    # the processor.
    is_named = device == "gpu" and "JAX_PLATFORMS" in os.environ
    gpus = _ask_for_gpus() if is_named else find_gpus(console)
    if gpus:
        return GpuEngine(gpus, compiled_programs(workspace))
    if device == "gpu":
        raise ProjectError("DEVICE=gpu, but there is no graphics card that can be used here.")
    return None


def compiled_programs(workspace: Workspace) -> Path:
    """Return the folder in which compiled programs are kept for the next training."""
    return workspace.runs / ".compiled"


def find_gpus(console: Console) -> tuple[str, ...]:
    """Return the kinds of the cards that can be used; say why where there are cards and none can.

    A process of its own asks, because JAX would take the card's memory and some seconds.
    """
    if not has_graphics_card():
        return ()
    if not has_jax_for_cards():
        console.print(
            "[yellow]There is a graphics card, but no JAX that trains on it. "
            "`make setup GPU=1` installs it.[/]"
        )
        return ()
    gpus = _ask_for_gpus()
    if not gpus:
        console.print(
            "[yellow]There is a graphics card, but JAX cannot use it, so the processor trains. "
            "Perhaps the card's driver is too old.[/]"
        )
    return gpus


def _ask_for_gpus() -> tuple[str, ...]:
    with start_process(None) as process:
        try:
            return tuple(process.submit(worker.list_gpus).result())
        except TerminatedWorkerError:  # a driver that crashes
            return ()


@contextlib.contextmanager
def start_process(gpu: int | None) -> Iterator[Executor]:
    """A process that sees this one card, or all of them, for the length of the block."""
    variables = worker.VARIABLES if gpu is None else variables_for(gpu)
    process = ProcessPoolExecutor(
        1, env=variables, initializer=tie_to_caller, initargs=(os.getpid(),)
    )
    try:
        yield process
    finally:
        process.shutdown(kill_workers=True)


def variables_for(gpu: int) -> dict[str, str]:
    """Return the environment of a process that sees this one card."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    number = visible.split(",")[gpu] if visible else str(gpu)
    return {**worker.VARIABLES, "CUDA_VISIBLE_DEVICES": number}


def divide(fits: list[Fit], gpus: int) -> list[list[Fit]]:
    """Return stacks of folds of one experiment at the same epoch; as many as there are cards."""
    stacks = []
    for _, same in groupby(fits, key=lambda fit: fit.experiment):
        by_epoch = sorted(same, key=lambda fit: fit.epochs_done)
        for _, together in groupby(by_epoch, key=lambda fit: fit.epochs_done):
            own = list(together)
            parts = min(gpus, len(own))
            stacks += [own[part::parts] for part in range(parts)]
    return stacks


def _halve(fits: list[Fit], error: Exception, console: Console) -> list[list[Fit]]:
    if len(fits) == 1:
        raise ProjectError(
            f"The graphics card's memory is too small for {fits[0].label} ({error}). The finished "
            "folds are kept. Close what else uses the card, choose a smaller batch_size, or add "
            "DEVICE=cpu."
        ) from None
    half = (len(fits) + 1) // 2
    console.print(
        f"[yellow]The graphics card's memory is too small for {len(fits)} folds side by side; "
        f"trying {half}.[/]"
    )
    return [fits[half:], fits[:half]]  # to be put in front one after the other


def _name(fits: list[Fit]) -> str:
    return ", ".join(fit.label for fit in fits)
