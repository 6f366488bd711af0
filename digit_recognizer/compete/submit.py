"""`make submit`: from trained runs to a file on the ledger.

In: the names of what to blend. Out: `submissions/submission.csv`, a dated copy and a row in the
ledger. What always holds: every score shown is of images that the networks behind it never saw.
"""

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape

from digit_recognizer.compete.attempt import upload_and_wait
from digit_recognizer.compete.ledger import SENT, Entry, add_entry, list_entries, update_entry
from digit_recognizer.compete.message import compose_message
from digit_recognizer.compete.submission import write_submission
from digit_recognizer.data.answers import format_answers, read_answers
from digit_recognizer.data.dataset import (
    COMPETITION_ROWS,
    fingerprint_of,
    load_test,
    load_train,
    read_source,
)
from digit_recognizer.kaggle_api import COMPETITION, PAGE
from digit_recognizer.kaggle_api.client import require_wait
from digit_recognizer.kaggle_api.credentials import find_credentials
from digit_recognizer.runs.adopt import tell_of_adopted
from digit_recognizer.runs.blend import Blend, blend, blend_fold_by_fold, print_scores
from digit_recognizer.runs.environment import current_commit
from digit_recognizer.runs.folder import open_run
from digit_recognizer.runs.selection import Selection, choose_trained
from digit_recognizer.scores import Score
from digit_recognizer.workspace import ProjectError, Workspace, locked, sha256_of, sweep_temporaries

# What makes two submissions the same result, so that one row is enough for both.
_SAME_RESULT = ("lineup", "members", "data_fingerprint", "oof_errors", "sha256")


def submit(
    workspace: Workspace,
    lineup: str | None,
    experiments: list[str],
    weights: str,
    message: str | None,
    upload: str,
    force: bool,
    wait: float,
    console: Console,
) -> None:
    """Blend what was named, or what was trained last; put it on record, and upload what counts."""
    require_wait(wait)
    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    _require_that_it_counts(workspace, upload)
    selection = choose_trained(workspace, lineup, experiments, console)
    runs = [open_run(workspace, name) for name in selection.names]
    fingerprint = fingerprint_of(train, test)
    for run in runs:
        if run.config["data"] != fingerprint:
            raise ProjectError(
                f"{run.folder} was trained on other data than those in {workspace.data}. Bring "
                f"back its data, or start it over on these: `make train EXPERIMENTS={run.name} "
                "FRESH=1`."
            )
    console.print(f"Blending {selection.label}:")
    _require_as_downloaded(workspace, "sample_submission.csv")
    if weights == "fitted" and len(runs) == 1:
        console.print("One run has nothing to be weighed against: WEIGHTS=fitted changes nothing.")
        weights = "equal"
    blended = blend(runs, train.labels, weights)
    print_scores(blended, console)
    tell_of_adopted(workspace, runs, console)

    labels = blended.test.argmax(axis=1)
    truth = _read_truth(workspace)
    offline = None if truth is None else _score(labels, truth)
    with locked(workspace.submissions / ".lock", workspace.submissions):
        sweep_temporaries(workspace.submissions)
        entry = _record(workspace, selection, weights, blended, labels, offline, fingerprint, force)
        if message and entry.status not in SENT:
            entry = update_entry(workspace, entry, message=compose_message(entry, message))
    path = workspace.submissions / "submission.csv"
    console.print(f"{workspace.show(path)}: {len(labels):,} rows, valid; kept as {entry.file}")
    if truth is not None:
        console.print(f"Offline score, on the held-back labels of this data: [bold]{offline}[/]")
        if not any(run.is_adopted for run in runs):  # those have no predictions of single folds
            of_folds = [
                _score(alone.argmax(axis=1), truth).errors
                for alone in blend_fold_by_fold(runs, blended.weights)
            ]
            console.print(
                f"  with the networks of one fold alone: {np.mean(of_folds):,.1f} wrong on "
                f"average, {min(of_folds):,} to {max(of_folds):,}"
            )
    if upload == "yes" or (upload == "auto" and _is_kaggles(workspace) and find_credentials()):
        upload_and_wait(workspace, entry, message, force, wait, console)
    elif not offline and len(labels) == COMPETITION_ROWS["test.csv"]:
        quoted = shlex.quote(compose_message(entry, message))
        console.print(
            f"Not uploaded. To do so: `make submit UPLOAD=yes`, {PAGE}/submit, or\n"
            f"  kaggle competitions submit -c {COMPETITION} -f {workspace.show(path)} "
            f"-m {escape(quoted)}"
        )


def _is_kaggles(workspace: Workspace) -> bool:
    return bool(read_source(workspace)["source"] == "kaggle")


def _require_that_it_counts(workspace: Workspace, upload: str) -> None:
    """Refuse, before any work, to upload labels of images that are not the competition's."""
    source = read_source(workspace)
    if upload != "yes" or source["source"] == "kaggle":
        return
    rows = {name: source["files"][name]["rows"] for name in COMPETITION_ROWS}
    if source["source"] != "path" or rows != COMPETITION_ROWS or "solution.csv" in source["files"]:
        raise ProjectError(
            f"The data in {workspace.data} are not the competition's ({source['source']}), so "
            "Kaggle would score noise. Run `make download SOURCE=kaggle` or give its zip as a "
            "path, then train and submit on that."
        )


def _record(
    workspace: Workspace,
    selection: Selection,
    weights: str,
    blended: Blend,
    labels: np.ndarray,
    offline: Score | None,
    fingerprint: str,
    force: bool,
) -> Entry:
    """Write the file and its row, unless the very same are there already.

    With `force` a row that was sent stays as it is, and its repetition gets a row of its own.
    """
    sha256 = sha256_of(format_answers(labels))
    name = selection.label if weights == "equal" else f"{selection.label} ({weights} weights)"
    now = datetime.now(UTC)
    entry = Entry(
        written_at=now.isoformat(timespec="seconds"),
        lineup=name,
        members=" ".join(f"{member}={weight:.4f}" for member, weight in blended.weights.items()),
        run_id=sha256_of(f"{now.isoformat()} {sha256}".encode())[:12],
        git_commit=current_commit(),
        data_source=read_source(workspace)["source"],
        data_fingerprint=fingerprint,
        oof_errors=blended.score.errors,
        oof_images=blended.score.images,
        oof_accuracy=blended.score.accuracy,
        file=f"{now:%Y%m%dT%H%M%S}-{_as_file_name(name)}.csv",
        sha256=sha256,
        offline_score=offline.accuracy if offline else None,
    )
    for earlier in reversed(list_entries(workspace)):
        is_same = all(getattr(earlier, key) == getattr(entry, key) for key in _SAME_RESULT)
        if is_same and not (force and earlier.status in SENT):
            write_submission(workspace, labels, earlier.file)
            return earlier
    write_submission(workspace, labels, entry.file)
    return add_entry(workspace, entry)


def _read_truth(workspace: Workspace) -> np.ndarray | None:
    """Return the labels of the test part, where the source knows them."""
    if "solution.csv" not in read_source(workspace)["files"]:
        return None
    _, truth = read_answers(_require_as_downloaded(workspace, "solution.csv"))
    return truth


def _score(labels: np.ndarray, truth: np.ndarray) -> Score:
    return Score(int((labels != truth).sum()), len(truth))


def _require_as_downloaded(workspace: Workspace, name: str) -> Path:
    """Return the path of a file that decides what is valid or right, if it is still itself."""
    path = workspace.data / name
    promised = read_source(workspace)["files"].get(name, {}).get("sha256")
    if not path.exists() or sha256_of(path) != promised:
        raise ProjectError(
            f"{path} is not the file that was downloaded. Run `make download` again."
        )
    return path


def _as_file_name(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", label).strip("-")[:80]
