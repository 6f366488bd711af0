"""A path, packed in every way: the same files whole under their names, or a refused source."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from digit_recognizer.data.answers import read_answers
from digit_recognizer.data.dataset import load_train, read_source
from digit_recognizer.data.sources import download
from digit_recognizer.workspace import ProjectError, Workspace, sha256_of
from tests.conftest import TEST_ROWS, TRAIN_ROWS
from tests.data.sources.files import (
    FILES,
    INSTALL,
    METHODS,
    assert_refused,
    assert_tiny,
    contents_of,
    drop_rows,
    members_of,
    pack,
)


def gzip_files(folder: Path) -> None:
    for name in FILES:
        packed = gzip.compress((folder / name).read_bytes())
        (folder / f"{name}.gz").write_bytes(packed)
        (folder / name).unlink()


def zip_files(folder: Path) -> None:
    for name in FILES:
        pack(folder / f"{name}.zip", {name: (folder / name).read_bytes()})
        (folder / name).unlink()


def zip_under_csv_names(folder: Path) -> None:
    for name in FILES:
        pack(folder / name, {name: (folder / name).read_bytes()})


def gzip_under_csv_names(folder: Path) -> None:
    for name in FILES:
        (folder / name).write_bytes(gzip.compress((folder / name).read_bytes()))


def mix(folder: Path) -> None:
    pack(folder / "train.csv.zip", {"train.csv": (folder / "train.csv").read_bytes()})
    (folder / "train.csv").unlink()
    (folder / "notes.txt").write_text("something else")
    (folder / "test.csv.gz").write_text("older, and not what is wanted")


@pytest.mark.parametrize(
    "change",
    [lambda _: None, gzip_files, zip_files, zip_under_csv_names, gzip_under_csv_names, mix],
    ids=["plain", "gz", "zip", "zip named csv", "gzip named csv", "some of each"],
)
def test_a_folder_gives_the_same_files_however_they_are_packed(
    empty: Workspace, tiny_source: Path, folder: Path, change: Callable[[Path], None]
) -> None:
    change(folder)
    told = download(empty, str(folder))
    assert f"{TRAIN_ROWS} labelled and {TEST_ROWS} unlabelled" in told
    assert f"source: path {folder}" in told
    assert_tiny(empty, tiny_source)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("prefix", ["", "digit-recognizer/", "./", "digit recognizer\\"])
def test_a_zip_gives_the_same_files(
    empty: Workspace, tiny_source: Path, tmp_path: Path, method: int, prefix: str
) -> None:
    archive = pack(tmp_path / "data.zip", members_of(tiny_source, prefix), method)
    download(empty, str(archive))
    assert_tiny(empty, tiny_source)
    described = read_source(empty)
    assert described["source"] == "path"
    assert described["origin"] == str(archive)
    for name in FILES:
        path = empty.data / name
        assert described["files"][name]["sha256"] == sha256_of(path)
        assert described["files"][name]["bytes"] == path.stat().st_size


def test_unexpected_members_of_a_zip_never_come_out(
    empty: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    others = {
        **{"readme.txt": b"x", "source.json": b"{}", "__MACOSX/._train.csv": b"x"},
        **{"../evil.txt": b"x", "/tmp/evil.csv": b"x", "C:\\evil.csv": b"x", "TRAIN.CSV": b"x"},
        **{"train.csv/": b"", "train.csv.bak": b"x", ".cache/train.json": b"{}"},
    }
    archive = pack(tmp_path / "data.zip", {**others, **members_of(tiny_source)})
    around = set(tmp_path.rglob("*"))
    download(empty, str(archive))
    assert_tiny(empty, tiny_source)
    came = {path for path in set(tmp_path.rglob("*")) - around if empty.data not in path.parents}
    assert came == {empty.root, empty.data}


def test_an_old_solution_does_not_outlive_the_data_it_belonged_to(
    workspace: Workspace, folder: Path
) -> None:
    (folder / "solution.csv").unlink()
    drop_rows(folder / "train.csv", 1)
    download(workspace, str(folder))
    assert not (workspace.data / "solution.csv").exists()
    assert set(read_source(workspace)["files"]) == set(FILES) - {"solution.csv"}


def test_the_data_folder_itself_can_be_named_to_accept_what_is_in_it(workspace: Workspace) -> None:
    drop_rows(workspace.data / "train.csv", 1)
    with pytest.raises(ProjectError, match="is not the file that was downloaded"):
        load_train(workspace)
    download(workspace, str(workspace.data))
    assert len(load_train(workspace)) == TRAIN_ROWS - 1


def replace_file(name: str, contents: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes(contents)

    return change


def cut(name: str, count: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:-count])

    return change


def renumber(folder: Path) -> None:
    sample = folder / "sample_submission.csv"
    ids, _ = read_answers(sample)
    rows = [f"{image_id - 1},0" for image_id in ids]
    sample.write_text("\n".join(["ImageId,Label", *rows, ""]))


def shuffle_ids(folder: Path) -> None:
    sample = folder / "sample_submission.csv"
    header, first, second, *others = sample.read_text().splitlines(keepends=True)
    sample.write_text("".join([header, second, first, *others]))


def change_over(folder: Path) -> None:
    (folder / "train.csv").rename(folder / "x")
    (folder / "test.csv").rename(folder / "train.csv")
    (folder / "x").rename(folder / "test.csv")


def make_folder(folder: Path) -> None:
    (folder / "test.csv").unlink()
    (folder / "test.csv").mkdir()


BAD_SOURCES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no test.csv": (lambda folder: (folder / "test.csv").unlink(), "The source lacks test.csv."),
    "a folder called test.csv": (make_folder, "The source lacks test.csv."),
    "too few rows": (
        lambda folder: drop_rows(folder / "test.csv", 3),
        "sample_submission.csv has 60 rows, with ImageId 1 to 60; expected 1 to 57",
    ),
    "too many rows": (
        lambda folder: drop_rows(folder / "sample_submission.csv", 3),
        "sample_submission.csv has 57 rows, with ImageId 1 to 57; expected 1 to 60",
    ),
    "a short solution": (
        lambda folder: drop_rows(folder / "solution.csv", 1),
        "solution.csv has 59 rows",
    ),
    "ids from 0": (renumber, "with ImageId 0 to 59; expected 1 to 60 in order"),
    "ids out of order": (shuffle_ids, "expected 1 to 60 in order"),
    "train.csv cut": (cut("train.csv", 700), "does not end with a line break: it was cut"),
    "solution.csv cut": (cut("solution.csv", 2), "solution.csv, row 60 (line 61): found '60,'"),
    "an empty train.csv": (replace_file("train.csv", b""), "train.csv is empty"),
    "an HTML page": (
        replace_file("train.csv", b"<!doctype html>\n"),
        "HTML or XML page, not a CSV",
    ),
    "a JSON page": (
        replace_file("test.csv", b'{"code":401,"message":"Unauthenticated"}'),
        "is JSON, not a CSV (it says: Unauthenticated)",
    ),
    "train and test changed over": (
        change_over,
        "has the wrong columns (missing: label)",
    ),
    "the test file as train.csv": (
        lambda folder: shutil.copy(folder / "test.csv", folder / "train.csv"),
        "has the wrong columns (missing: label)",
    ),
    "a damaged gzip": (
        lambda folder: (folder / "train.csv").write_bytes(
            gzip.compress((folder / "train.csv").read_bytes())[:-9]
        ),
        "train.csv cannot be read or unpacked",
    ),
    "a damaged zip": (
        lambda folder: (folder / "train.csv").write_bytes(b"PK\x03\x04" + bytes(100)),
        "train.csv cannot be read or unpacked",
    ),
}


@pytest.mark.parametrize(("change", "expected"), BAD_SOURCES.values(), ids=BAD_SOURCES)
def test_a_bad_source_is_refused_and_leaves_the_data_as_they_were(
    workspace: Workspace, folder: Path, change: Callable[[Path], object], expected: str
) -> None:
    change(folder)
    assert expected in assert_refused(workspace, folder)


def test_nothing_is_made_under_a_final_name_where_there_was_nothing(
    empty: Workspace, folder: Path
) -> None:
    cut("test.csv", 5)(folder)
    assert_refused(empty, folder)
    assert contents_of(empty.data) == {}


@pytest.mark.parametrize(
    ("rows", "accepted"),
    [
        ({"train.csv": TRAIN_ROWS, "test.csv": TEST_ROWS}, True),
        ({"train.csv": TRAIN_ROWS, "test.csv": TEST_ROWS + 10}, False),
        ({"train.csv": TRAIN_ROWS + 10, "test.csv": TEST_ROWS}, False),
        ({"train.csv": TRAIN_ROWS + 10, "test.csv": TEST_ROWS + 10}, True),
    ],
    ids=["both counts", "the labelled count alone", "the unlabelled count alone", "neither"],
)
def test_half_of_the_competitions_data_is_refused_with_both_counts(
    workspace: Workspace,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: dict[str, int],
    accepted: bool,
) -> None:
    monkeypatch.setattr(INSTALL, "COMPETITION_ROWS", rows)
    if accepted:
        download(workspace, str(folder))
        return
    expected = (
        f"Found {TRAIN_ROWS} rows in train.csv and {TEST_ROWS} rows in test.csv; "
        f"expected {rows['train.csv']} and {rows['test.csv']}, as in Kaggle's files."
    )
    assert assert_refused(workspace, folder) == expected


@pytest.mark.parametrize("requested", ["kagle", "/no/such/folder", "sample.zip"])
def test_a_source_that_does_not_exist_is_refused_with_what_there_is(
    workspace: Workspace, requested: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    message = assert_refused(workspace, requested)
    assert f"SOURCE={requested} is neither a source (auto, kaggle, mnist, sample)" in message


@pytest.mark.parametrize("contents", [b"", b"label,pixel0\n", b"PK\x03\x04", b"\x1f\x8b\x08"])
def test_a_file_that_is_no_zip_is_refused(
    workspace: Workspace, tmp_path: Path, contents: bytes
) -> None:
    path = tmp_path / "train.csv"
    path.write_bytes(contents)
    assert "neither a folder nor a zip archive that can be read" in assert_refused(workspace, path)


def test_an_error_names_the_file_that_the_person_gave(
    workspace: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_source, other)
    (other / "train.csv").write_text((other / "train.csv").read_text().replace("\n1,", "\n11,", 1))
    assert f"{other / 'train.csv'}, row " in assert_refused(workspace, other)

    members = {f"digits/{name}": (other / name).read_bytes() for name in FILES}
    packed = pack(tmp_path / "digits.zip", members)
    assert f"digits/train.csv in {packed}, row " in assert_refused(workspace, packed)

    gzip_files(other)
    assert f"{other / 'train.csv.gz'}, row " in assert_refused(workspace, other)
