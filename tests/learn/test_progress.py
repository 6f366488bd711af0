"""What is printed while folds train, where there is no terminal."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from digit_recognizer.learn import progress
from digit_recognizer.learn.progress import Watched, showing, write_note
from tests.processes import await_true


def test_a_line_ends_with_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LINE_EVERY", 0.0)
    console = Console(file=io.StringIO(), soft_wrap=True)
    trainings = [Watched(f"fold {fold}", tmp_path / f"{fold}.json", 100) for fold in (0, 1)]

    def has(text: str) -> bool:
        return text in console.file.getvalue()  # type: ignore[attr-defined]

    with showing("tiny", trainings, console):
        await_true(lambda: has("tiny: 0 %, 0 images/s, starting\n"), "nothing has begun")
        write_note(trainings[0].note, {"images": 50})
        await_true(lambda: has("s left; fold 0 epoch 1\n"), "one fold trains")
        write_note(trainings[0].note, {"images": 100, "done": True})
        await_true(lambda: has("tiny: 50 %") and has("s left\n"), "it is done")
