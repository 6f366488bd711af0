"""From trained runs to a file on the ledger.

In: the names of what to blend. Out: `submissions/submission.csv`, a dated copy and a row in the
ledger. What always holds: every score shown is of images that the networks behind it never saw.
"""

import re
from datetime import UTC, datetime

import numpy as np
from rich.console import Console
from rich.markup import escape

from digit_recognizer.compete.ledger import Entry, add_entry, list_entries
from digit_recognizer.compete.submission import write_submission
from digit_recognizer.data.answers import format_answers, read_answers
from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train, read_source
from digit_recognizer.ensemble import Blend, blend
from digit_recognizer.environment import describe_environment
from digit_recognizer.kaggle_api import PAGE
from digit_recognizer.lineup import Selection, choose_trained, print_scores
from digit_recognizer.runs import open_run
from digit_recognizer.scores import Score
from digit_recognizer.workspace import ProjectError, Workspace, locked, sha256_of, sweep_temporaries


def submit(
    workspace: Workspace,
    lineup: str | None,
    experiments: list[str],
    weights: str,
    message: str | None,
    upload: str,
    console: Console,
) -> None:
    """Blend what was named, or what was trained last, and put the result on record."""
    if upload == "yes":
        raise ProjectError(
            f"Uploading is not automated yet. Run `make submit` without UPLOAD=yes, then upload "
            f"submissions/submission.csv at {PAGE}/submit."
        )
    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    selection = choose_trained(workspace, lineup, experiments)
    runs = [open_run(workspace, name) for name in selection.names]
    fingerprint = fingerprint_of(train, test)
    for run in runs:
        if run.config["data"] != fingerprint:
            raise ProjectError(
                f"{run.folder} was trained on other data than those in {workspace.data}. "
                f"Run `make train EXPERIMENTS={run.name} FRESH=1` first."
            )
    blended = blend(runs, train.labels, weights)
    print_scores(blended, console)

    labels = blended.test.argmax(axis=1)
    offline = _offline_score(workspace, labels)
    with locked(workspace.submissions / ".lock", workspace.submissions):
        sweep_temporaries(workspace.submissions)
        entry = _record(workspace, selection, weights, blended, labels, offline, fingerprint)
    path = workspace.submissions / "submission.csv"
    console.print(f"\n{workspace.show(path)}: {len(labels):,} rows, valid; kept as {entry.file}")
    if offline:
        console.print(
            f"Offline score, on the held-back labels of this data: [bold]{offline}[/]",
            soft_wrap=True,
        )
    elif read_source(workspace)["source"] != "mnist":
        console.print(
            f"To upload it: {PAGE}/submit, or\n"
            f"  kaggle competitions submit -c digit-recognizer -f {workspace.show(path)} "
            f'-m "{escape(message or _message(entry))}"',
            soft_wrap=True,
        )


def _record(
    workspace: Workspace,
    selection: Selection,
    weights: str,
    blended: Blend,
    labels: np.ndarray,
    offline: Score | None,
    fingerprint: str,
) -> Entry:
    """Write the file and its row, unless the very same are there already."""
    sha256 = sha256_of(format_answers(labels))
    name = selection.label if weights == "equal" else f"{selection.label} ({weights} weights)"
    for earlier in reversed(list_entries(workspace)):
        if (earlier.lineup, earlier.sha256) == (name, sha256):
            write_submission(workspace, labels, earlier.file)
            return earlier
    now = datetime.now(UTC)
    file = f"{now:%Y%m%dT%H%M%S}-{_as_file_name(name)}.csv"
    write_submission(workspace, labels, file)
    environment = describe_environment(threads=0)
    entry = Entry(
        written_at=now.isoformat(timespec="seconds"),
        lineup=name,
        members=" ".join(f"{member}={weight:.4f}" for member, weight in blended.weights.items()),
        run_id=sha256_of(f"{now.isoformat()} {sha256}".encode())[:12],
        git_commit=(environment["commit"] or "none") + ("+" if environment["dirty"] else ""),
        data_source=read_source(workspace)["source"],
        data_fingerprint=fingerprint,
        oof_errors=blended.score.errors,
        oof_images=blended.score.images,
        oof_accuracy=blended.score.accuracy,
        file=file,
        sha256=sha256,
        offline_score=offline.accuracy if offline else None,
    )
    add_entry(workspace, entry)
    return entry


def _offline_score(workspace: Workspace, labels: np.ndarray) -> Score | None:
    """Score against the labels of the test part, where the source knows them."""
    path = workspace.data / "solution.csv"
    promised = read_source(workspace)["files"].get("solution.csv")
    if promised is None:
        return None
    if not path.exists() or sha256_of(path) != promised["sha256"]:
        raise ProjectError(
            f"{path} is not the file that was downloaded, so nothing can be scored against it. "
            "Run `make download` again."
        )
    _, truth = read_answers(path)
    return Score(int((labels != truth).sum()), len(truth))


def _as_file_name(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", label).strip("-")[:80]


def _message(entry: Entry) -> str:
    error = Score(entry.oof_errors, entry.oof_images).standard_error / entry.oof_images
    return (
        f"{entry.lineup} oof={entry.oof_accuracy:.5f}±{error:.5f} "
        f"run={entry.run_id} git={entry.git_commit[:7]}"
    )
