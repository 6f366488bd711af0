"""What Kaggle mounts for a notebook is found and used, and only it counts as Kaggle's own."""

import shutil
from pathlib import Path

import pytest

from digit_recognizer.data.dataset import load_train, read_source
from digit_recognizer.data.sources import download, mounted
from digit_recognizer.workspace import Workspace
from tests.conftest import TEST_ROWS, TRAIN_ROWS
from tests.data.sources.files import FILES, INSTALL, assert_refused

LAYOUTS = ("digit-recognizer", "competitions/digit-recognizer")


@pytest.fixture
def mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is a notebook's `/kaggle/input`; nobody is in a notebook yet."""
    folder = tmp_path / "input"
    folder.mkdir()
    monkeypatch.setattr(mounted, "_MOUNT", folder)
    return folder


@pytest.fixture
def notebook(mount: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, inside a notebook."""
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    return mount


@pytest.fixture
def tiny_competition(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the tiny data's numbers of rows were the competition's."""
    counts = {"train.csv": TRAIN_ROWS, "test.csv": TEST_ROWS}
    monkeypatch.setattr(INSTALL, "COMPETITION_ROWS", counts)


def put(source: Path, folder: Path) -> Path:
    """Copy what Kaggle would mount: it has no answers."""
    return Path(shutil.copytree(source, folder, ignore=shutil.ignore_patterns("solution.csv")))


@pytest.mark.usefixtures("tiny_competition")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("requested", ["auto", "kaggle"])
def test_a_notebook_uses_what_is_mounted_without_credentials(
    empty: Workspace, notebook: Path, tiny_source: Path, layout: str, requested: str
) -> None:
    place = put(tiny_source, notebook / layout)
    told = download(empty, requested)
    assert f"source: kaggle {place}" in told
    assert read_source(empty)["source"] == "kaggle"
    assert read_source(empty)["origin"] == str(place)
    assert len(load_train(empty)) == TRAIN_ROWS
    assert not (empty.data / "solution.csv").exists()
    for again in ("auto", "kaggle"):
        assert "already there, verified" in download(empty, again)


@pytest.mark.parametrize("requested", ["auto", "kaggle"])
def test_what_is_mounted_as_the_competition_has_the_competitions_counts(
    empty: Workspace, notebook: Path, tiny_source: Path, requested: str
) -> None:
    put(tiny_source, notebook / LAYOUTS[0])
    assert "expected 42,000 and 28,000, as in Kaggle's files" in assert_refused(empty, requested)


@pytest.mark.parametrize("place", [*LAYOUTS, ".", "mine", "somebody/mine"])
@pytest.mark.parametrize("run_type", [None, "Interactive"])
def test_a_named_input_folder_is_a_path_wherever_it_is_used(
    empty: Workspace,
    mount: Path,
    tiny_source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    run_type: str | None,
) -> None:
    if run_type:
        monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", run_type)
    # What is mounted is not even looked at.
    put(tiny_source, mount / LAYOUTS[0])
    if place == ".":  # the folder itself is no place: it holds inputs
        monkeypatch.setenv(mounted.VARIABLE, str(put(tiny_source, tmp_path / "named")))
        assert "does not hold Kaggle's" in assert_refused(empty, "auto")
        return
    monkeypatch.setenv(mounted.VARIABLE, str(tmp_path / "named"))
    found = put(tiny_source, tmp_path / "named" / place)
    assert f"source: path {found}" in download(empty, "auto")
    assert read_source(empty)["source"] == "path"
    assert "already there" in download(empty, "auto")


def test_a_copy_attached_as_a_dataset_is_a_path(
    empty: Workspace, notebook: Path, tiny_source: Path
) -> None:
    copy = put(tiny_source, notebook / "datasets" / "somebody" / "digits")
    (notebook / "another").mkdir()
    (notebook / "another" / "train.csv").write_text("something else")
    message = assert_refused(empty, "kaggle")
    assert f"{notebook} does not hold Kaggle's digit-recognizer files" in message
    assert f"source: path {copy}" in download(empty, "auto")

    second = put(tiny_source, notebook / "digits-again")
    shutil.rmtree(empty.data)
    message = assert_refused(empty, "auto")
    assert str(copy) in message
    assert str(second) in message
    assert f"source: path {second}" in download(empty, str(second))


@pytest.mark.usefixtures("tiny_competition")
def test_the_competition_goes_before_a_copy_of_it(
    empty: Workspace, notebook: Path, tiny_source: Path
) -> None:
    put(tiny_source, notebook / "a-copy")
    place = put(tiny_source, notebook / LAYOUTS[1])
    assert f"source: kaggle {place}" in download(empty, "auto")


@pytest.mark.parametrize("requested", ["auto", "kaggle"])
def test_a_notebook_without_the_competition_says_so_and_makes_no_sample(
    empty: Workspace, notebook: Path, requested: str
) -> None:
    message = assert_refused(empty, requested)
    assert "add the competition as an input" in message
    assert "source: sample" in download(empty, "sample")


def test_a_missing_input_folder_is_refused(
    empty: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(mounted.VARIABLE, str(tmp_path / "nowhere"))
    assert "does not hold Kaggle's" in assert_refused(empty, "auto")


def test_outside_a_notebook_nothing_is_mounted(
    empty: Workspace, mount: Path, tiny_source: Path
) -> None:
    put(tiny_source, mount / LAYOUTS[0])
    assert "BUNDLED SAMPLE" in download(empty, "auto")


@pytest.mark.usefixtures("tiny_competition")
def test_damaged_data_from_the_mount_are_fetched_again_by_the_sources_name(
    empty: Workspace, notebook: Path, tiny_source: Path
) -> None:
    put(tiny_source, notebook / LAYOUTS[0])
    download(empty, "auto")
    (empty.data / "test.csv").write_text("1\n")
    assert "`make download SOURCE=kaggle`" in assert_refused(empty, "auto")
    download(empty, "kaggle")
    assert (empty.data / "test.csv").read_bytes() == (tiny_source / "test.csv").read_bytes()
    assert set(FILES) - {"solution.csv"} <= {path.name for path in empty.data.iterdir()}
