"""A fold counts only while every byte of it is as it was written, and a run mixes nothing."""

import io
import json
import math
import os
import pickle
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digit_recognizer.runs.folder import FOLD_FILES, Run, open_run
from digit_recognizer.runs.opening import list_differences, start_run
from digit_recognizer.workspace import ProjectError, Workspace, sha256_of, write_json
from tests.made_up_runs import (
    DATA,
    ENVIRONMENT,
    TEST_IMAGES,
    make_experiment,
    make_fold_result,
    make_folds,
    make_labels,
    make_up_run,
    open_made_up,
)

LABELS = make_labels()


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work space")


@pytest.fixture
def run(empty: Workspace) -> Run:
    return make_up_run(empty)


def flip_a_bit(path: Path) -> None:
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: os.truncate(path, path.stat().st_size - 1),
    "bit-flipped": flip_a_bit,
    "emptied": lambda path: os.truncate(path, 0),
    "deleted": lambda path: path.unlink(),
    "made a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("name", FOLD_FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_fold_with_a_damaged_file_is_not_finished_and_the_others_are(
    run: Run, name: str, damage: str
) -> None:
    assert run.finished_folds == [0, 1, 2]
    DAMAGES[damage](run.folder / "fold-1" / name)
    assert run.finished_folds == [0, 2]
    with pytest.raises(ProjectError, match="fold 1 of 3 is missing or damaged"):
        run.load_oof()
    with pytest.raises(ProjectError, match=r"fold-1 is not finished or was changed"):
        run.read_weights(1)
    assert run.read_weights(0) == make_fold_result(0, LABELS, run.folds).weights

    if damage != "made a folder":
        run.save_fold(make_fold_result(1, LABELS, run.folds))
        assert run.is_complete


def without(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    """A copy of nested dictionaries that lacks what the keys lead to."""
    first, *rest = keys
    if rest:
        return {**value, first: without(value[first], *rest)}
    return {key: inner for key, inner in value.items() if key != first}


DONE_DAMAGES: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "empty": lambda done: b"",
    "cut": lambda done: json.dumps(done).encode()[:-9],
    "not text": lambda done: b"\xff\xfe\x00\x01",
    "null": lambda done: b"null",
    "a list": lambda done: b"[]",
    "no keys": lambda done: b"{}",
    "no hashes": lambda done: json.dumps(without(done, "sha256")).encode(),
    "hashes of no use": lambda done: json.dumps({**done, "sha256": [1]}).encode(),
    "one hash missing": lambda done: json.dumps(without(done, "sha256", "oof.npy")).encode(),
    "no facts": lambda done: json.dumps(without(done, "facts")).encode(),
    "one fact missing": lambda done: json.dumps(without(done, "facts", "seconds")).encode(),
}


@pytest.mark.parametrize("damage", DONE_DAMAGES)
def test_a_fold_with_a_damaged_record_is_not_finished_and_the_others_are(
    run: Run, damage: str
) -> None:
    path = run.folder / "fold-1" / "done.json"
    path.write_bytes(DONE_DAMAGES[damage](json.loads(path.read_bytes())))
    assert run.finished_folds == [0, 2]
    assert run.finish(LABELS)["finished_folds"] == [0, 2]


@pytest.mark.parametrize("step", range(1, 6))
def test_a_fold_whose_rewriting_fails_is_wholly_one_result_or_unfinished(
    run: Run, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    results = [make_fold_result(1, LABELS, run.folds, seed=seed) for seed in (0, 1)]
    real, calls = os.replace, []

    def fail_at_step(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == step:
            raise OSError(5, "Input/output error")
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail_at_step)
        with pytest.raises(ProjectError, match="Input/output error"):
            run.save_fold(results[1])
    assert calls[-1].name == [*FOLD_FILES, "done.json"][step - 1]
    assert not run.is_finished(1), "its record goes first"
    run.save_fold(results[1])
    assert run.read_weights(1) == results[1].weights


def test_another_configuration_is_refused_with_the_differences(run: Run, empty: Workspace) -> None:
    before = sha256_of(run.folder / "config.json")
    changed = make_experiment("made-up", epochs=3, seed=7, optimizer="adamw")
    with pytest.raises(ProjectError) as error:
        open_made_up(empty, changed)
    for line in (
        "experiment.epochs: 10 there, 3 now",
        "experiment.seed: 0 there, 7 now",
        "experiment.optimizer: adam there, adamw now",
    ):
        assert line in str(error.value)
    assert "batch_size" not in str(error.value)
    assert "FRESH=1" in str(error.value)
    assert sha256_of(run.folder / "config.json") == before
    assert run.finished_folds == [0, 1, 2]


def test_other_data_are_refused(run: Run, empty: Workspace) -> None:
    with pytest.raises(
        ProjectError, match=r"data: aaaaaaaaaaaa\.\.\. there, bbbbbbbbbbbb\.\.\. now"
    ):
        open_made_up(empty, make_experiment("made-up"), data_fingerprint="b" * 64)
    assert run.finished_folds == [0, 1, 2]


def test_a_fresh_start_forgets_what_was_there(run: Run, empty: Workspace) -> None:
    changed = make_experiment("made-up", epochs=3)
    again = open_made_up(empty, changed, data_fingerprint="b" * 64, fresh=True)
    assert again.finished_folds == []
    assert again.experiment == changed
    assert again.config["data"] == "b" * 64
    assert not list(again.folder.glob("fold-*"))
    assert open_made_up(empty, changed, data_fingerprint="b" * 64).experiment == changed


def test_what_its_authors_published_is_no_part_of_an_experiment(run: Run, empty: Workspace) -> None:
    reworded = make_experiment("made-up", published="99.1%, they say")
    assert open_made_up(empty, reworded).finished_folds == [0, 1, 2]


def test_a_run_of_before_a_setting_existed_goes_on_with_its_default(
    run: Run, empty: Workspace
) -> None:
    path = run.folder / "config.json"
    config = json.loads(path.read_text())
    del config["experiment"]["precision"]
    path.write_text(json.dumps(config))
    assert open_made_up(empty, run.experiment).finished_folds == run.finished_folds
    with pytest.raises(ProjectError, match="precision: float32 there, bfloat16 now"):
        open_made_up(empty, replace(run.experiment, precision="bfloat16"))


def test_another_environment_is_told_and_not_refused(run: Run, empty: Workspace) -> None:
    now = {**ENVIRONMENT, "threads": 1, "libraries": {"keras": "3.16.0", "numpy": "2.3.0"}}
    folds = make_folds(len(LABELS))
    again, differences = start_run(empty, make_experiment("made-up"), DATA, folds, now, fresh=False)
    assert again.finished_folds == [0, 1, 2]
    assert differences == [
        "libraries.keras: 3.15.1 there, 3.16.0 now",
        "libraries.numpy: None there, 2.3.0 now",
        "threads: 2 there, 1 now",
    ]
    _, differences = start_run(
        empty, make_experiment("made-up"), DATA, folds, ENVIRONMENT, fresh=False
    )
    assert differences == []


def test_long_values_are_shortened_in_differences() -> None:
    assert list_differences({"a": "x" * 61}, {"a": "y"}) == ["a: xxxxxxxxxxxx... there, y now"]


@pytest.mark.parametrize("contents", [None, b"", b"{", b"[]", b"{}", b'{"experiment": {}}'])
def test_finished_folds_are_kept_where_nobody_can_say_what_they_are_of(
    run: Run, empty: Workspace, contents: bytes | None
) -> None:
    config = run.folder / "config.json"
    whole = config.read_bytes()
    config.unlink() if contents is None else config.write_bytes(contents)
    with pytest.raises(ProjectError, match=r"config\.json cannot be read.*FRESH=1"):
        open_made_up(empty, make_experiment("made-up"))
    with pytest.raises(ProjectError, match="There is no run 'made-up'"):
        open_run(empty, "made-up")
    config.write_bytes(whole)
    assert open_made_up(empty, make_experiment("made-up")).finished_folds == [0, 1, 2]


def test_a_folder_that_was_only_begun_is_begun_again(run: Run, empty: Workspace) -> None:
    for path in run.folder.glob("fold-*"):
        shutil.rmtree(path)
    (run.folder / "config.json").unlink()
    assert open_made_up(empty, make_experiment("made-up", epochs=3)).finished_folds == []


@pytest.mark.filterwarnings("ignore")
def test_a_division_into_folds_with_any_bit_changed_is_refused(run: Run, empty: Workspace) -> None:
    path = run.folder / "folds.npy"
    whole = path.read_bytes()
    for position in [*range(0, 128, 3), *range(128, len(whole), 20)]:
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << bit
            path.write_bytes(damaged)
            try:
                opened = open_made_up(empty, make_experiment("made-up"))
            except ProjectError as error:
                assert "folds.npy" in str(error)
            else:
                # Spaces in the file's header mean nothing.
                assert np.array_equal(opened.folds, make_folds(len(LABELS)))
                assert position < 128


def test_an_image_moved_to_another_fold_is_noticed_by_what_reads_the_run(run: Run) -> None:
    folds = run.folds
    folds[0] = 1
    np.save(run.folder / "folds.npy", folds)
    with pytest.raises(ProjectError, match=r"folds\.npy was changed"):
        run.load_oof()


def independent_score(labels: np.ndarray, oof: np.ndarray) -> dict[str, float]:
    """The same figures image by image, in plain Python."""
    errors, surprise = 0, 0.0
    for label, row in zip(labels.tolist(), oof.tolist(), strict=True):
        errors += row.index(max(row)) != label
        surprise -= math.log(row[label])
    return {
        "images": len(labels),
        "errors": errors,
        "accuracy": (len(labels) - errors) / len(labels),
        "standard_error": math.sqrt(errors * (len(labels) - errors) / len(labels)),
        "log_loss": surprise / len(labels),
    }


def test_the_metrics_are_those_of_an_independent_count(run: Run) -> None:
    oof = np.load(run.folder / "oof.npy")
    assert oof.dtype == np.float32
    assert oof.shape == (len(LABELS), 10)
    metrics = run.metrics
    expected = independent_score(LABELS, oof)
    assert 0 < expected["errors"] < len(LABELS)
    assert {key: metrics[key] for key in expected} == pytest.approx(expected)
    for fold in range(3):
        result = make_fold_result(fold, LABELS, run.folds)
        assert np.array_equal(oof[run.folds == fold], result.oof), "each row is its image's own"
        own = independent_score(LABELS[run.folds == fold], result.oof)
        assert metrics["errors_per_fold"][str(fold)] == own["errors"]
    assert metrics["seconds"] == 6
    assert metrics["training_images_per_second"] == round((100 + 101 + 102) / (1.5 + 2.5 + 3.5), 1)


def test_the_test_probabilities_are_the_mean_of_the_folds(run: Run) -> None:
    folds = [make_fold_result(fold, LABELS, run.folds).test.astype(float) for fold in range(3)]
    test = np.load(run.folder / "test.npy")
    assert test.dtype == np.float32
    assert test.shape == (TEST_IMAGES, 10)
    assert np.allclose(test, sum(folds) / 3, rtol=1e-6, atol=0)
    assert np.array_equal(run.load_test(), test)
    assert np.array_equal(run.load_oof(), np.load(run.folder / "oof.npy"))


@pytest.mark.parametrize("name", ["oof.npy", "test.npy"])
@pytest.mark.parametrize("damage", ["truncated", "bit-flipped", "deleted"])
def test_damage_to_the_run_s_own_arrays_reaches_no_blend(run: Run, name: str, damage: str) -> None:
    oof, test = run.load_oof(), run.load_test()
    DAMAGES[damage](run.folder / name)
    assert np.array_equal(run.load_oof(), oof)
    assert np.array_equal(run.load_test(), test)


def test_part_of_the_folds_has_a_score_of_its_own_and_nothing_to_blend(empty: Workspace) -> None:
    run = make_up_run(empty, only_folds=(2, 0))
    assert run.finished_folds == [0, 2]
    metrics = run.metrics
    held_out = run.folds != 1
    oof = np.zeros((len(LABELS), 10), np.float32)
    for fold in (0, 2):
        oof[run.folds == fold] = make_fold_result(fold, LABELS, run.folds).oof
    expected = independent_score(LABELS[held_out], oof[held_out])
    assert expected["images"] == 80
    assert {key: metrics[key] for key in expected} == pytest.approx(expected)
    assert (metrics["folds"], metrics["finished_folds"]) == (3, [0, 2])
    assert set(metrics["errors_per_fold"]) == {"0", "2"}
    assert not (run.folder / "oof.npy").exists()
    assert not (run.folder / "test.npy").exists()
    for load in (run.load_oof, run.load_test):
        with pytest.raises(ProjectError, match=r"fold 1 of 3 is missing.*EXPERIMENTS=made-up"):
            load()


def test_a_run_without_a_finished_fold_names_all_and_has_no_score(empty: Workspace) -> None:
    run = open_made_up(empty, make_experiment("made-up"))
    with pytest.raises(ProjectError, match="fold 0, 1, 2 of 3 is missing"):
        run.load_oof()
    with pytest.raises(ProjectError, match="nothing to score"):
        run.finish(LABELS)
    with pytest.raises(ProjectError, match="no metrics that can be read"):
        _ = run.metrics


def test_weights_are_read_only_as_training_wrote_them(run: Run) -> None:
    path = run.folder / "fold-0" / "model.weights.h5"
    weights = make_fold_result(0, LABELS, run.folds).weights
    assert run.read_weights(0) == weights
    path.write_bytes(weights + b"\0")
    with pytest.raises(ProjectError, match="its weights are not loaded"):
        run.read_weights(0)


class Canary:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("name", ["folds.npy", "fold-0/oof.npy", "fold-0/test.npy"])
@pytest.mark.parametrize("bare", [False, True], ids=["in an array", "a bare pickle"])
def test_a_pickle_in_an_array_s_place_is_not_opened(
    run: Run, tmp_path: Path, name: str, bare: bool
) -> None:
    canary, buffer = tmp_path / "canary", io.BytesIO()
    if bare:
        pickle.dump(Canary(canary), buffer)
    else:
        np.save(buffer, np.array([Canary(canary)], dtype=object), allow_pickle=True)
    path = run.folder / name
    path.write_bytes(buffer.getvalue())
    if path.parent != run.folder:  # whoever puts it there can mend the hash, too
        done = json.loads((path.parent / "done.json").read_bytes())
        done["sha256"][path.name] = sha256_of(path)
        write_json(path.parent / "done.json", done)
    assert run.is_complete
    with pytest.raises(ProjectError, match="cannot be read"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run.load_oof()
        run.load_test()
    assert not canary.exists()
    pickle.loads(pickle.dumps(Canary(canary))).close()
    assert canary.exists(), "the canary would have sung"


def test_a_run_that_was_never_trained_is_named(empty: Workspace) -> None:
    with pytest.raises(ProjectError, match=r"There is no run 'deotte'.*EXPERIMENTS=deotte"):
        open_run(empty, "deotte")


def test_a_trained_run_is_opened_by_name(run: Run, empty: Workspace) -> None:
    opened = open_run(empty, "made-up")
    assert opened == run
    assert opened.name == "made-up"
    assert opened.experiment == make_experiment("made-up")
    assert opened.fold_history(1)["loss"].tolist() == [1.0, 0.5]
    assert opened.fold_facts(2)["images_trained"] == 102
