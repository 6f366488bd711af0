"""Whole commands on a disk that is full or may not be written to."""

import os
import shutil
import subprocess
import sys

import pytest

from digit_recognizer.data.dataset import load_test, load_train
from digit_recognizer.runs.checkpoint import SAVE_EVERY
from digit_recognizer.workspace import Workspace
from tests.commands import PROJECT, TINY, run, submission_hash, train_tiny
from tests.limits import heeding_permissions, largest_file, small_disk


def assert_refused(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout, done.stdout
    for part in parts:
        assert part in done.stdout


def test_a_read_only_runs_folder_is_refused_before_any_training(workspace: Workspace) -> None:
    heed = heeding_permissions()
    load_train(workspace), load_test(workspace)
    workspace.runs.mkdir()
    workspace.runs.chmod(0o555)
    done = subprocess.run(
        [sys.executable, str(PROJECT / "scripts" / "train.py"), *TINY],
        # The first batch that is trained would end the process.
        env={
            **os.environ,
            "DIGIT_RECOGNIZER_HOME": str(workspace.root),
            "DIGIT_RECOGNIZER_FAULT": "batch:1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=heed,
        check=False,
        timeout=600,
    )
    assert_refused(
        done, f"Cannot write in {workspace.runs}: Permission denied. Nothing was started"
    )
    assert list(workspace.runs.iterdir()) == []


def test_commands_stopped_by_a_full_disk_go_on_when_there_is_room(
    workspace: Workspace, undisturbed: str
) -> None:
    with small_disk(workspace.runs, "300k"):
        # Room for one fold and a half.
        load_train(workspace), load_test(workspace)
        stopped = run(workspace, "train", *TINY)
        assert_refused(
            stopped, str(workspace.runs / "tiny"), "No space left on device", "the same command"
        )
        finished = {path.parent.name for path in workspace.runs.glob("tiny/fold-*/done.json")}
        assert finished == {"fold-0"}
        assert not list(workspace.runs.rglob("*.tmp"))

        grow = ["mount", "-o", "remount,size=4m", str(workspace.runs)]
        subprocess.run(grow, check=True)
        resumed = train_tiny(workspace)
        assert "tiny fold 0:" not in resumed
        assert submission_hash(workspace) == undisturbed


@pytest.mark.slow
def test_weights_that_find_no_room_stop_training_which_then_goes_on(
    workspace: Workspace, undisturbed: str
) -> None:
    # What was read of the data was kept before the disk filled up.
    load_train(workspace), load_test(workspace)
    with largest_file(60_000):
        stopped = run(workspace, "train", *TINY, imported=False)
    assert_refused(stopped, "model.weights.h5", "File too large")
    assert not list(workspace.runs.rglob("done.json"))
    assert not list(workspace.runs.rglob("*.tmp"))

    train_tiny(workspace)
    assert submission_hash(workspace) == undisturbed


@pytest.mark.slow
def test_a_checkpoint_that_finds_no_room_is_told_of_and_stops_nothing(workspace: Workspace) -> None:
    load_train(workspace), load_test(workspace)
    arguments = [*TINY, "average_decay=0.9"]  # the averages make the checkpoint the largest file
    with largest_file(185_000):
        done = run(workspace, "train", *arguments, imported=False, **{SAVE_EVERY: "0"})
    assert done.returncode == 0, done.stdout
    told = " ".join(done.stdout.split())
    assert told.count("No checkpoint of it was saved at last: Cannot write") == 3
    assert "checkpoint: File too large" in told
    assert len(list(workspace.runs.rglob("done.json"))) == 3
    assert not list(workspace.runs.rglob("*.tmp"))


def test_data_that_find_no_room_beside_them_stop_training_before_it_begins(
    workspace: Workspace,
) -> None:
    shutil.rmtree(workspace.data / ".cache", ignore_errors=True)
    with largest_file(60_000):
        stopped = run(workspace, "train", *TINY, imported=False)
    assert_refused(stopped, str(workspace.data / ".cache"), "File too large")
    assert not list(workspace.data.rglob("*.tmp"))
    assert not list(workspace.runs.rglob("config.json"))
