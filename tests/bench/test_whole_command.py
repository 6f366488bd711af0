"""Measurements of whole commands, and how they grow with the data."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digit_recognizer.bench import whole_command
from digit_recognizer.bench.made_data import make_workspace, repeat_shifted
from digit_recognizer.bench.processes import Measured
from digit_recognizer.bench.whole_command import (
    WholeCommand,
    describe_growth,
    measure_share,
    run_whole,
)
from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.learn.engine import Engine
from digit_recognizer.runs.folder import open_run
from digit_recognizer.workspace import ProjectError, Workspace
from tests.made_up_runs import (
    make_experiment,
    make_fold_result,
    make_folds,
    make_labels,
    open_made_up,
)


def command(rows: int, seconds: float, megabytes: int, rounds: float = 1.0) -> WholeCommand:
    measured = Measured(seconds, megabytes * 1_000_000, "its largest process alone")
    return WholeCommand(rows, measured, epoch=2.0, epochs=3, rounds=rounds)


def test_everything_but_the_epochs_is_not_training() -> None:
    assert command(1_000, 10.0, 500).aside == 4.0


def test_folds_one_after_another_add_up() -> None:
    assert command(1_000, 15.0, 500, rounds=2.0).aside == 3.0


def test_growth_is_shown_per_thousand_rows_and_between_sizes() -> None:
    small, large = describe_growth([command(10_000, 12.0, 600), command(42_000, 28.0, 1_000)])
    assert small.what == "10,000 rows"
    assert "1.20 s per 1,000 rows; at most 600 MB" in small.note
    assert "further" not in small.note
    # 16 s and 400 MB for 32,000 rows.
    assert "each further 1,000: 0.50 s, 12.5 MB" in large.note


def test_the_share_is_also_calculated_for_all_epochs(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_command, "run_whole", lambda *_: command(240, 10.0, 500))
    experiment = replace(EXPERIMENTS["conv-32"], epochs=18)
    rows = list(measure_share(workspace, experiment, workspace, 240))
    assert [row.figure for row in rows] == ["10.0 s", "500 MB", "40 %", "10 %"]
    assert rows[1].note == "one run; its largest process alone"


@pytest.mark.parametrize(
    ("engine", "words"),
    [(Engine(2, 1), "2 processes of 1 thread"), (Engine(1, 2), "one process of 2 threads")],
)
def test_the_share_is_measured_with_two_folds_on_the_engine_of_a_whole_training(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, engine: Engine, words: str
) -> None:
    ran = []
    monkeypatch.setattr(Engine, "that_suits", lambda fits, image_passes: engine)
    monkeypatch.setattr(
        whole_command, "run_whole", lambda *how: ran.append(how) or command(240, 10.0, 500)
    )
    rows = list(measure_share(workspace, EXPERIMENTS["conv-32"], workspace, 240))
    assert ran == [(workspace, "conv-32", 2, 240, 2, engine.jobs)]
    assert rows[0].group == f"make train of conv-32, 3 epochs of 2 folds in {words}, 240 rows"


def test_a_finished_run_shows_its_own_share(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_command, "run_whole", lambda *_: command(240, 10.0, 500))
    labels = make_labels()
    folds = make_folds(len(labels))
    run = open_made_up(workspace, make_experiment("mine"), labels=labels)
    for fold in range(3):
        result = make_fold_result(fold, labels, folds)
        history = [{"epoch": epoch, "training_seconds": 4.0} for epoch in (1, 2)]
        facts = {**result.facts, "seconds": 10.0}
        run.save_fold(replace(result, history=history, facts=facts))
    *_, row = measure_share(workspace, make_experiment("mine"), workspace, 240)
    assert (row.what, row.figure) == ("the same of the finished run in runs/mine", "20 %")


def test_a_command_that_fails_says_why(workspace: Workspace) -> None:
    with pytest.raises(ProjectError, match="There is no experiment 'none-such'"):
        run_whole(workspace, "none-such", 1, 240)


@pytest.mark.slow
def test_a_whole_command_is_measured_from_outside(workspace: Workspace) -> None:
    measured = run_whole(workspace, "dense-50-50", 2, 240)
    assert (measured.rows, measured.epochs, measured.rounds) == (240, 2, 1)
    assert 0 < measured.epoch * 2 < measured.aside < measured.seconds
    assert 100 < measured.megabytes < 10_000


@pytest.mark.slow
def test_folds_side_by_side_are_one_command(workspace: Workspace) -> None:
    measured = run_whole(workspace, "dense-50-50", 2, 240, folds=2, jobs=2)
    assert measured.rounds == 1
    assert open_run(workspace, "bench").finished_folds == [0, 1]
    assert 0 < measured.training(2) < measured.seconds


def test_made_data_have_the_wanted_size(tmp_path: Path) -> None:
    made = make_workspace(tmp_path, 1_500)
    train = load_train(made)
    assert (len(train), len(load_test(made))) == (1_500, 1_000)
    assert train.labels is not None
    assert (np.bincount(train.labels) > 100).all()


def test_a_digit_that_is_used_again_is_shifted() -> None:
    images = np.random.default_rng(0).integers(0, 255, (2, 28, 28), np.uint8)
    repeated = repeat_shifted(images, 5)
    assert np.array_equal(repeated[:2], images)
    assert not np.array_equal(repeated[2], images[0])
    assert np.array_equal(np.sort(repeated[4], axis=None), np.sort(images[0], axis=None))
