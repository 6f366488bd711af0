"""Which process runs a trial, and whether it is still alive.

In: the study's folder and its running trials. Out: trials of dead processes marked as failed, their
values queued to be tried again. What always holds: a living process on this machine is never taken
for dead, since it holds a lock of the kernel's that dies with it and not before; one on another
machine, which shares a database but no folder, is taken for dead after ten minutes of silence.
"""

import contextlib
import fcntl
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from digit_recognizer.faults import fault_point

SAY_ALIVE_EVERY = 60.0  # seconds
_SILENT_FOR = 600.0
# Values that end their process each time, by its memory say, must not be tried for ever.
_MOST_TRIES = 3
# What goes over to the next try: folds that were finished are not trained again.
_KEPT = ("own", "wrong")


@contextlib.contextmanager
def holding(folder: Path) -> Iterator[str]:
    """Yield a name for this process, which is seen to live until the block ends."""
    name = uuid.uuid4().hex
    holders = folder / "holders"
    holders.mkdir(exist_ok=True)
    with open(holders / name, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield name
    # Left behind where the block is left by an error: by then its trials may still run in the
    # records, and whoever finds the file without its lock knows them dead at once.
    (holders / name).unlink(missing_ok=True)


def requeue_abandoned(study: Any, folder: Path, shares_folder: bool) -> list[int]:
    """Fail the trials of dead processes, queue their values again; return their numbers.

    The caller is alone on this machine. A kill between the two steps is made good by the next call.
    """
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False)
    queued = {trial.user_attrs.get("again_of") for trial in trials}
    running = [trial for trial in trials if trial.state == TrialState.RUNNING]
    abandoned = [trial for trial in running if _is_abandoned(trial, folder, shares_folder)]
    for trial in abandoned:
        tries = trial.user_attrs.get("tries", 1)
        if trial.number not in queued and trial.params and tries < _MOST_TRIES:
            kept = {key: trial.user_attrs[key] for key in _KEPT if key in trial.user_attrs}
            study.enqueue_trial(
                trial.params,
                user_attrs={**kept, "again_of": trial.number, "tries": tries + 1},
            )
        fault_point("queued again")
        with contextlib.suppress(ValueError):  # another machine was faster
            study.tell(trial.number, state=TrialState.FAIL)
    _sweep(folder, {trial.user_attrs.get("holder") for trial in running})
    return [trial.number for trial in abandoned]


def _is_abandoned(trial: Any, folder: Path, shares_folder: bool) -> bool:
    holder = trial.user_attrs.get("holder")
    if holder and (folder / "holders" / holder).exists():
        return _is_free(folder / "holders" / holder)
    if not holder and shares_folder:
        # It was killed between asking and saying so, for which it, too, was alone.
        return True
    begun = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    seen: float = trial.user_attrs.get("seen", begun)
    return time.time() - seen > _SILENT_FOR


def _sweep(folder: Path, running: set[str | None]) -> None:
    """Delete what dead processes left, once no trial names it."""
    for path in (folder / "holders").glob("*"):
        if path.name not in running and _is_free(path):
            path.unlink(missing_ok=True)


def _is_free(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return True
    return True
