"""What auto and Kaggle bring, what is kept or replaced; and again, also after a kill."""

import shutil
import signal
import sys
from pathlib import Path

import pytest
from rich.console import Console

from digit_recognizer.data import sources
from digit_recognizer.data.dataset import load_test, load_train, read_source
from digit_recognizer.data.sources import download
from digit_recognizer.data.sources import kaggle as kaggle_source
from digit_recognizer.workspace import ProjectError, Workspace
from tests.commands import run, run_well
from tests.conftest import TEST_ROWS, TRAIN_ROWS
from tests.data.sources.files import (
    FILES,
    INSTALL,
    assert_refused,
    contents_of,
    drop_rows,
    members_of,
    pack,
)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_USERNAME", "somebody")
    monkeypatch.setenv("KAGGLE_KEY", "a-key-that-must-not-be-shown")


@pytest.fixture
def kaggle_archive(tiny_source: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Kaggle's side: hands out the tiny data as the competition's archive, and keeps count."""
    asked: list[Path] = []

    def hand_out(client: object, folder: Path) -> Path:
        asked.append(folder)
        members = members_of(tiny_source)
        del members["solution.csv"]
        return pack(folder / "digit-recognizer.zip", members)

    monkeypatch.setattr(kaggle_source, "connect", lambda console: console)
    monkeypatch.setattr(kaggle_source, "download_competition", hand_out)
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
    def refuse(_: Console) -> object:
        raise ProjectError("Kaggle refused the credentials: make a new token (401).")

    monkeypatch.setattr(kaggle_source, "connect", refuse)
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
@pytest.mark.slow
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
