"""`make predict`, as a user runs it."""

import csv
import io
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from digit_recognizer.data.answers import read_answers
from digit_recognizer.data.dataset import load_test
from digit_recognizer.use.pictures.gather import Seen, Unread, gather
from digit_recognizer.use.predict import predict
from digit_recognizer.workspace import ProjectError, Workspace
from tests.commands import run, run_well
from tests.use.conftest import SMALL
from tests.use.pictures.photos import KINDS, make_photo


@pytest.fixture
def home(small_home: Path, tmp_path: Path) -> Workspace:
    """A copy for tests that write."""
    return Workspace(Path(shutil.copytree(small_home, tmp_path / "copy")))


@pytest.fixture(scope="session")
def held_back(small_home: Path) -> tuple[np.ndarray, np.ndarray]:
    """The sample's test digits, which no network was trained on, and their labels."""
    workspace = Workspace(small_home)
    _, labels = read_answers(workspace.data / "solution.csv")
    return load_test(workspace).images, labels


@pytest.mark.slow
def test_most_of_200_photos_of_test_digits_are_read_correctly(
    home: Workspace, held_back: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    images, labels = (each[:200] for each in held_back)
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, digit in enumerate(images):
        kind = list(KINDS)[number % len(KINDS)]
        (photos / f"{number}.png").write_bytes(make_photo(digit, kind, number))
    out = tmp_path / "digits.csv"
    run(home, "predict", "--experiments", SMALL, "--out", str(out), "--", str(photos))
    with open(out, newline="") as file:
        read = {int(Path(row["file"]).stem): row["digit"] for row in csv.DictReader(file)}
    right = sum(read[number] == str(label) for number, label in enumerate(labels))
    # This small network, trained on a thousand coarse digits, reads 96.4 %; the full-size one,
    # which `measure.py` is about, reads 99.2 %.
    assert right >= 0.93 * len(images)


@pytest.mark.slow
def test_the_command_reads_what_it_can_and_reports_the_rest(
    home: Workspace, held_back: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    images, labels = held_back
    folder = tmp_path / "my pictures"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.PNG").write_bytes(make_photo(images[number], "scan", number))
    (folder / "notes.txt").write_text("not a picture, and not named like one")
    (tmp_path / "[red].png").write_text("not a picture")
    Image.new("L", (60, 60), 255).save(tmp_path / "white.png")
    rows = (home.data / "train.csv").read_text().splitlines(keepends=True)[:5]
    (tmp_path / "rows.csv").write_text("".join(rows))
    out, sheet = tmp_path / "digits.csv", tmp_path / "seen.png"

    # fmt: off
    done = run(
        home, "predict", "--experiments", SMALL, "--out", str(out), "--show", str(sheet), "--",
        str(folder), str(tmp_path / "[red].png"), str(tmp_path / "white.png"),
        str(tmp_path / "rows.csv"), str(tmp_path / "nowhere.png"),
    )
    # fmt: on

    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    assert "[red].png': It is not a picture" in done.stdout
    assert "white.png': There is nothing on it" in done.stdout
    assert "nowhere.png': It cannot be read: No such file" in done.stdout
    assert "3 of 10 could not be read" in done.stdout
    with open(out, newline="") as file:
        answers = [row for row in csv.DictReader(file) if not row["error"]]
    assert [Path(row["file"]).name for row in answers] == [
        "0.PNG", "1.PNG", "2.PNG", *(f"rows.csv row {number}" for number in range(1, 5))
    ]  # fmt: skip
    assert [int(row["digit"]) for row in answers[:3]] == labels[:3].tolist()
    for row in answers:
        shares = [float(row[f"p{digit}"]) for digit in range(10)]
        assert sum(shares) == pytest.approx(1, abs=1e-5)
        assert int(row["digit"]) == int(np.argmax(shares))
        assert float(row["probability"]) == max(shares)
        assert shares[int(row["runner_up"])] == sorted(shares)[-2]
    with Image.open(sheet) as picture:
        assert picture.size[0] > picture.size[1]  # seven, five of them in the first row

    # The file that answered is enough by itself, and what all can be read ends well.
    alone = run_well(
        Workspace(tmp_path / "elsewhere"),
        "predict", "--model", str(home.exports / f"{SMALL}.onnx"), "--", str(folder),
    )  # fmt: skip
    assert all(f"{number}.PNG" in alone for number in range(3))


class Nines:
    """Predicts 9 for every picture."""

    label = "nines"

    def recognize(self, images: np.ndarray) -> np.ndarray:
        return np.tile(np.eye(10, dtype=np.float32)[9], (len(images), 1))


def read_pictures(tmp_path: Path, *images: str, out: Path | None = None) -> str:
    """Predict pictures of which some cannot be read; return the output."""
    output = io.StringIO()
    console = Console(file=output, soft_wrap=True, highlight=False)
    with pytest.raises(ProjectError, match="could not be read; see above"):
        predict(
            Workspace(tmp_path), list(images), None, [], None, None, out, show=None, console=console
        )
    return output.getvalue()


def test_without_a_picture_no_network_is_loaded_or_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digit_recognizer.use.predict.load_recognizer", lambda *_: pytest.fail())
    told = read_pictures(tmp_path, str(tmp_path / "nowhere.png"))
    assert "nowhere.png': It cannot be read: No such file" in told


def test_a_missing_file_is_reported_before_a_network_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tmp_path / "rows.csv"
    pixels = ",".join(f"pixel{number}" for number in range(784))
    rows.write_text(f"{pixels}\n{','.join(['7'] * 784)}\n")

    def load(*arguments: Any) -> Nines:
        arguments[-1].print("a network is loaded")
        return Nines()

    monkeypatch.setattr("digit_recognizer.use.predict.load_recognizer", load)
    out = tmp_path / "digits.csv"
    told = read_pictures(tmp_path, str(rows), str(tmp_path / "nowhere.png"), str(rows), out=out)
    assert told.index("No such file") < told.index("a network is loaded")
    assert told.count("No such file") == told.count("a network is loaded") == 1

    with open(out, newline="") as file:
        first, missing, last = csv.DictReader(file)
    for row in (first, last):
        assert (row["file"], row["digit"], row["error"]) == (f"{rows} row 1", "9", "")
    told_of = {"file": str(tmp_path / "nowhere.png"), "error": missing["error"]}
    assert {name: value for name, value in missing.items() if value} == told_of
    assert "No such file" in missing["error"]


def test_a_command_without_pictures_is_wrong_usage(home: Workspace) -> None:
    done = run(home, "predict")
    assert done.returncode == 2
    assert "no picture is named" in done.stdout


def test_a_path_that_the_shell_has_split_is_joined(tmp_path: Path, held_back: tuple) -> None:
    path = tmp_path / "my digit.png"
    path.write_bytes(make_photo(held_back[0][0], "scan", 0))
    (only,) = gather(str(path).split(" "))
    assert isinstance(only, Seen) and only.name == str(path)


def test_rows_of_a_csv_are_not_changed(small_home: Path) -> None:
    seen = list(gather([str(small_home / "data/test.csv")]))
    images = load_test(Workspace(small_home)).images
    assert len(seen) == len(images)
    assert all(
        isinstance(each, Seen) and np.array_equal(each.image, image)
        for each, image in zip(seen, images, strict=True)
    )


def test_files_are_sorted_by_their_numbers(tmp_path: Path, held_back: tuple) -> None:
    for name in ("10.png", "9.png", "b.jpg", "A.png"):
        (tmp_path / name).write_bytes(make_photo(held_back[0][0], "scan", 0))
    assert [Path(each.name).name for each in gather([str(tmp_path)])] == [
        "9.png", "10.png", "A.png", "b.jpg"
    ]  # fmt: skip


def test_an_empty_folder_and_a_broken_csv_are_reported(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    told = list(gather([str(tmp_path / "empty"), str(tmp_path / "rows.csv")]))
    assert all(isinstance(each, Unread) for each in told) and len(told) == 2


def test_a_named_pipe_is_reported_and_not_waited_for(tmp_path: Path) -> None:
    for name in ("pipe.png", "rows.csv"):
        os.mkfifo(tmp_path / name)
    told = list(gather([str(tmp_path / "pipe.png"), str(tmp_path), str(tmp_path / "rows.csv")]))
    assert [type(each) for each in told] == [Unread] * 3
    assert all("named pipe" in each.why for each in told if isinstance(each, Unread))
