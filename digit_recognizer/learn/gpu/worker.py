"""What runs in the process that owns a graphics card.

In: the folds to train, the folder for compiled programs. Out: their results, or why there are none.
What always holds: JAX is imported only here and in what is called from here, never in the process
that writes the run folders.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.learn.engine import Fit
from digit_recognizer.learn.progress import FoldReporter, write_note
from digit_recognizer.learn.training import FoldData, Report
from digit_recognizer.runs.folder import FoldResult
from digit_recognizer.workspace import ProjectError, first_line

# The part of float32's time from which bfloat16 is worth its coarser numbers.
_WORTHWHILE = 0.75
_PROBES = 5


# The environment of such a process.
VARIABLES = {
    "KERAS_BACKEND": "jax",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "JAX_TRACEBACK_FILTERING": "off",  # so that the last line of an error is the error
    # Take memory as it is needed: somebody else may use the card as well.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}


class OutOfMemoryError(Exception):
    """The card has not enough memory for what was asked."""


def list_gpus() -> list[str]:
    """Return the kind of each graphics card that JAX can use here."""
    import jax

    # Somebody who names JAX's platform means it, whatever it is.
    platform = (os.environ.get("JAX_PLATFORMS") or "gpu").split(",")[0]
    try:
        return [device.device_kind for device in jax.devices(platform)]
    except RuntimeError:  # there is none, or none that the installed JAX was built for
        return []


def find_fast_precision() -> str:
    """Return bfloat16 where the card multiplies matrices of it faster than of float32.

    Cards before NVIDIA's Ampere, like the T4 and P100, only imitate it.
    """
    os.environ.update(VARIABLES)
    import jax
    import jax.numpy as jnp

    def time_product(precision: str) -> float:
        patches = jnp.ones((6, 16_384, 576), precision)
        kernels = jnp.ones((6, 576, 64), precision)
        multiply = jax.jit(jnp.matmul)
        seconds = []
        for _ in range(_PROBES + 1):  # the first one compiles
            started = time.perf_counter()
            jax.block_until_ready(multiply(patches, kernels))
            seconds.append(time.perf_counter() - started)
        return min(seconds)

    faster = time_product("bfloat16") < _WORTHWHILE * time_product("float32")
    return "bfloat16" if faster else "float32"


def train_stack(fits: list[Fit], threads: int, cache: Path) -> list[FoldResult]:
    """Train folds of one experiment side by side."""
    from digit_recognizer.learn.gpu.stack import fit_folds

    _keep_compiled_programs(cache)
    first = fits[0]
    reports = [FoldReporter(partial(write_note, fit.note)) for fit in fits]
    with _explaining_failures():
        return fit_folds(
            first.experiment,
            [fit.fold for fit in fits],
            first.data,
            threads,
            reports,
            first.precision,
            checkpoints=[fit.checkpoint for fit in fits],
        )


def train_fold(
    experiment: Experiment,
    fold: int,
    data: FoldData,
    threads: int,
    report: Report,
    precision: str,
    curve_images: int | None = None,
    cache: Path | None = None,
) -> FoldResult:
    """Do what `fit_fold` does, on a graphics card."""
    os.environ.update(VARIABLES)
    from digit_recognizer.learn.gpu.stack import fit_folds

    if not list_gpus():
        raise ProjectError("There is no graphics card that JAX can use.")
    if cache:
        _keep_compiled_programs(cache)
    try:
        with _explaining_failures():
            (result,) = fit_folds(
                experiment, [fold], data, threads, [report], precision, curve_images
            )
    except OutOfMemoryError as error:
        raise ProjectError(
            f"The graphics card's memory is too small for {experiment.name} ({error})."
        ) from None
    return result


def _keep_compiled_programs(cache: Path) -> None:
    """Let JAX keep what it compiles on disk: the next training of the kind starts at once."""
    import jax

    jax.config.update("jax_compilation_cache_dir", str(cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@contextlib.contextmanager
def _explaining_failures() -> Iterator[None]:
    import jax

    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        problem = first_line(error)[:300]
        if "RESOURCE_EXHAUSTED" in problem:
            raise OutOfMemoryError(problem) from None
        raise ProjectError(
            f"The graphics card failed ({problem}). The finished folds are kept: run the same "
            "command again, or add DEVICE=cpu to train without the card."
        ) from None
