"""Downloads from every kind of source: the right files whole under their names, or none at all."""

import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digit_recognizer import kaggle_api
from digit_recognizer.data import sources
from digit_recognizer.data.answers import read_answers
from digit_recognizer.data.dataset import Digits, load_test, load_train, read_source
from digit_recognizer.data.sources import download, local
from digit_recognizer.data.sources.sample import write_sample
from digit_recognizer.workspace import ProjectError, Workspace, sha256_of
from tests.commands import PROJECT, run, run_well
from tests.conftest import TEST_ROWS, TRAIN_ROWS

# The package offers the function of that name in the module's place.
INSTALL = sys.modules["digit_recognizer.data.sources.install"]
FILES = ("train.csv", "test.csv", "sample_submission.csv", "solution.csv")


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "empty")


@pytest.fixture
def folder(tiny_source: Path, tmp_path: Path) -> Path:
    """A copy of the tiny source that a test may damage."""
    return Path(shutil.copytree(tiny_source, tmp_path / "source"))


def contents_of(data: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(data)): path.read_bytes()
        for path in sorted(data.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def assert_refused(workspace: Workspace, source: str | Path) -> str:
    """The source is refused with one message, and `data/` is byte for byte what it was."""
    before = contents_of(workspace.data)
    with pytest.raises(ProjectError) as caught:
        download(workspace, str(source))
    assert contents_of(workspace.data) == before
    assert not list(workspace.data.glob(".incoming-*"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def assert_tiny(workspace: Workspace, source: Path) -> None:
    """`data/` holds the tiny source's files, and nothing else."""
    installed = {name for name in contents_of(workspace.data) if not name.startswith(".cache")}
    assert installed == {*FILES, "source.json"}
    for name in FILES:
        assert (workspace.data / name).read_bytes() == (source / name).read_bytes()
    assert len(load_train(workspace)) == TRAIN_ROWS
    assert len(load_test(workspace)) == TEST_ROWS


def pack(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, contents in members.items():
            archive.writestr(name, contents)
    return path


def members_of(folder: Path, prefix: str = "") -> dict[str, bytes]:
    return {prefix + name: (folder / name).read_bytes() for name in FILES}


def drop_rows(path: Path, count: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-count]))


# --- a path, packed in every way ----------------------------------------------------------------


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


METHODS = {
    "deflated": zipfile.ZIP_DEFLATED,
    "stored": zipfile.ZIP_STORED,
    "bzip2": zipfile.ZIP_BZIP2,
    "LZMA": zipfile.ZIP_LZMA,
}


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


# --- refused sources ----------------------------------------------------------------------------


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


# --- hostile and damaged archives ---------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("../train.csv", "..\\train.csv", "../../train.csv", "data/../../train.csv"),
        *("/train.csv", "/tmp/train.csv", "//train.csv", "C:/train.csv", "C:\\data\\train.csv"),
        "a/../train.csv",
    ],
)
def test_a_member_that_points_out_of_the_archive_is_refused(
    workspace: Workspace, tiny_source: Path, tmp_path: Path, name: str
) -> None:
    members = {name: b"evil", **members_of(tiny_source)}
    archive = pack(tmp_path / "data.zip", members)
    around = contents_of(tmp_path)
    assert "points out of the archive" in assert_refused(workspace, archive)
    assert contents_of(tmp_path) == around


def test_a_member_too_deep_in_folders_is_named(
    workspace: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    archive = pack(tmp_path / "data.zip", members_of(tiny_source, "one/two/"))
    message = assert_refused(workspace, archive)
    assert "'one/two/train.csv'; expected train.csv at the top or in one folder" in message


def test_a_member_that_is_a_link_is_refused(
    workspace: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "data.zip"
    secret = tmp_path / "secret"
    secret.write_text("not to be read")
    with zipfile.ZipFile(archive, "w") as opened:
        for name, contents in members_of(tiny_source).items():
            member = zipfile.ZipInfo(name)
            if name == "train.csv":
                member.external_attr = (stat.S_IFLNK | 0o777) << 16
                contents = str(secret).encode()
            opened.writestr(member, contents)
    assert "holds 'train.csv' as a link, not as a file" in assert_refused(workspace, archive)


def test_a_member_that_is_there_twice_is_refused(
    workspace: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    members = {**members_of(tiny_source), "copy/train.csv": b"another"}
    message = assert_refused(workspace, pack(tmp_path / "data.zip", members))
    assert "holds train.csv 2 times" in message

    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        warnings.simplefilter("ignore")
        for name in (*FILES, "train.csv"):
            archive.writestr(name, (tiny_source / name).read_bytes())
    assert "holds train.csv 2 times" in assert_refused(workspace, tmp_path / "data.zip")


def test_an_encrypted_archive_is_refused(
    workspace: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    archive = pack(tmp_path / "data.zip", members_of(tiny_source))
    contents = bytearray(archive.read_bytes())
    place = contents.find(b"PK\x01\x02")
    while place >= 0:  # the flag in each entry of the central directory
        contents[place + 8] |= 1
        place = contents.find(b"PK\x01\x02", place + 4)
    archive.write_bytes(contents)
    assert "is encrypted; unpack it first" in assert_refused(workspace, archive)


@pytest.mark.parametrize("packing", ["zip", "zip in a folder", "gzip", "plain"])
def test_a_bomb_is_capped_while_it_is_read(
    workspace: Workspace,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    packing: str,
) -> None:
    bomb = (folder / "train.csv").read_bytes() + bytes(20 << 20)
    source = folder
    if packing == "zip":
        source = pack(tmp_path / "data.zip", {**members_of(folder), "train.csv": bomb})
        assert source.stat().st_size < len(bomb) // 50
    elif packing == "zip in a folder":
        pack(folder / "train.csv", {"train.csv": bomb})
    elif packing == "gzip":
        (folder / "train.csv").write_bytes(gzip.compress(bomb))
    else:
        (folder / "train.csv").write_bytes(bomb)
    limit = 3 << 20
    monkeypatch.setattr(local, "LARGEST_FILE", limit)
    written = 0
    write_all = local.write_all

    def count(file: object, chunk: bytes) -> None:
        nonlocal written
        written += len(chunk)
        write_all(file, chunk)  # type: ignore[arg-type]
        incoming = next(workspace.data.glob(".incoming-*"))
        assert sum(path.stat().st_size for path in incoming.iterdir()) == written

    monkeypatch.setattr(local, "write_all", count)
    assert "train.csv" in (message := assert_refused(workspace, source))
    assert "is larger than 3 MiB unpacked" in message
    assert 0 < written <= limit


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_an_archive_with_damaged_bytes_is_refused(
    workspace: Workspace, tiny_source: Path, tmp_path: Path, method: int
) -> None:
    archive = pack(tmp_path / "data.zip", members_of(tiny_source), method)
    contents = bytearray(archive.read_bytes())
    contents[200] ^= 0x55  # inside train.csv, the first member
    archive.write_bytes(contents)
    message = assert_refused(workspace, archive)
    assert f"{archive} cannot be read or unpacked" in message
    assert "Fetch it again" in message


def test_an_archive_that_was_cut_is_refused(
    workspace: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    whole = pack(tmp_path / "whole.zip", members_of(tiny_source)).read_bytes()
    archive = tmp_path / "data.zip"
    for length in [4, 30, 1000, len(whole) // 2, len(whole) - 30, len(whole) - 1]:
        archive.write_bytes(whole[:length])
        assert str(archive) in assert_refused(workspace, archive)


@pytest.mark.parametrize("method", [*METHODS.values(), None], ids=[*METHODS, "gzip"])
def test_random_damage_to_an_archive_never_ends_in_another_error_or_other_bytes(
    tmp_path: Path, method: int | None
) -> None:
    whole = {name: f"{name},1,2,3,0,0,0,0\n".encode() * 30 for name in FILES}
    source = tmp_path / "source"
    source.mkdir()
    archive = source / ("train.csv" if method is None else "data.zip")
    if method is None:
        archive.write_bytes(gzip.compress(whole["train.csv"]))
    else:
        pack(archive, whole, method)
    contents = archive.read_bytes()
    refused = 0
    for seed in range(150):
        draw = random.Random(seed)
        damaged = bytearray(contents)
        for _ in range(draw.randint(1, 3)):
            damaged[draw.randrange(4, len(damaged))] = draw.randrange(256)
        archive.write_bytes(damaged[: draw.choice([None, None, draw.randrange(4, len(damaged))])])
        incoming = tmp_path / f"incoming-{seed}"
        incoming.mkdir()
        try:
            local.write_local(source if method is None else archive, incoming)
        except ProjectError:
            refused += 1
            continue
        assert all(path.read_bytes() == whole[path.name] for path in incoming.iterdir())
    assert refused > 50


# --- auto and Kaggle ----------------------------------------------------------------------------


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_USERNAME", "somebody")
    monkeypatch.setenv("KAGGLE_KEY", "a-key-that-must-not-be-shown")


@pytest.fixture
def kaggle_archive(tiny_source: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Kaggle's side: hands out the tiny data as the competition's archive, and keeps count."""
    asked: list[Path] = []

    def hand_out(folder: Path) -> Path:
        asked.append(folder)
        members = members_of(tiny_source)
        del members["solution.csv"]
        return pack(folder / "digit-recognizer.zip", members)

    monkeypatch.setattr(kaggle_api, "download_competition", hand_out)
    counts = {"train.csv": TRAIN_ROWS, "test.csv": TEST_ROWS}
    monkeypatch.setattr(INSTALL, "COMPETITION_ROWS", counts)
    return asked


def test_auto_without_credentials_gives_the_sample_and_says_so(empty: Workspace) -> None:
    for _ in range(2):
        told = download(empty, "auto")
        assert "BUNDLED SAMPLE" in told
        assert "No Kaggle credentials were found" in told
        assert "source: sample" in told
    assert "BUNDLED SAMPLE" not in download(empty, "sample")


@pytest.mark.usefixtures("credentials")
def test_auto_with_credentials_asks_kaggle(empty: Workspace, kaggle_archive: list[Path]) -> None:
    told = download(empty, "auto")
    assert len(kaggle_archive) == 1
    assert "source: kaggle" in told
    assert "SAMPLE" not in told
    assert set(contents_of(empty.data)) == {*FILES, "source.json"} - {"solution.csv"}

    assert "already there, verified" in download(empty, "auto")
    assert "already there, verified" in download(empty, "kaggle")
    assert len(kaggle_archive) == 1


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("requested", ["auto", "kaggle"])
def test_credentials_that_are_refused_are_an_error_and_never_a_fall_back(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch, requested: str
) -> None:
    def refuse(_: Path) -> Path:
        raise ProjectError("Kaggle refused the credentials: make a new token (401).")

    monkeypatch.setattr(kaggle_api, "download_competition", refuse)
    assert "(401)" in assert_refused(empty, requested)
    assert contents_of(empty.data) == {}


def test_kaggle_without_credentials_says_how_to_get_some(empty: Workspace) -> None:
    message = assert_refused(empty, "kaggle")
    assert "No Kaggle credentials were found" in message
    assert "https://www.kaggle.com/settings" in message
    assert "kaggle" not in sys.modules


@pytest.mark.usefixtures("credentials", "kaggle_archive")
@pytest.mark.parametrize("rows", [(TRAIN_ROWS, TEST_ROWS + 1), (42_000, 28_000)])
def test_kaggles_data_must_have_the_competitions_counts(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, rows: tuple[int, int]
) -> None:
    counts = dict(zip(("train.csv", "test.csv"), rows, strict=True))
    monkeypatch.setattr(INSTALL, "COMPETITION_ROWS", counts)
    message = assert_refused(workspace, "kaggle")
    assert f"expected {rows[0]:,} and {rows[1]:,}, as in Kaggle's files" in message


@pytest.mark.usefixtures("credentials")
def test_auto_keeps_data_that_were_chosen_by_path(
    workspace: Workspace, tiny_source: Path, kaggle_archive: list[Path]
) -> None:
    before = contents_of(workspace.data)
    told = download(workspace, "auto")
    assert f"already there, verified; source: path {tiny_source}" in told
    assert contents_of(workspace.data) == before
    assert kaggle_archive == []


def test_auto_replaces_the_sample_once_there_are_credentials(
    empty: Workspace, kaggle_archive: list[Path], request: pytest.FixtureRequest
) -> None:
    download(empty, "auto")
    assert read_source(empty)["source"] == "sample"
    request.getfixturevalue("credentials")
    assert "source: kaggle" in download(empty, "auto")
    assert len(kaggle_archive) == 1
    assert len(load_train(empty)) == TRAIN_ROWS
    assert not (empty.data / "solution.csv").exists()


CREDENTIAL_FILES = ("access_token", "access_token.txt", "kaggle.json", "credentials.json")


@pytest.mark.parametrize("name", CREDENTIAL_FILES)
def test_each_file_of_credentials_is_found(name: str) -> None:
    assert kaggle_api.find_credentials() is None
    path = Path.home() / ".kaggle" / name
    path.parent.mkdir()
    assert kaggle_api.find_credentials() is None
    path.write_text("{}")
    assert kaggle_api.find_credentials() == str(path)


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"KAGGLE_API_TOKEN": "t0ken"}, "KAGGLE_API_TOKEN"),
        ({"KAGGLE_API_V1_TOKEN": "t0ken"}, "KAGGLE_API_V1_TOKEN"),
        ({"KAGGLE_USERNAME": "me", "KAGGLE_KEY": "t0ken"}, "KAGGLE_USERNAME and KAGGLE_KEY"),
        ({"KAGGLE_USERNAME": "me"}, None),
        ({"KAGGLE_KEY": "t0ken"}, None),
        ({"KAGGLE_API_TOKEN": ""}, None),
        ({"KAGGLE_USERNAME": "", "KAGGLE_KEY": "t0ken"}, None),
        ({"KAGGLE_CONFIG_DIR": "/no/such/folder"}, None),
    ],
)
def test_credentials_in_the_environment_are_found_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], found: str | None
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert kaggle_api.find_credentials() == found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the client does so on Linux only")
def test_the_clients_folder_follows_xdg_where_there_is_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    (tmp_path / "xdg/kaggle").mkdir(parents=True)
    (tmp_path / "xdg/kaggle/kaggle.json").write_text("{}")
    assert kaggle_api.find_credentials() == str(tmp_path / "xdg/kaggle/kaggle.json")
    (Path.home() / ".kaggle").mkdir()
    assert kaggle_api.find_credentials() is None


def test_auto_does_not_replace_damaged_data_that_were_chosen_by_name(
    empty: Workspace, tiny_source: Path
) -> None:
    download(empty, str(tiny_source))
    with open(empty.data / "test.csv", "a") as file:
        file.write("1\n")
    before = contents_of(empty.data)
    message = assert_refused(empty, "auto")
    assert f"SOURCE={tiny_source}" in message
    assert contents_of(empty.data) == before
    download(empty, str(tiny_source))
    assert "already there" in download(empty, "auto")


def test_the_clients_folder_can_be_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(elsewhere))
    assert kaggle_api.find_credentials() is None
    (elsewhere / "kaggle.json").write_text("{}")
    assert kaggle_api.find_credentials() == str(elsewhere / "kaggle.json")


# --- the sample ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("sample"))
    download(workspace, "sample")
    return workspace


@pytest.fixture(scope="module")
def sample_digits(sample: Workspace) -> tuple[Digits, Digits]:
    return load_train(sample), load_test(sample)


def test_the_sample_has_all_of_its_digits_cut_three_to_two(
    sample: Workspace, sample_digits: tuple[Digits, Digits]
) -> None:
    train, test = sample_digits
    assert (len(train), len(test)) == (1078, 719)
    _, answers = read_answers(sample.data / "solution.csv")
    assert len(answers) == len(test)
    assert train.labels is not None
    assert np.allclose(np.bincount(train.labels) / 1078, np.bincount(answers) / 719, atol=0.002)
    pictures = {image.tobytes() for image in (*train.images, *test.images)}
    assert len(pictures) == 1797


def test_the_samples_digits_lie_in_a_box_of_20_centred_by_mass(
    sample_digits: tuple[Digits, Digits],
) -> None:
    images = np.concatenate([digits.images for digits in sample_digits])
    for axis in (1, 2):
        inked = images.any(axis=3 - axis)
        first, last = inked.argmax(axis=1), 27 - inked[:, ::-1].argmax(axis=1)
        assert (last - first).max() < 20
        mass = images.sum(axis=3 - axis, dtype=float)
        centre = (mass * np.arange(28)).sum(axis=1) / mass.sum(axis=1)
        assert np.abs(centre - 13.5).max() < 1
    assert images.max() == 255
    assert images.min() == 0


def test_the_sample_is_the_same_bytes_every_time(sample: Workspace, tmp_path: Path) -> None:
    np.random.seed(99)  # the global state plays no part
    write_sample(tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (sample.data / name).read_bytes()


# --- again, and after a kill --------------------------------------------------------------------


@pytest.mark.parametrize("requested", ["sample", "auto"])
def test_a_second_download_finds_the_data_and_writes_nothing(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch, requested: str
) -> None:
    assert "(verified;" in download(empty, requested)
    before = {path: path.stat().st_mtime_ns for path in empty.data.glob("[!.]*")}
    assert len(before) == 5
    monkeypatch.setitem(sources.WRITERS, "sample", lambda _: pytest.fail("made again"))
    assert "already there, verified" in download(empty, requested)
    assert {path: path.stat().st_mtime_ns for path in empty.data.glob("[!.]*")} == before


def test_a_path_is_read_again_and_its_equal_files_stay(workspace: Workspace, folder: Path) -> None:
    times = {name: (workspace.data / name).stat().st_mtime_ns for name in FILES}
    drop_rows(folder / "train.csv", 1)
    download(workspace, str(folder))
    assert len(load_train(workspace)) == TRAIN_ROWS - 1
    changed = [name for name in FILES if (workspace.data / name).stat().st_mtime_ns != times[name]]
    assert changed == ["train.csv"]


def test_half_made_data_are_refused_and_made_whole_by_the_next_download(
    workspace: Workspace, sample: Workspace
) -> None:
    """As if a download of the sample was killed after its first file got its name."""
    shutil.copy(sample.data / "train.csv", workspace.data / "train.csv")
    with pytest.raises(ProjectError, match=r"train\.csv is not the file that was downloaded"):
        load_train(workspace)

    download(workspace, "sample")
    for name in FILES:
        assert (workspace.data / name).read_bytes() == (sample.data / name).read_bytes()
    assert len(load_train(workspace)) == 1078
    assert len(load_test(workspace)) == 719


@pytest.mark.parametrize("name", FILES)
def test_a_download_mends_what_was_edited_or_deleted(
    empty: Workspace, sample: Workspace, name: str
) -> None:
    shutil.copytree(sample.data, empty.data)
    (empty.data / name).write_bytes((empty.data / name).read_bytes()[:-1])
    assert "(verified;" in download(empty, "sample")
    assert (empty.data / name).read_bytes() == (sample.data / name).read_bytes()

    (empty.data / name).unlink()
    assert "(verified;" in download(empty, "sample")
    assert (empty.data / name).read_bytes() == (sample.data / name).read_bytes()


@pytest.mark.parametrize("point", [2, 5])
def test_a_killed_download_leaves_nothing_that_is_believed(
    workspace: Workspace, sample: Workspace, point: int
) -> None:
    killed = run(workspace, "download", "--source", "sample", fault=f"install:{point}")
    assert killed.returncode == -signal.SIGKILL, killed.stdout
    assert list(workspace.data.glob(".incoming-*"))
    with pytest.raises(ProjectError, match="is not the file that was downloaded"):
        load_train(workspace)

    run_well(workspace, "download", "--source", "sample")
    assert not list(workspace.data.glob(".incoming-*"))
    for name in FILES:
        assert (workspace.data / name).read_bytes() == (sample.data / name).read_bytes()
    assert len(load_train(workspace)) == 1078


# --- MNIST, and what an import costs ------------------------------------------------------------

LOAD_MNIST = """
import sys
from pathlib import Path
from digit_recognizer.data.sources import download
from digit_recognizer.workspace import ProjectError, Workspace
import keras.src.datasets.mnist as mnist

root, digest = Path(sys.argv[1]), sys.argv[2]
cached = root / "keras" / "datasets" / "mnist.npz"
try:  # the stand-in is not what Keras expects, and the network is not there
    download(Workspace(root), "mnist")
except ProjectError as error:
    print("refused:", error)
assert not list((root / "data").glob("*.csv"))
(root / "stand-in.npz").rename(cached)
# Keras still looks in its cache and checks the file; only the hash that it expects is another.
get_file = mnist.get_file
mnist.get_file = lambda **options: get_file(**{**options, "file_hash": digest})
print(download(Workspace(root), "mnist"))
"""


def test_mnist_is_cut_anew_from_what_keras_holds(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (100, 28, 28), np.uint8)
    labels = np.arange(100, dtype=np.uint8) % 10
    for path in ("stand-in.npz", "keras/datasets/mnist.npz"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            tmp_path / path,
            **{"x_train": images[:80], "y_train": labels[:80]},
            **{"x_test": images[80:], "y_test": labels[80:]},
        )
    digest = hashlib.sha256((tmp_path / "stand-in.npz").read_bytes()).hexdigest()
    nowhere = "http://127.0.0.1:9"
    done = subprocess.run(
        [sys.executable, "-c", LOAD_MNIST, str(tmp_path), digest],
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "KERAS_HOME": str(tmp_path / "keras"),
            **dict.fromkeys(("https_proxy", "HTTPS_PROXY", "http_proxy"), nowhere),
            "no_proxy": "",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "refused: Keras could not fetch MNIST" in done.stdout
    assert "SOURCE=sample never does" in done.stdout
    assert "60 labelled and 40 unlabelled digits (verified; source: mnist)" in done.stdout

    workspace = Workspace(tmp_path)
    train, test = load_train(workspace), load_test(workspace)
    _, answers = read_answers(workspace.data / "solution.csv")
    assert train.labels is not None
    label_of = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    came = {
        image.tobytes(): label
        for digits, its_labels in ((train, train.labels), (test, answers))
        for image, label in zip(digits.images, its_labels, strict=True)
    }
    assert came == label_of, "every image once, with its own label"
    assert not np.array_equal(train.images, images[:60]), "mixed before the cut"


IMPORT_ALL = """
import importlib, json, pkgutil, sys, time
started = time.process_time()
import digit_recognizer
for module in pkgutil.walk_packages(digit_recognizer.__path__, "digit_recognizer."):
    importlib.import_module(module.name)
print(json.dumps([time.process_time() - started, sorted(sys.modules)]))
"""


def test_importing_the_whole_package_is_fast_and_loads_nothing_heavy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    seconds, modules = json.loads(done.stdout)
    assert "digit_recognizer.data.sources.mnist" in modules
    assert "digit_recognizer.learn.training" in modules
    heavy = {"keras", "tensorflow", "kaggle", "kagglesdk", "sklearn", "scipy", "matplotlib"}
    assert heavy.isdisjoint(modules)
    assert seconds < 1
    assert not any(tmp_path.glob("[!h]*")), "an import writes nothing"
