"""Which process runs a trial, and whether it is still alive.

In: the study's folder and its running trials. Out: trials of dead processes are marked as failed
and their values queued again. What always holds: a living process on this machine is never taken
for dead, because it holds a file lock that the kernel releases only when it ends. A process on
another machine, which shares a database but no folder, counts as dead after ten minutes without a
sign.
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
# Values that kill their process each time, for example by its memory, must not be tried forever.
_MOST_TRIES = 3
# Kept for the next try: finished folds are not trained again.
_KEPT = ("own", "wrong")


@contextlib.contextmanager
def holding(folder: Path) -> Iterator[str]:
    """Yield a name for this process, which counts as alive until the block ends."""
    name = uuid.uuid4().hex
    holders = folder / "holders"
    holders.mkdir(exist_ok=True)
    with open(holders / name, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield name
    # Not deleted after an error: its trials may still be recorded as running, and the file without
    # a lock shows other processes that they are dead.
    (holders / name).unlink(missing_ok=True)


def requeue_abandoned(study: Any, folder: Path, shares_folder: bool) -> list[int]:
    """Queue the values of dead processes' trials again, mark those as failed; return their numbers.

    The caller holds the study's lock. After a kill between the two steps, the next call repairs it.
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
        with contextlib.suppress(ValueError):  # another machine has done it
            study.tell(trial.number, state=TrialState.FAIL)
    _sweep(folder, {trial.user_attrs.get("holder") for trial in running})
    return [trial.number for trial in abandoned]


def _is_abandoned(trial: Any, folder: Path, shares_folder: bool) -> bool:
    holder = trial.user_attrs.get("holder")
    if holder and (folder / "holders" / holder).exists():
        return _is_free(folder / "holders" / holder)
    if not holder and shares_folder:
        # Killed between asking for the trial and saving its name, while it held the study's lock.
        return True
    begun = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    seen: float = trial.user_attrs.get("seen", begun)
    return time.time() - seen > _SILENT_FOR


def _sweep(folder: Path, running: set[str | None]) -> None:
    """Delete the files of dead processes that no trial names any more."""
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
