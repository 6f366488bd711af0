"""Other programs' predictions: every form that people write is read, what is unclear is refused."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from digit_recognizer.data.prediction_files import Predictions, read_folds, read_predictions
from digit_recognizer.workspace import ProjectError

IMAGES = 30


@pytest.fixture
def truth() -> np.ndarray:
    drawn = np.random.default_rng(0).random((IMAGES, 10))
    return drawn / drawn.sum(axis=1, keepdims=True)


def read(path: Path, images: int = IMAGES) -> Predictions:
    return read_predictions(path, images, "oof", f"OOF={path.name}")


def write_csv(path: Path, table: pd.DataFrame, **options: object) -> Path:
    table.to_csv(path, **options)  # type: ignore[call-overload]
    return path


def test_every_usual_form_gives_the_same_probabilities(tmp_path: Path, truth: np.ndarray) -> None:
    table = pd.DataFrame(truth)
    ids = pd.Series(range(1, IMAGES + 1), name="ImageId")
    named = table.rename(columns=lambda digit: f"p_{digit}")
    shuffled = pd.concat([ids, named], axis=1).sample(frac=1, random_state=1)
    np.save(tmp_path / "a.npy", truth.astype(np.float32))
    np.savez(tmp_path / "one.npz", truth)
    np.savez(tmp_path / "several.npz", test=truth[:5], oof=truth)
    paths = [
        write_csv(tmp_path / "plain.csv", table, index=False),
        write_csv(tmp_path / "no-header.csv", table, index=False, header=False),
        write_csv(tmp_path / "pandas-index.csv", table),
        write_csv(tmp_path / "ids.csv", pd.concat([ids, named], axis=1), index=False),
        write_csv(tmp_path / "shuffled.csv", shuffled, index=False),
        write_csv(tmp_path / "turned.csv", named[named.columns[::-1]], index=False),
        tmp_path / "a.npy",
        tmp_path / "one.npz",
        tmp_path / "several.npz",
    ]
    for path in paths:
        predictions = read(path)
        assert predictions.probabilities == pytest.approx(truth, abs=1e-6), path.name
        assert predictions.probabilities.dtype == np.float32
        assert predictions.kind == "probabilities"
        told = {"pandas-index.csv": ["begin with 0"], "shuffled.csv": ["were sorted"]}
        for notice, word in zip(predictions.notices, told.get(path.name, []), strict=True):
            assert word in notice


@pytest.mark.parametrize(
    ("change", "kind", "word"),
    [
        (lambda p: 100 * p, "scores", "divided by its sum"),
        (np.log, "logits", "softmax"),
        (lambda p: np.log(p) + 7, "logits", "softmax"),
        (lambda p: p.round(3), "probabilities", ""),
    ],
    ids=["percent", "logarithms", "logits", "rounded"],
)
def test_scores_become_probabilities_with_a_notice(
    tmp_path: Path, truth: np.ndarray, change: object, kind: str, word: str
) -> None:
    np.save(tmp_path / "a.npy", change(truth))  # type: ignore[operator]
    predictions = read(tmp_path / "a.npy")
    assert predictions.probabilities == pytest.approx(truth, abs=2e-3)
    assert predictions.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert predictions.kind == kind
    assert word in " ".join(predictions.notices)


def csv_of(truth: np.ndarray, ids: object = None, columns: object = None) -> pd.DataFrame:
    table = pd.DataFrame(truth, columns=columns)  # type: ignore[arg-type]
    if ids is not None:
        table.insert(0, "ImageId", ids)  # type: ignore[arg-type]
    return table


def _with(truth: np.ndarray, row: int, column: int, value: float) -> np.ndarray:
    changed = truth.copy()
    changed[row, column] = value
    return changed


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda p: csv_of(p[:-1]), "has 29 rows; expected 30"),
        (lambda p: csv_of(p, [1, *range(1, IMAGES)]), "1 stands where 2 is expected"),
        (lambda p: csv_of(p, range(2, IMAGES + 2)), "2 stands where 1 is expected"),
        (lambda p: csv_of(p, [*range(1, IMAGES), 0.5]), "0.5 stands where 1 is expected"),
        (lambda p: csv_of(p[:, :9], None, [f"p{d}" for d in range(9)]), "no column for 9"),
        (lambda p: csv_of(p, None, [f"p{d % 9}" for d in range(10)]), "two columns for the digit"),
        (lambda p: csv_of(p).assign(loss=1.0), "columns that mean nothing here: loss"),
        (lambda p: csv_of(_with(p, 3, 2, np.nan)), "row 4 (line 5), column 2: found ''"),
        (lambda p: csv_of(_with(p, 3, 2, np.inf)), "row 4, digit 2: found inf"),
        (lambda p: csv_of(p * (np.arange(IMAGES) != 6)[:, None]), "row 7: all ten numbers are 0"),
        (lambda p: csv_of(p[:, :1], range(1, IMAGES + 1)), "labels alone"),
    ],
)
def test_what_is_unclear_is_refused_with_the_place(
    tmp_path: Path, truth: np.ndarray, make: object, told: str
) -> None:
    path = write_csv(tmp_path / "a.csv", make(truth), index=False)  # type: ignore[operator]
    with pytest.raises(ProjectError) as refused:
        read(path)
    assert str(refused.value).startswith("OOF=a.csv")
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("name", "contents", "told"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"<html>", "HTML"),
        ("a.csv", b"0,1,2\n1,2\n3,4,5,6\n", "no CSV that can be read"),
        ("a.csv", b"0;1;2\n.1;.2;.7\n", "separated by ';'; expected commas"),
        ("a.csv", b"ImageId,p0,p1\n", "no rows of numbers"),
        ("a.csv", b"\x1f\x8b\x08", "gzip-compressed, not a CSV. Write it as CSV, .npy or .npz"),
        ("a.npy", b"not an array", "no array file"),
        ("a.npz", b"PK\x03\x04 cut", "no array file"),
    ],
)
def test_so_is_what_is_no_table(tmp_path: Path, name: str, contents: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(ProjectError, match=told):
        read(tmp_path / name)


def test_so_are_arrays_of_another_shape_or_kind(tmp_path: Path, truth: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}]), allow_pickle=True)
    (tmp_path / "pickled.npy").write_bytes(buffer.getvalue())
    np.save(tmp_path / "flat.npy", truth.ravel())
    np.save(tmp_path / "text.npy", truth.astype(str))
    np.savez(tmp_path / "two.npz", first=truth, second=truth)
    for name in ("pickled.npy", "flat.npy", "text.npy", "two.npz", "gone.npy", "gone.csv"):
        with pytest.raises(ProjectError, match=f"OOF={name}"):
            read(tmp_path / name)


def test_folds_are_read_in_the_order_of_the_images(tmp_path: Path) -> None:
    folds = np.arange(IMAGES) % 4
    np.save(tmp_path / "a.npy", folds)
    order = np.random.default_rng(0).permutation(IMAGES)
    table = pd.DataFrame({"ImageId": order + 1, "fold": folds[order]})
    paths = [
        tmp_path / "a.npy",
        write_csv(tmp_path / "a.csv", table, index=False),
        write_csv(tmp_path / "b.csv", pd.DataFrame({"fold": folds}), index=False),
    ]
    for path in paths:
        assert np.array_equal(read_folds(path, IMAGES, "FOLDS=a"), folds)
    for bad in (folds + 0.5, np.zeros(IMAGES), folds[:-1], np.stack([folds, folds])):
        np.save(tmp_path / "bad.npy", bad)
        with pytest.raises(ProjectError, match="FOLDS=bad"):
            read_folds(tmp_path / "bad.npy", IMAGES, "FOLDS=bad")
