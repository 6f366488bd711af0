"""The arrays are those of the downloaded files, however they were cached; or there are none."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digit_recognizer.data import dataset
from digit_recognizer.data.dataset import (
    Digits,
    fingerprint_of,
    load_test,
    load_train,
    read_source,
)
from digit_recognizer.data.sources import download
from digit_recognizer.workspace import ProjectError, Workspace
from tests.conftest import TEST_ROWS, TRAIN_ROWS


@pytest.fixture
def forbid_parsing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def explode(*_: object) -> None:
        pytest.fail("the CSV was parsed again")

    return lambda: monkeypatch.setattr(dataset, "parse_digits", explode)


def assert_equal(one: Digits, other: Digits) -> None:
    assert np.array_equal(one.images, other.images)
    assert (one.labels is None) == (other.labels is None)
    assert one.labels is None or np.array_equal(one.labels, other.labels)
    assert one.fingerprint == other.fingerprint


def change_pixel(contents: bytes) -> bytes:
    """Another value, as many bytes, in the last row."""
    place = contents.rfind(b",0,0,0")
    return contents[:place] + b",1" + contents[place + 2 :]


def change_label(contents: bytes) -> bytes:
    place = contents.find(b"\n") + 1
    digit = b"1" if contents[place : place + 1] != b"1" else b"2"
    return contents[:place] + digit + contents[place + 1 :]


def load_changed(source: Path, tmp_path: Path, change: Callable[[bytes], bytes]) -> Digits:
    """The labelled digits of a source whose train.csv was changed before the download."""
    folder = tmp_path / "changed source"
    shutil.copytree(source, folder)
    train = folder / "train.csv"
    train.write_bytes(change(train.read_bytes()))
    workspace = Workspace(tmp_path / "changed")
    download(workspace, str(folder))
    return load_train(workspace)


def test_images_and_labels_are_those_of_the_files(workspace: Workspace) -> None:
    train, test = load_train(workspace), load_test(workspace)
    assert train.images.shape == (len(train), 28, 28) == (TRAIN_ROWS, 28, 28)
    assert test.images.shape == (len(test), 28, 28) == (TEST_ROWS, 28, 28)
    assert train.images.dtype == test.images.dtype == np.uint8
    assert test.labels is None

    table = np.loadtxt(workspace.data / "train.csv", delimiter=",", skiprows=1, dtype=int)
    assert np.array_equal(train.labels, table[:, 0])
    assert np.array_equal(train.images.reshape(-1, 784), table[:, 1:])
    table = np.loadtxt(workspace.data / "test.csv", delimiter=",", skiprows=1, dtype=int)
    assert np.array_equal(test.images.reshape(-1, 784), table)


def test_the_second_time_the_same_arrays_come_from_the_cache(
    workspace: Workspace, forbid_parsing: Callable[[], None]
) -> None:
    train, test = load_train(workspace), load_test(workspace)
    forbid_parsing()
    assert_equal(load_train(workspace), train)
    assert_equal(load_test(workspace), test)


def test_a_download_that_changes_nothing_keeps_the_cache(
    workspace: Workspace, tiny_source: Path, forbid_parsing: Callable[[], None]
) -> None:
    train = load_train(workspace)
    download(workspace, str(tiny_source))
    forbid_parsing()
    assert_equal(load_train(workspace), train)


def flip(place: int) -> Callable[[bytes], bytes]:
    def flipped(contents: bytes) -> bytes:
        changed = bytearray(contents)
        changed[place % len(contents)] ^= 1
        return bytes(changed)

    return flipped


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda _: b"",
    "cut in half": lambda contents: contents[: len(contents) // 2],
    "one byte short": lambda contents: contents[:-1],
    "one byte long": lambda contents: contents + b"0",
    "a bit flipped at the start": flip(0),
    "a bit flipped in the middle": flip(95_000),
    "a bit flipped at the end": flip(-1),
    "other bytes": lambda _: b"[1, 2]",
    "an object without keys": lambda _: b"{}",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("kind", ["table", "facts"])
def test_a_damaged_cache_is_made_anew(
    workspace: Workspace,
    forbid_parsing: Callable[[], None],
    kind: str,
    damage: Callable[[bytes], bytes],
) -> None:
    train = load_train(workspace)
    cached = find_cache(workspace, kind)
    whole = cached.read_bytes()
    cached.write_bytes(damage(whole))

    assert_equal(load_train(workspace), train)

    if damage(whole).strip() != whole.strip():  # a blank at the end of JSON is no damage
        assert cached.read_bytes() == whole
    forbid_parsing()
    assert_equal(load_train(workspace), train)


def test_no_flipped_bit_in_the_cached_facts_changes_what_is_loaded(workspace: Workspace) -> None:
    train = load_train(workspace)
    cached = find_cache(workspace, "facts")
    whole = cached.read_bytes()
    for place in range(0, len(whole), 13):
        cached.write_bytes(flip(place)(whole))
        assert_equal(load_train(workspace), train)


@pytest.mark.parametrize("kind", ["table", "facts"])
def test_a_missing_half_of_the_cache_is_made_anew(workspace: Workspace, kind: str) -> None:
    train = load_train(workspace)
    find_cache(workspace, kind).unlink()
    assert_equal(load_train(workspace), train)
    assert find_cache(workspace, kind).exists()


def find_cache(workspace: Workspace, kind: str) -> Path:
    """The larger of the two files is the table."""
    files = sorted(
        (workspace.data / ".cache").glob("train.*"), key=lambda path: path.stat().st_size
    )
    return files[-1] if kind == "table" else files[0]


@pytest.mark.parametrize("change", [change_pixel, change_label])
@pytest.mark.parametrize("cached", [True, False], ids=["with a cache", "without a cache"])
@pytest.mark.parametrize("in_place", [True, False], ids=["edited in place", "replaced"])
def test_a_csv_with_one_changed_cell_is_refused(
    workspace: Workspace, change: Callable[[bytes], bytes], cached: bool, in_place: bool
) -> None:
    path = workspace.data / "train.csv"
    if cached:
        load_train(workspace)
    status, contents = path.stat(), path.read_bytes()
    if not in_place:
        path.unlink()
    path.write_bytes(change(contents))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    now = path.stat()
    assert (now.st_size, now.st_mtime_ns) == (status.st_size, status.st_mtime_ns)

    for _ in range(2):  # the second time, too, when the edited file was seen before
        with pytest.raises(ProjectError, match=r"train\.csv is not the file that was downloaded"):
            load_train(workspace)

    path.write_bytes(contents)
    load_train(workspace)


def test_a_row_that_was_deleted_is_refused_with_both_counts(workspace: Workspace) -> None:
    path = workspace.data / "test.csv"
    contents = path.read_bytes()
    path.write_bytes(contents[: contents.rstrip(b"\n").rfind(b"\n") + 1])
    expected = rf"\({TEST_ROWS - 1} rows with .* expected {TEST_ROWS} rows"
    with pytest.raises(ProjectError, match=expected) as caught:
        load_test(workspace)
    assert "make download SOURCE=that/folder" in str(caught.value)


@pytest.mark.parametrize("load", [load_train, load_test, read_source])
def test_without_data_the_way_to_get_some_is_named(
    tmp_path: Path, load: Callable[[Workspace], object]
) -> None:
    with pytest.raises(ProjectError, match=r"There is no data in .* Run `make download` first"):
        load(Workspace(tmp_path))


def test_a_damaged_description_of_the_data_counts_as_none(workspace: Workspace) -> None:
    source = workspace.data / "source.json"
    source.write_bytes(source.read_bytes()[:-20])
    with pytest.raises(ProjectError, match="Run `make download` first"):
        load_train(workspace)


def test_a_single_missing_file_is_named(workspace: Workspace) -> None:
    (workspace.data / "test.csv").unlink()
    load_train(workspace)
    with pytest.raises(ProjectError, match=r"test\.csv is missing. Run `make download` again"):
        load_test(workspace)


@pytest.mark.parametrize("change", [change_pixel, change_label])
def test_one_pixel_or_one_label_changes_the_fingerprint(
    workspace: Workspace, tiny_source: Path, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    train, test = load_train(workspace), load_test(workspace)
    changed = load_changed(tiny_source, tmp_path, change)
    assert changed.fingerprint != train.fingerprint
    assert fingerprint_of(changed, test) != fingerprint_of(train, test)


@pytest.mark.parametrize(
    "change",
    [
        lambda contents: contents.replace(b"\n", b"\r\n"),
        lambda contents: b"\xef\xbb\xbf" + contents,
        lambda contents: contents.replace(b",0,", b",00,"),
    ],
    ids=["CRLF", "byte order mark", "leading zeros"],
)
def test_the_way_the_same_numbers_are_written_keeps_the_fingerprint(
    workspace: Workspace, tiny_source: Path, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    assert_equal(load_changed(tiny_source, tmp_path, change), load_train(workspace))


def test_the_fingerprint_depends_on_both_parts(workspace: Workspace) -> None:
    train, test = load_train(workspace), load_test(workspace)
    assert len({fingerprint_of(train, test), fingerprint_of(test, train), train.fingerprint}) == 3
