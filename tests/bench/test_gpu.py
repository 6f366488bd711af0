"""The rows for graphics cards, with the processor instead of a card."""

import io

import pytest
from rich.console import Console

from digit_recognizer.bench import gpu
from digit_recognizer.experiments.experiment import Dense, Experiment
from digit_recognizer.workspace import Workspace

QUIET = Console(file=io.StringIO())
TINY = Experiment("tiny", Dense((8,)), epochs=2, batch_size=64, folds=3)


def test_without_a_card_its_rows_are_left_out(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "find_gpus", lambda console: ())
    (row,) = gpu.measure_gpu(workspace, TINY, QUIET)
    assert row.figure == "left out"


@pytest.mark.slow
def test_a_cards_rows_are_of_all_folds(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "find_gpus", lambda console: ("a card",))
    rate, compiling, *targets = gpu.measure_gpu(workspace, TINY, QUIET)
    assert rate.figure.endswith(" images/s")
    assert rate.note == "a card, float32, 3 folds, 240 images"
    assert float(compiling.figure.split()[0]) > 0
    assert [row.what.split(":")[0] for row in targets] == ["99.0 %", "99.4 %", "99.6 %"]
    assert all(row.group == rate.group for row in targets)
    assert all("after 2 epochs of 2" in row.note or row.figure != "not reached" for row in targets)
