"""What a person sees while folds train: bars on a terminal, a line now and then elsewhere.

In: small files in which each fold's training notes how far it is, whichever process that runs in.
Out: text. What always holds: training never waits for the display, and a fold that cannot report
(its machine does not share this folder) trains all the same.
"""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_NOTE_EVERY = 0.2  # seconds
_LINE_EVERY = 10.0


class FoldReporter:
    """Called by a fold's training after every batch and epoch; notes the state in a file."""

    def __init__(self, folder: Path, fold: int) -> None:
        self._path = folder / f"{fold}.json"
        self._state: dict[str, Any] = {"images": 0}
        self._noted = 0.0

    def __call__(self, news: dict[str, Any]) -> None:
        images = self._state["images"] + news.get("images", 0)
        self._state = {**self._state, **news, "images": images}
        if "epoch" in news or "done" in news or time.monotonic() - self._noted > _NOTE_EVERY:
            self._noted = time.monotonic()
            with contextlib.suppress(OSError):
                draft = self._path.with_suffix(".draft")
                draft.write_text(json.dumps(self._state))
                draft.replace(self._path)


@contextlib.contextmanager
def showing(
    title: str, folder: Path, folds: list[int], images_per_fold: dict[int, int], console: Console
) -> Iterator[None]:
    """Show the folds' progress from their notes in `folder` until the block ends."""
    show = _show_bars if console.is_terminal and not console.is_dumb_terminal else _show_lines
    done = threading.Event()
    thread = threading.Thread(
        target=show, args=(title, folder, folds, images_per_fold, console, done), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def read_states(folder: Path, folds: list[int]) -> dict[int, dict[str, Any]]:
    """Return what the folds that have begun last noted."""
    states = {}
    for fold in folds:
        with contextlib.suppress(OSError, ValueError):
            states[fold] = json.loads((folder / f"{fold}.json").read_text())
    return states


def _show_bars(
    title: str,
    folder: Path,
    folds: list[int],
    images_per_fold: dict[int, int],
    console: Console,
    done: threading.Event,
) -> None:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        whole = progress.add_task(title, total=sum(images_per_fold.values()), detail="")
        bars = {
            fold: progress.add_task(f"  fold {fold}", total=images_per_fold[fold], detail="waiting")
            for fold in folds
        }
        started = time.monotonic()
        while not done.wait(_NOTE_EVERY):
            states = read_states(folder, folds)
            for fold, state in states.items():
                progress.update(
                    bars[fold],
                    completed=_seen({fold: state}, images_per_fold),
                    detail=_detail(state),
                )
            seen = _seen(states, images_per_fold)
            speed = seen / (time.monotonic() - started)
            progress.update(whole, completed=seen, detail=f"{speed:,.0f} images/s")


def _show_lines(
    title: str,
    folder: Path,
    folds: list[int],
    images_per_fold: dict[int, int],
    console: Console,
    done: threading.Event,
) -> None:
    started = last = time.monotonic()
    total = sum(images_per_fold.values())
    while not done.wait(_NOTE_EVERY):
        now = time.monotonic()
        if now - last < _LINE_EVERY:
            continue
        last = now
        states = read_states(folder, folds)
        seen = _seen(states, images_per_fold)
        speed = seen / (now - started)
        left = f"{(total - seen) / speed:,.0f} s left" if speed else "starting"
        running = [
            f"fold {fold} {_detail(state)}"
            for fold, state in states.items()
            if not state.get("done")
        ]
        console.print(
            f"{title}: {seen / total:.0%}, {speed:,.0f} images/s, {left}; {', '.join(running)}",
        )


def _seen(states: dict[int, dict[str, Any]], images_per_fold: dict[int, int]) -> int:
    """Return how many images lie behind; a fold that stopped early has none before it."""
    return sum(
        images_per_fold[fold] if state.get("done") else state["images"]
        for fold, state in states.items()
    )


def _detail(state: dict[str, Any]) -> str:
    if "epoch" not in state:
        return "epoch 1"
    return (
        f"epoch {state['epoch']}/{state['epochs']} loss {state['loss']:.4f}, "
        f"held out {state['held_out_accuracy']:.2%}"
    )
