"""Folds in processes of their own, without the training."""

import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from digit_recognizer.learn import engine as workers
from digit_recognizer.learn.engine import Engine, Fit
from digit_recognizer.learn.training import FoldData
from tests.made_up_runs import make_experiment


def train_only_the_first(number: int, fit: Fit, threads: int) -> tuple[int, str]:
    if number:
        time.sleep(3600)
    return number, "done"


def test_who_stops_between_two_results_gets_no_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_train_numbered", train_only_the_first)
    images = np.zeros((4, 28, 28), np.uint8)
    data = FoldData(images, np.zeros(4, np.uint8), np.arange(4) % 2, images)
    experiment = make_experiment("made-up")
    fits = [Fit(experiment, fold, data, "float32", tmp_path / f"{fold}.json") for fold in (0, 1)]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        results = Engine(2, 1).fit_all("folds", fits, Console(quiet=True))
        fit, result = next(results)
        assert (fit, result) == (fits[0], "done")
        results.close()
    assert [str(each.message) for each in warned] == []
