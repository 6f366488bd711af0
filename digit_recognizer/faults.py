"""Named points at which tests kill the process, so that no test of a crash depends on timing.

In: the environment variable DIGIT_RECOGNIZER_FAULT, `<point>:<count>[:<signal>]`; `*` as the point
stands for every one. Out: nothing, or a dead process. Without the variable a fault point costs one
dictionary look-up.
"""

import os
import signal

VARIABLE = "DIGIT_RECOGNIZER_FAULT"
_passed: dict[str, int] = {}


def fault_point(point: str, amount: int = 1) -> None:
    """Note that `point` was passed `amount` times; die there if the variable says so.

    SIGKILL goes to this process alone, as the kernel sends it when memory runs out; any other
    signal goes to the whole process group, as a terminal sends Ctrl-C.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    name, count, *signal_name = wanted.split(":")
    if name not in (point, "*"):
        return
    before = _passed.get(name, 0)
    _passed[name] = before + amount
    if not before < int(count) <= _passed[name]:
        return
    chosen = signal.Signals[signal_name[0]] if signal_name else signal.SIGKILL
    if chosen is signal.SIGKILL:
        os.kill(os.getpid(), chosen)
    else:
        os.killpg(os.getpgrp(), chosen)
