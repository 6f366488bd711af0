"""`submit`: from run folders to a file, its copy and a row; made-up runs stand in for training."""

import csv
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from digit_recognizer.compete.ledger import Entry, list_entries
from digit_recognizer.compete.submit import submit
from digit_recognizer.data.dataset import COMPETITION_ROWS, fingerprint_of, load_test, load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.data.sources import download
from digit_recognizer.runs.blend import blend
from digit_recognizer.runs.folder import Run, open_run
from digit_recognizer.workspace import ProjectError, Workspace, sha256_of, write_json
from tests.conftest import TEST_ROWS, TRAIN_ROWS
from tests.limits import largest_file
from tests.made_up_runs import FOLDS, make_up_run


def make_run(
    workspace: Workspace, name: str, seed: int, skill: float = 1.5, **options: object
) -> Run:
    """A run of the workspace's own data."""
    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    return make_up_run(
        workspace,
        name,
        labels=train.labels,
        folds=assign_folds(train.labels, FOLDS, seed=0),
        data=fingerprint_of(train, test),
        skill=skill,
        seed=seed,
        test_images=TEST_ROWS,
        **options,  # type: ignore[arg-type]
    )


@pytest.fixture
def trained(workspace: Workspace) -> Workspace:
    make_run(workspace, "first", seed=1)
    make_run(workspace, "second", seed=2, skill=3.0)
    return workspace


def run_submit(
    workspace: Workspace,
    *experiments: str,
    weights: str = "equal",
    message: str | None = None,
    upload: str = "auto",
) -> str:
    """Call `submit`; return what it printed."""
    output = io.StringIO()
    console = Console(file=output, width=200)
    submit(workspace, None, list(experiments), weights, message, upload, False, 10, console)
    return output.getvalue()


def read_labels(path: Path) -> list[int]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["ImageId"]) for row in rows] == list(range(1, len(rows) + 1))
    return [int(row["Label"]) for row in rows]


def only_entry(workspace: Workspace) -> Entry:
    (entry,) = list_entries(workspace)
    return entry


def test_a_submission_is_a_file_its_dated_copy_and_one_row(trained: Workspace) -> None:
    output = run_submit(trained, "first", "second")
    final = trained.submissions / "submission.csv"
    entry = only_entry(trained)
    copy = trained.submissions / entry.file
    assert re.fullmatch(r"\d{8}T\d{6}-first\+second\.csv", entry.file)
    assert copy.read_bytes() == final.read_bytes()
    assert "submissions/submission.csv: 60 rows, valid" in output
    assert entry.file in output

    means = [
        np.mean([np.load(path) for path in sorted(run.glob("fold-*/test.npy"))], axis=0)
        for run in (trained.runs / "first", trained.runs / "second")
    ]
    assert read_labels(final) == np.mean(means, axis=0).argmax(axis=1).tolist()


def test_the_row_says_what_the_file_is(trained: Workspace) -> None:
    run_submit(trained, "first", "second")
    entry = only_entry(trained)
    train, test = load_train(trained), load_test(trained)
    assert train.labels is not None
    score = blend([open_run(trained, name) for name in ("first", "second")], train.labels).score
    assert entry.lineup == "first+second"
    assert entry.members == "first=0.5000 second=0.5000"
    assert entry.data_source == "path"
    assert entry.data_fingerprint == fingerprint_of(train, test)
    assert entry.sha256 == sha256_of(trained.submissions / "submission.csv")
    assert (entry.oof_errors, entry.oof_images) == (score.errors, TRAIN_ROWS)
    assert 0 < entry.oof_errors < TRAIN_ROWS
    assert entry.oof_accuracy == score.accuracy
    assert entry.status == "written"


def test_the_offline_score_is_that_of_an_independent_count(trained: Workspace) -> None:
    output = run_submit(trained, "first", "second")
    found = read_labels(trained.submissions / "submission.csv")
    truth = read_labels(trained.data / "solution.csv")
    errors = sum(label != true for label, true in zip(found, truth, strict=True))
    assert 0 < errors < TEST_ROWS
    assert only_entry(trained).offline_score == pytest.approx((TEST_ROWS - errors) / TEST_ROWS)
    assert f" {errors} errors of {TEST_ROWS} (95 % interval " in output
    assert "competitions submit" not in output, "these are not Kaggle's data"


def test_the_networks_of_each_fold_alone_are_scored_by_an_independent_count(
    trained: Workspace,
) -> None:
    output = run_submit(trained, "first", "second")
    truth = np.array(read_labels(trained.data / "solution.csv"))
    wrong = []
    for fold in range(FOLDS):
        first, second = (
            np.load(trained.runs / name / f"fold-{fold}" / "test.npy")
            for name in ("first", "second")
        )
        wrong.append(int(((first + second).argmax(axis=1) != truth).sum()))
    assert len(set(wrong)) > 1
    expected = f"{np.mean(wrong):,.1f} wrong on average, {min(wrong)} to {max(wrong)}"
    assert f"with the networks of one fold alone: {expected}" in output


@pytest.mark.parametrize("damage", ["changed", "shortened", "deleted"])
def test_no_offline_score_is_counted_against_changed_answers(
    trained: Workspace, damage: str
) -> None:
    path = trained.data / "solution.csv"
    lines = path.read_text().splitlines(keepends=True)
    if damage == "deleted":
        path.unlink()
    elif damage == "shortened":
        path.write_text("".join(lines[:-1]))
    else:
        path.write_text(
            "".join([lines[0], "1,9\n" if lines[1] != "1,9\n" else "1,8\n", *lines[2:]])
        )
    with pytest.raises(ProjectError, match=r"solution\.csv is not the file that was downloaded"):
        run_submit(trained, "first")
    assert list_entries(trained) == []


def test_the_competitions_data_have_no_offline_score_but_a_way_to_upload(
    trained: Workspace, tiny_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    shutil.copytree(tiny_source, source)
    (source / "solution.csv").unlink()
    download(trained, str(source))
    other = run_submit(trained, "first")
    assert only_entry(trained).offline_score is None
    assert "Offline score" not in other
    assert "Not uploaded" not in other, "Kaggle would not take as few rows"

    monkeypatch.setitem(COMPETITION_ROWS, "test.csv", TEST_ROWS)
    output = run_submit(trained, "first", message="mine [bold] `id`")
    run_id = only_entry(trained).run_id
    assert f"-f submissions/submission.csv -m 'mine [bold] `id` run={run_id}'" in output


def test_the_same_again_writes_no_second_row(trained: Workspace) -> None:
    run_submit(trained, "first", "second")
    names = sorted(path.name for path in trained.submissions.iterdir())
    before = (trained.submissions / "submission.csv").read_bytes()
    entry = only_entry(trained)
    (trained.submissions / "submission.csv").write_text("damaged")
    (trained.submissions / entry.file).unlink()

    run_submit(trained, "first", "second")

    assert only_entry(trained) == entry
    assert sorted(path.name for path in trained.submissions.iterdir()) == names
    for name in ("submission.csv", entry.file):
        assert (trained.submissions / name).read_bytes() == before


def test_another_blend_is_another_row_and_the_file_to_upload_is_the_last_one(
    trained: Workspace,
) -> None:
    for experiments in (["first"], ["second"], ["first"]):
        run_submit(trained, *experiments)
    entries = list_entries(trained)
    assert [entry.lineup for entry in entries] == ["first", "second"]
    assert entries[0].sha256 == sha256_of(trained.submissions / "submission.csv")
    assert entries[0].sha256 != entries[1].sha256


def test_fitted_weights_are_named_in_the_row_and_in_the_file_s_name(trained: Workspace) -> None:
    run_submit(trained, "first", "second", weights="fitted")
    entry = only_entry(trained)
    assert entry.lineup == "first+second (fitted weights)"
    assert entry.file.endswith("-first+second-fitted-weights.csv")
    weights = dict(member.split("=") for member in entry.members.split())
    assert float(weights["second"]) > float(weights["first"])
    assert sum(map(float, weights.values())) == pytest.approx(1, abs=1e-3)


def test_fitted_weights_of_one_run_are_the_same_result_as_equal_ones(trained: Workspace) -> None:
    run_submit(trained, "first")
    names = sorted(path.name for path in trained.submissions.iterdir())
    output = run_submit(trained, "first", weights="fitted")
    assert "WEIGHTS=fitted changes nothing" in output
    assert only_entry(trained).lineup == "first"
    assert sorted(path.name for path in trained.submissions.iterdir()) == names


def test_a_message_is_in_the_row_though_nothing_is_uploaded(trained: Workspace) -> None:
    run_submit(trained, "first")
    assert only_entry(trained).message is None
    for message in ("before the holidays", "after them"):
        run_submit(trained, "first", message=message, upload="no")
        entry = only_entry(trained)
        assert entry.message == f"{message} run={entry.run_id}"
        assert (entry.status, entry.uploaded_at) == ("written", None)
    run_submit(trained, "first")
    assert only_entry(trained) == entry, "a message stays where no other is given"


def test_an_unknown_weighting_writes_nothing(trained: Workspace) -> None:
    with pytest.raises(ProjectError, match="expected one of equal, fitted"):
        run_submit(trained, "first", weights="best")
    assert not (trained.submissions / "submission.csv").exists()


def test_what_was_trained_last_is_submitted_where_nothing_is_named(trained: Workspace) -> None:
    write_json(trained.runs / "latest.json", {"label": "mine", "names": ["second", "first"]})
    run_submit(trained)
    entry = only_entry(trained)
    assert (entry.lineup, entry.members) == ("mine", "second=0.5000 first=0.5000")


def test_runs_of_other_data_are_refused_once_a_pixel_has_changed(
    trained: Workspace, tiny_source: Path, tmp_path: Path
) -> None:
    run_submit(trained, "first")
    before = sha256_of(trained.submissions / "submission.csv")
    source = tmp_path / "source"
    shutil.copytree(tiny_source, source)
    lines = (source / "test.csv").read_text().split("\n")
    lines[5] = "1" + lines[5].removeprefix("0")
    (source / "test.csv").write_text("\n".join(lines))
    download(trained, str(source))

    with pytest.raises(ProjectError, match=r"first was trained on other data .* FRESH=1"):
        run_submit(trained, "first")
    assert sha256_of(trained.submissions / "submission.csv") == before
    assert len(list_entries(trained)) == 1


def test_without_training_submit_says_what_to_do_first(workspace: Workspace) -> None:
    with pytest.raises(ProjectError, match=r"Nothing has been trained.*`make train`"):
        run_submit(workspace)
    with pytest.raises(
        ProjectError, match=r"There is no run 'first'.*make train EXPERIMENTS=first"
    ):
        run_submit(workspace, "first")
    assert not (workspace.submissions / "submission.csv").exists()


def test_without_data_submit_says_what_to_do_first(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="`make download`"):
        run_submit(Workspace(tmp_path / "nothing"), "first")


def test_an_unfinished_run_is_not_submitted(workspace: Workspace) -> None:
    make_run(workspace, "part", seed=1, only_folds=(0, 2))
    with pytest.raises(ProjectError, match="part is not complete: fold 1 of 3"):
        run_submit(workspace, "part")
    assert not (workspace.submissions / "submission.csv").exists()


def test_a_damaged_ledger_stops_the_file_it_could_not_record(trained: Workspace) -> None:
    trained.submissions.mkdir(exist_ok=True)
    (trained.submissions / "ledger.db").write_bytes(b"no database" * 100)
    with pytest.raises(ProjectError, match="cannot be used"):
        run_submit(trained, "first")
    assert not list(trained.submissions.glob("*.csv"))


def test_a_full_disk_keeps_the_old_submission(
    trained: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["submit.py"])  # the lock file holds it
    run_submit(trained, "first")
    before = sha256_of(trained.submissions / "submission.csv")
    with (
        largest_file(100),
        pytest.raises(ProjectError, match=r"second\.csv: File too large"),
    ):
        run_submit(trained, "second")
    assert sha256_of(trained.submissions / "submission.csv") == before
    assert only_entry(trained).lineup == "first"
    assert not list(trained.submissions.glob(".*.tmp"))
    run_submit(trained, "second")
    assert [entry.lineup for entry in list_entries(trained)] == ["first", "second"]


def test_labels_of_other_images_than_the_competitions_are_not_uploaded(trained: Workspace) -> None:
    with pytest.raises(ProjectError, match=r"are not the competition's \(path\)"):
        run_submit(trained, "first", upload="yes")
    assert list_entries(trained) == []
