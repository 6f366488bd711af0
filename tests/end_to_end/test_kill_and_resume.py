"""Whatever kills a command, the same command run again ends as if nothing had happened."""

import json
import os
import random
import shutil
import signal
from pathlib import Path

import pytest

from digit_recognizer.runs.checkpoint import SAVE_EVERY
from digit_recognizer.runs.environment import available_cores
from digit_recognizer.workspace import Workspace, sha256_of
from tests.commands import (
    TINY,
    run,
    run_well,
    start,
    started,
    submission_hash,
    train_tiny,
    trained_folds,
)
from tests.processes import assert_group_ends, await_true, group_members

KILLED = -signal.SIGKILL
SLOW = pytest.mark.slow
EVERY_EPOCH = {SAVE_EVERY: "0"}


def finished_folds(workspace: Workspace) -> list[str]:
    return sorted(path.parent.name for path in workspace.runs.glob("tiny/fold-*/done.json"))


@pytest.mark.parametrize(
    ("fault", "folds_kept"),
    [
        # 160 images in batches of 32 are 5 batches an epoch and 10 a fold.
        pytest.param("batch:12", 1, id="in the middle of the second fold's first epoch"),
        pytest.param("fold:2", 2, id="between the second fold and the third", marks=SLOW),
        pytest.param("write model.weights.h5:60000", 0, id="while weights are written"),
        pytest.param("done:1", 0, id="between the weights and done.json", marks=SLOW),
        pytest.param("write oof.npy:4", 0, id="while a fold's predictions are written", marks=SLOW),
        pytest.param("rename metrics.json:4", 3, id="before the last metrics get their name"),
    ],
)
def test_training_goes_on_where_it_was_killed(
    workspace: Workspace, undisturbed: str, fault: str, folds_kept: int
) -> None:
    killed = run(workspace, "train", *TINY, fault=fault)
    assert killed.returncode == KILLED, killed.stdout
    kept = finished_folds(workspace)
    assert len(kept) == folds_kept
    written = {name: (workspace.runs / "tiny" / name / "done.json").stat() for name in kept}

    resumed = train_tiny(workspace)

    assert trained_folds(resumed) == list(range(folds_kept, 3))
    for name, before in written.items():
        now = (workspace.runs / "tiny" / name / "done.json").stat()
        assert (now.st_ino, now.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert not list(workspace.runs.rglob("*.tmp")), "the killed process's files are swept"
    assert submission_hash(workspace) == undisturbed


@pytest.mark.parametrize(
    ("faults", "continued"),
    [
        pytest.param(["batch:17"], [1], id="in the second epoch"),
        pytest.param(["batch:17", "batch:3"], [1], id="twice in one epoch"),
        pytest.param(["write checkpoint:9000"], [], id="while a checkpoint is written"),
        pytest.param(["rename checkpoint:2"], [], id="before it has its name", marks=SLOW),
        pytest.param(["checkpoint:1"], [0], id="right after it was written", marks=SLOW),
        pytest.param(["fold:1"], [], id="before a finished fold's is deleted", marks=SLOW),
    ],
)
def test_a_fold_continues_where_it_was_killed(
    workspace: Workspace, undisturbed: str, faults: list[str], continued: list[int]
) -> None:
    for fault in faults:
        killed = run(workspace, "train", *TINY, fault=fault, **EVERY_EPOCH)
        assert killed.returncode == KILLED, killed.stdout

    resumed = train_tiny(workspace)

    for fold in range(3):
        told = f"fold {fold} continues after epoch 1 of 2" in resumed
        assert told == (fold in continued), resumed
    assert len(finished_folds(workspace)) == 3
    assert not list(workspace.runs.rglob("*checkpoint*")), "nothing is left of them"
    assert submission_hash(workspace) == undisturbed


def test_a_damaged_checkpoint_is_told_of_and_not_used(
    workspace: Workspace, undisturbed: str
) -> None:
    assert run(workspace, "train", *TINY, fault="checkpoint:1", **EVERY_EPOCH).returncode == KILLED
    path = workspace.runs / "tiny/fold-0/checkpoint"
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)

    resumed = " ".join(train_tiny(workspace).split())

    assert "the checkpoint is not used, because it is damaged" in resumed
    assert "continues after" not in resumed
    assert submission_hash(workspace) == undisturbed


@pytest.mark.slow
def test_other_threads_after_a_checkpoint_are_told_of_and_on_record(workspace: Workspace) -> None:
    arguments = [*TINY, "--folds", "0", "1"]
    killed = run(workspace, "train", *arguments, fault="checkpoint:1", **EVERY_EPOCH)
    assert killed.returncode == KILLED
    resumed = run_well(workspace, "train", *arguments, "--jobs", "2")
    assert "fold 0 continues after epoch 1 of 2" in resumed
    facts = json.loads((workspace.runs / "tiny/fold-0/done.json").read_text())["facts"]
    threads = max(1, available_cores() // 2)
    assert facts["environment"]["threads"] == threads
    assert facts["earlier_parts"][0]["environment"]["threads"] == available_cores()
    if available_cores() > 1:
        assert "was trained under other conditions" in " ".join(resumed.split())


@pytest.mark.parametrize("fault", ["write submission.csv:1", "rename submission.csv:1", "ledger:1"])
def test_a_killed_submit_leaves_the_old_submission_or_none(
    trained: Workspace, undisturbed: str, fault: str
) -> None:
    workspace = trained
    final = workspace.submissions / "submission.csv"

    assert run(workspace, "submit", "--experiments", "tiny", fault=fault).returncode == KILLED
    assert not final.exists() or sha256_of(final) == undisturbed

    final.write_text("the one of yesterday")
    assert run(workspace, "submit", "--experiments", "tiny", fault=fault).returncode == KILLED
    assert final.read_text() == "the one of yesterday" or sha256_of(final) == undisturbed

    assert submission_hash(workspace) == undisturbed
    assert not list(workspace.submissions.glob(".*.tmp"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_until_done(
    tiny_source: Path, tmp_path: Path, undisturbed: str, seed: int
) -> None:
    workspace = Workspace(tmp_path)
    draw = random.Random(seed)
    commands = (
        ("download", "--source", str(tiny_source)),
        ("train", *TINY),
        ("submit", "--experiments", "tiny"),
    )
    deaths = 0
    for script, *arguments in commands:
        finished = 0
        # From a kill at every fifth point to one at every hundredth, so that an end is reached.
        for reach in range(5, 100, 15):
            fault = f"*:{draw.randint(1, reach)}"
            done = run(workspace, script, *arguments, fault=fault, **EVERY_EPOCH)
            assert len(finished_folds(workspace)) >= finished, "progress never goes back"
            finished = len(finished_folds(workspace))
            if done.returncode == 0:
                break
            assert done.returncode == KILLED, done.stdout
            deaths += 1
        else:
            run_well(workspace, script, *arguments)
    assert deaths >= 3
    assert submission_hash(workspace) == undisturbed


@pytest.mark.parametrize(
    ("name", "code", "jobs"),
    [
        ("SIGINT", 130, "1"),
        ("SIGTERM", 143, "1"),
        pytest.param("SIGTERM", 143, "2", marks=SLOW),
        pytest.param("SIGINT", 130, "2", marks=SLOW),
    ],
)
def test_a_stopped_command_leaves_no_orphan_and_can_go_on(
    workspace: Workspace, undisturbed: str, name: str, code: int, jobs: str
) -> None:
    process = start(workspace, "train", *TINY, "--jobs", jobs, fault=f"batch:7:{name}")
    output, _ = process.communicate(timeout=600)
    assert process.returncode == code, output
    assert "continues from there" in output
    assert "Traceback" not in output
    assert_group_ends(process.pid)

    train_tiny(workspace)
    assert submission_hash(workspace) == undisturbed


@pytest.mark.slow
def test_a_killed_worker_is_reported_with_its_fold(workspace: Workspace, undisturbed: str) -> None:
    process = start(workspace, "train", *TINY, "--jobs", "2", fault="batch:8")
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 1, output
    assert "worker process was killed while training tiny fold" in output
    assert "Traceback" not in output
    assert_group_ends(process.pid)

    train_tiny(workspace)
    assert submission_hash(workspace) == undisturbed


def test_workers_end_with_a_killed_parent(workspace: Workspace) -> None:
    arguments = [*TINY, "epochs=100000"]
    with started(workspace, "train", *arguments, "--jobs", "2") as process:
        await_true(lambda: len(group_members(process.pid)) >= 3, "workers are started")
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=600)
        assert_group_ends(process.pid)


def test_the_second_command_on_a_run_names_the_first(workspace: Workspace) -> None:
    lock = workspace.runs / ".tiny.lock"
    with started(workspace, "train", *TINY, "epochs=100000") as first:
        await_true(
            lambda: lock.exists() and str(first.pid) in lock.read_text(),
            "the first command takes the lock",
        )
        second = run(workspace, "train", *TINY, "epochs=100000")
        assert second.returncode == 1
        assert f"in use by process {first.pid} (train.py" in second.stdout
        first.kill()
        first.wait(timeout=600)
        # The lock died with its holder, though its file is still there.
        assert lock.exists()
        train_tiny(workspace, "--fresh")


@pytest.mark.slow
def test_the_seed_decides_the_result(trained: Workspace, undisturbed: str) -> None:
    workspace = trained
    first = {path.name: sha256_of(path) for path in workspace.runs.glob("tiny/fold-0/*.npy")}
    train_tiny(workspace, "--fresh")
    again = {path.name: sha256_of(path) for path in workspace.runs.glob("tiny/fold-0/*.npy")}
    assert first == again
    assert submission_hash(workspace) == undisturbed

    run_well(workspace, "train", *TINY, "seed=1", "--fresh", "--folds", "0")
    other = {path.name: sha256_of(path) for path in workspace.runs.glob("tiny/fold-0/*.npy")}
    assert set(other.values()).isdisjoint(first.values())


@pytest.mark.slow
def test_folds_on_two_processes_are_all_there_and_other_threads_are_on_record(
    workspace: Workspace,
) -> None:
    output = train_tiny(workspace, "--jobs", "2", "--folds", "0", "1", "1")
    assert trained_folds(output) == [0, 1]
    assert "2 of 3 folds done" in output
    facts = json.loads((workspace.runs / "tiny/fold-0/done.json").read_text())["facts"]
    assert facts["environment"]["threads"] == max(1, available_cores() // 2)

    rest = train_tiny(workspace)
    assert trained_folds(rest) == [2]
    if available_cores() > 1:
        assert "threads: 1 there, 2 now" in rest
    validated = run_well(workspace, "validate")
    assert validated.count("bit-identical") + validated.count("number of threads") == 3


def test_a_damaged_fold_is_trained_again_to_the_same_bytes(
    trained: Workspace, undisturbed: str
) -> None:
    workspace = trained
    for name in ("model.weights.h5", "test.npy"):
        path = workspace.runs / "tiny/fold-1" / name
        contents = bytearray(path.read_bytes())
        contents[-1] ^= 1
        path.write_bytes(contents)
    assert run(workspace, "submit").returncode == 1
    refused = run(workspace, "validate")
    assert refused.returncode == 1
    assert "fold-1 is not finished or was changed since" in refused.stdout

    assert trained_folds(train_tiny(workspace)) == [1]
    assert submission_hash(workspace) == undisturbed


def test_a_run_of_something_else_is_refused_by_the_command(
    trained: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    workspace = trained
    changed = run(workspace, "train", *TINY, "epochs=3")
    assert changed.returncode == 1
    assert "experiment.epochs: 2 there, 3 now" in changed.stdout

    # By its own name the variation is known, without its settings.
    again = run_well(workspace, "train", "--experiments", "tiny")
    assert trained_folds(again) == []

    other = tmp_path / "other"
    shutil.copytree(tiny_source, other)
    lines = (other / "train.csv").read_text().split("\n")
    lines[1] = lines[1][:-1] + "7"
    (other / "train.csv").write_text("\n".join(lines))
    run_well(workspace, "download", "--source", str(other))
    for arguments in (["train", *TINY], ["submit"], ["validate"]):
        refused = run(workspace, *arguments)
        assert refused.returncode == 1, refused.stdout
        assert "other data" in refused.stdout or "data: " in refused.stdout


def test_a_diverged_training_is_an_error_and_leaves_no_fold(workspace: Workspace) -> None:
    diverged = run(workspace, "train", *TINY, "learning_rate=1e38")
    assert diverged.returncode == 1
    assert "has diverged" in diverged.stdout
    assert "Traceback" not in diverged.stdout
    assert finished_folds(workspace) == []
