"""Progress of folds in training: bars on a terminal, a line now and then elsewhere.

In: small files in which each fold's training notes how far it is, whichever process that runs in.
Out: text. What always holds: training never waits for the display, and a fold that cannot report
(its machine does not share this folder) trains all the same.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from digit_recognizer.scores import format_percent

_NOTE_EVERY = 0.2  # seconds
_LINE_EVERY = 10.0


class FoldReporter:
    """Called by a fold's training after every batch and epoch; passes its state on now and then."""

    def __init__(self, tell: Callable[[dict[str, Any]], None], every: float = _NOTE_EVERY) -> None:
        self._tell = tell
        self._every = every
        self._state: dict[str, Any] = {"images": 0}
        self._told = 0.0

    def __call__(self, news: dict[str, Any]) -> None:
        images = self._state["images"] + news.get("images", 0)
        self._state = {**self._state, **news, "images": images}
        if "epoch" in news or "done" in news or time.monotonic() - self._told > self._every:
            self._told = time.monotonic()
            self._tell(self._state)


def write_note(path: Path, state: dict[str, Any]) -> None:
    """Note a training's state in a file, if that can be written."""
    with contextlib.suppress(OSError):
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(state))
        draft.replace(path)


@dataclass(frozen=True)
class Watched:
    """A fold's training, as seen from outside."""

    label: str
    note: Path
    images: int  # that it will be shown in all its epochs


@contextlib.contextmanager
def showing(title: str, trainings: list[Watched], console: Console) -> Iterator[None]:
    """Show the trainings' progress from their notes until the block ends."""
    show = _show_bars if console.is_terminal and not console.is_dumb_terminal else _show_lines
    done = threading.Event()
    thread = threading.Thread(target=show, args=(title, trainings, console, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def read_state(note: Path) -> dict[str, Any] | None:
    """Return what a training last noted, or None if it has not begun."""
    with contextlib.suppress(OSError, ValueError):
        state: dict[str, Any] = json.loads(note.read_text())
        return state
    return None


def _read_states(trainings: list[Watched]) -> list[tuple[Watched, dict[str, Any]]]:
    return [(each, state) for each in trainings if (state := read_state(each.note))]


def _show_bars(
    title: str, trainings: list[Watched], console: Console, done: threading.Event
) -> None:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        total = sum(each.images for each in trainings)
        whole = progress.add_task(title, total=total, detail="")
        bars = {
            each: progress.add_task(f"  {each.label}", total=each.images, detail="", visible=False)
            for each in trainings
        }
        started = time.monotonic()
        while not done.wait(_NOTE_EVERY):
            states = _read_states(trainings)
            for each, state in states:
                # Only what runs: a line-up has more folds than a terminal has lines.
                progress.update(
                    bars[each],
                    completed=_seen(each, state),
                    detail=_detail(state),
                    visible=not state.get("done"),
                )
            seen = sum(_seen(each, state) for each, state in states)
            speed = (seen - _restored(states)) / (time.monotonic() - started)
            progress.update(whole, completed=seen, detail=f"{speed:,.0f} images/s")


def _show_lines(
    title: str, trainings: list[Watched], console: Console, done: threading.Event
) -> None:
    started = last = time.monotonic()
    total = sum(each.images for each in trainings)
    while not done.wait(_NOTE_EVERY):
        now = time.monotonic()
        if now - last < _LINE_EVERY:
            continue
        last = now
        states = _read_states(trainings)
        seen = sum(_seen(each, state) for each, state in states)
        speed = (seen - _restored(states)) / (now - started)
        left = f"{(total - seen) / speed:,.0f} s left" if speed else "starting"
        running = [
            f"{each.label} {_detail(state)}" for each, state in states if not state.get("done")
        ]
        whole = f"{title}: {format_percent(seen / total)}, {speed:,.0f} images/s, {left}"
        console.print("; ".join([whole, ", ".join(running)] if running else [whole]))


def _seen(training: Watched, state: dict[str, Any]) -> int:
    """Return how many images lie behind; a fold that stopped early has none before it."""
    return training.images if state.get("done") else int(state["images"])


def _restored(states: list[tuple[Watched, dict[str, Any]]]) -> int:
    """Return how many images an earlier command has shown, by the checkpoints it left."""
    return sum(state.get("restored", 0) for _, state in states)


def _detail(state: dict[str, Any]) -> str:
    if "epoch" not in state:
        return "epoch 1"
    return (
        f"epoch {state['epoch']}/{state['epochs']} loss {state['loss']:.4f}, "
        f"held out {format_percent(state['held_out_accuracy'], 2)}"
    )
