"""Run a built kernel on Kaggle: push it, wait for its end, fetch its output.

In: a kernel's folder and a logged-in client. Out: the archive of runs that it left. What always
holds: the same script is not started a second time while, or after, Kaggle ran it; watching can be
stopped and started again.
"""

import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from digit_recognizer.kaggle_api.client import Client
from digit_recognizer.kaggle_api.errors import KaggleError
from digit_recognizer.kaggle_api.kernels import (
    KernelStatus,
    fetch_kernel_output,
    push_kernel,
    read_kernel_log,
    read_kernel_status,
)
from digit_recognizer.workspace import ProjectError, read_json, sha256_of, write_file, write_json

RUNS = "runs.zip"
_PUSHED = "pushed.json"
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
_LOG_LINES = 20


def run_remotely(
    folder: Path, client: Client, fresh: bool, seconds: float, console: Console
) -> Path:
    """Return what the kernel trained, fetched into `folder/output/`."""
    metadata = read_json(folder / "kernel-metadata.json")
    kernel, script = metadata["id"], folder / metadata["code_file"]
    before = None if fresh else _read_pushed(folder, script)
    if before and _find_status(client, kernel):
        console.print(f"Kaggle has this very script: {before}")
    else:
        address = push_kernel(client, folder)
        write_json(folder / _PUSHED, {"sha256": sha256_of(script), "address": address})
        console.print(f"Pushed: {address}")
    status = _watch(client, kernel, seconds, console)
    output = folder / "output"
    output.mkdir(exist_ok=True)
    log = read_kernel_log(client, kernel)
    write_file(output / "log.txt", log.encode())
    if status.state != "complete":
        console.print(escape("\n".join(log.splitlines()[-_LOG_LINES:])))
        (folder / _PUSHED).unlink(missing_ok=True)  # the same command shall try again
        raise ProjectError(
            f"The kernel ended as {status.state}{f': {status.message}' * bool(status.message)}. "
            f"Its whole log is {output / 'log.txt'}."
        )
    fetched = fetch_kernel_output(client, kernel, output, (RUNS, "submission.csv"))
    if output / RUNS not in fetched:
        raise ProjectError(f"The kernel left no {RUNS}. Its log is {output / 'log.txt'}.")
    return output / RUNS


def _read_pushed(folder: Path, script: Path) -> str | None:
    """Return the address of the kernel if this very script was pushed before."""
    match read_json(folder / _PUSHED):
        case {"sha256": str(sha256), "address": str(address)} if sha256 == sha256_of(script):
            return address
    return None


def _find_status(client: Client, kernel: str) -> KernelStatus | None:
    """Return how the kernel stands; None where Kaggle has none of that name (any more)."""
    try:
        return read_kernel_status(client, kernel)
    except KaggleError as error:
        if error.problem.status in {403, 404}:  # it says 403 of what does not exist
            return None
        raise


def _watch(client: Client, kernel: str, seconds: float, console: Console) -> KernelStatus:
    """Return the final status; Ctrl-C stops the watching, not the kernel."""
    started, pause = time.monotonic(), _FIRST_PAUSE
    told = ""
    with console.status("Asking how it stands") as display:
        while True:
            status = read_kernel_status(client, kernel)
            waited = time.monotonic() - started
            if status.state not in {"queued", "running"}:
                return status
            if waited + pause > seconds:
                raise ProjectError(
                    f"The kernel is still {status.state} after {waited:.0f} s. It continues "
                    "without us; the same command watches it again."
                )
            display.update(f"{status.state} for {waited / 60:.0f} min; Ctrl-C leaves it running")
            if status.state != told and not console.is_terminal:
                console.print(status.state)
            told = status.state
            time.sleep(pause)
            pause = min(1.5 * pause, _LONGEST_PAUSE)
