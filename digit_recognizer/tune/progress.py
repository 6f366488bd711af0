"""Progress of a study: bars on a terminal, lines elsewhere.

In: reports from the trials of this process. Out: text. What always holds: each trial has one line
when it starts and one when it ends.
"""

import threading
import time

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.spaces import Space, Value, read_chosen
from digit_recognizer.scores import format_percent
from digit_recognizer.tune.budget import Budget
from digit_recognizer.tune.study import Trial, find_best_trial, list_changes

_LINE_EVERY = 20.0  # seconds
# The part of the budget that is used before the remaining time is estimated.
_ENOUGH_TO_JUDGE = 0.02


class Board:
    """Shown until the block ends; every thread may update it."""

    def __init__(
        self,
        study: str,
        experiment: Experiment,
        space: Space,
        budget: Budget,
        known: list[Trial],
        console: Console,
    ) -> None:
        self._study, self._budget, self._console = study, budget, console
        self._original = read_chosen(experiment, space)
        self._lock = threading.Lock()
        self._running: dict[int, tuple[int, int, int | None]] = {}
        self._bars: dict[int, TaskID] = {}
        self._known = known
        self._done_before = budget.done_part(known)
        self._started = self._said = time.monotonic()
        self._progress: Progress | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[detail]}"),
                console=console,
                transient=True,
            )
            self._whole = self._progress.add_task(study, total=1.0, detail="")

    def __enter__(self) -> "Board":
        if self._progress:
            self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._progress:
            self._progress.stop()

    def begin(self, number: int, place: int, chosen: dict[str, Value], passes: int) -> None:
        with self._lock:
            self._running[number] = (passes, 0, None)
            self._print(f"{self._name(number, place)}: {self.shorten(chosen)}")
            if self._progress:
                self._bars[number] = self._progress.add_task(
                    f"  trial {number}", total=passes, detail=""
                )

    def show(self, number: int, passes: int, errors: int | None) -> None:
        with self._lock:
            most, _, _ = self._running[number]
            self._running[number] = (most, passes, errors)
            if self._progress:
                detail = "" if errors is None else f"{errors:,} wrong so far"
                self._progress.update(self._bars[number], completed=passes, detail=detail)

    def end(self, number: int, place: int, known: list[Trial]) -> None:
        with self._lock:
            self._running.pop(number)
            if self._progress:
                self._progress.remove_task(self._bars.pop(number))
            self._known = known
            trial = next(each for each in known if each.number == number)
            self._print(
                f"{self._name(number, place)} {_describe_end(trial)}, {trial.passes:,} image "
                f"passes, {trial.seconds:,.0f} s; {self._standing()}"
            )

    def tick(self) -> None:
        """Update the display; called regularly."""
        with self._lock:
            if self._progress:
                done = self._done()
                self._progress.update(self._whole, completed=done, detail=self._standing())
            elif self._running and time.monotonic() - self._said > _LINE_EVERY:
                running = ", ".join(
                    f"trial {number} {format_percent(passes / most)}"
                    + ("" if errors is None else f" ({errors:,} wrong so far)")
                    for number, (most, passes, errors) in sorted(self._running.items())
                )
                self._print(f"{self._study}: {running}; {self._standing()}")

    def shorten(self, chosen: dict[str, Value]) -> str:
        """Return the values that differ from the original experiment."""
        return " ".join(list_changes(chosen, self._original)) or "the original experiment"

    def _name(self, number: int, place: int) -> str:
        of = f" of {self._budget.trials:,}" if self._budget.trials else ""
        return f"trial {number} ({place}{of})"

    def _standing(self) -> str:
        best = find_best_trial(self._known)
        text = f"best {best.errors:,} (trial {best.number})" if best else "none done yet"
        left = self._seconds_left()
        return text if left is None else f"{text}, about {_format_time(left)} left"

    def _done(self) -> float:
        """Return which part of the budget is used, running trials included."""
        part = self._budget.done_part(self._known)
        if self._budget.trials:
            going = sum(passes / most for most, passes, _ in self._running.values())
            return min(1.0, part + going / self._budget.trials)
        return part

    def _seconds_left(self) -> float | None:
        """Return the remaining seconds at the speed so far, once it is known."""
        done, before = self._done(), self._done_before
        if done - before < _ENOUGH_TO_JUDGE or done >= 1:
            return None
        return (time.monotonic() - self._started) * (1 - done) / (done - before)

    def _print(self, line: str) -> None:
        self._said = time.monotonic()
        self._console.print(escape(line))


def _describe_end(trial: Trial) -> str:
    if trial.state == "done":
        return f"done: {trial.errors:,} wrong"
    if trial.note:
        return f"given up: {trial.note.splitlines()[0]}"
    so_far = sum(trial.fold_errors.values())
    return f"pruned after {so_far:,} wrong" if trial.fold_errors else "pruned in its first fold"


def _format_time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
