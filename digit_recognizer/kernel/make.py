"""`make kernel`: build the script, run it on Kaggle, install what it trained.

In: what the person named. Out: the kernel's folder; with credentials, the trained runs in `runs/`.
What always holds: nothing is sent anywhere unless there are credentials and PUSH allows it.
"""

import shlex
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from digit_recognizer.kaggle_api.client import connect, require_wait
from digit_recognizer.kaggle_api.credentials import find_credentials
from digit_recognizer.kernel.build import UNKNOWN_USER, build_kernel, plan_job
from digit_recognizer.kernel.install_runs import install_runs
from digit_recognizer.kernel.remote import run_remotely
from digit_recognizer.workspace import Workspace


def make_kernel(
    workspace: Workspace,
    lineup: str | None,
    experiments: list[str],
    settings: list[str],
    name: str | None,
    push: str,
    fresh: bool,
    wait: float,
    console: Console,
) -> None:
    """Build the kernel for what was named, or for the line-up that fits the competition."""
    require_wait(wait)
    job = plan_job(workspace, lineup, experiments, settings, name)
    wanted = push == "yes" or (push == "auto" and find_credentials() is not None)
    client = connect(console) if wanted else None
    folder = build_kernel(workspace, job, username=client.username if client else None)
    shown = workspace.show(folder)
    size = (folder / f"{job.slug}.py").stat().st_size
    console.print(f"{shown}/{job.slug}.py: {job.label}, {size:,} bytes")
    if client:
        archive = run_remotely(folder, client, fresh, wait, console)
        install(workspace, str(archive), fresh, console)
    else:
        console.print(
            f"To run it on Kaggle: put your user name in the place of {UNKNOWN_USER} in "
            f"{shown}/kernel-metadata.json, then\n"
            f"  kaggle kernels push -p {escape(shlex.quote(shown))}\n"
            "When it is done, download its runs.zip and run\n"
            "  make kernel RUNS=<path of runs.zip>"
        )


def install(workspace: Workspace, archive: str, fresh: bool, console: Console) -> None:
    """Put the runs of an archive, or another clone's run folder, into `runs/`."""
    names = install_runs(workspace, Path(archive).expanduser().resolve(), fresh)
    console.print(f"{workspace.show(workspace.runs)}/ now has {', '.join(names)}, verified.")
    console.print("Go on with `make submit` and `make report`.")
