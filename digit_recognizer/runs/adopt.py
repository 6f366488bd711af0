"""`make adopt`: predictions that were made elsewhere become a run like any other.

In: files of out-of-fold and test predictions, perhaps the folds. Out: a run folder without
networks, whose config.json says where it is from. What always holds: every row was checked, no
trained run is ever replaced, and the out-of-fold claim, which cannot be checked, is called its
owner's.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train
from digit_recognizer.data.prediction_files import Predictions, read_folds, read_predictions
from digit_recognizer.data.sources.install import incoming_folder, sweep_incoming
from digit_recognizer.experiments.experiment import Adopted, Experiment
from digit_recognizer.experiments.named import EXPERIMENTS, LINEUPS
from digit_recognizer.experiments.text import require_name, to_dict
from digit_recognizer.faults import fault_point
from digit_recognizer.runs.environment import describe_environment
from digit_recognizer.runs.folder import FoldResult, Run, array_bytes, open_run, read_config
from digit_recognizer.runs.selection import rank_trained
from digit_recognizer.scores import Score, compare_shares, format_percent
from digit_recognizer.workspace import (
    ProjectError,
    Workspace,
    locked,
    require_writable,
    sha256_of,
    write_file,
    write_json,
)

# Predictions that are right less often than this are of other images, or in another order.
_LEAST_ACCURACY = 0.5
# p value. Honest runs seldom come near it: on the test part each is an average over folds, so
# they differ less there.
_SUSPICIOUS = 0.01


@dataclass(frozen=True)
class Claim:
    """How often an adopted run and a trained one predict different digits, on both parts."""

    name: str
    reference: str
    labelled: Score  # a difference counts as an error
    test: Score
    p: float  # of so large a surplus on the test part

    @property
    def is_suspicious(self) -> bool:
        return self.p < _SUSPICIOUS

    def __str__(self) -> str:
        labelled, test = (
            format_percent(1 - each.accuracy, 2) for each in (self.labelled, self.test)
        )
        differ = (
            f"{self.name} and {self.reference} predict different digits for {labelled} of the "
            f"labelled images and {test} of the test images"
        )
        if self.is_suspicious:
            return (
                f"{differ} (p = {self.p:.1g}). So {self.name}'s out-of-fold predictions look as if "
                "the images had been trained on, and its score as if it were training accuracy."
            )
        return f"{differ}: nothing suspicious."


def adopt(
    workspace: Workspace,
    name: str | None,
    oof: str | None,
    test: str | None,
    folds: str | None,
    fresh: bool,
    console: Console,
) -> Run:
    """Make a run of the predictions in these files; say what it scores and what to do with it."""
    if not (name and oof and test):
        raise ProjectError(
            "Name the new run and its two files: `make adopt NAME=unet OOF=oof.csv TEST=test.csv`, "
            "or the runs of another clone: `make adopt RUNS=runs.zip`."
        )
    require_name(name)
    if name in EXPERIMENTS or name in LINEUPS:
        raise ProjectError(f"NAME={name} is an experiment or a line-up here; choose another name.")
    digits, test_digits = load_train(workspace), load_test(workspace)
    assert digits.labels is not None
    own, others = (
        read_predictions(Path(path).expanduser(), len(each), array, f"{option}={path}")
        for path, each, array, option in (
            (oof, digits, "oof", "OOF"),
            (test, test_digits, "test", "TEST"),
        )
    )
    _require_plausible(own, others, digits.labels)
    numbers, count = _find_folds(workspace, folds, len(digits))
    files = {"oof": oof, "test": test, **({"folds": folds} if folds else {})}
    config = {
        "experiment": to_dict(Experiment(name, Adopted(), folds=count)),
        "data": fingerprint_of(digits, test_digits),
        "environment": describe_environment(threads=0),
        "adopted": {
            what: {"file": str(path), "sha256": sha256_of(Path(path).expanduser())}
            for what, path in files.items()
        },
    }
    require_writable(workspace.runs)
    folder = workspace.runs / name
    with locked(workspace.runs / f".{name}.lock", folder):
        _require_room(folder, fresh)
        sweep_incoming(workspace.runs)
        with incoming_folder(workspace.runs) as incoming:
            run = _write(incoming / name, config, numbers, own, others)
            metrics = run.finish(digits.labels)
            if folder.exists():
                os.replace(folder, incoming / f".old-{name}")
            fault_point("adopt")
            os.replace(run.folder, folder)
    run = open_run(workspace, name)
    for option, predictions in (("OOF", own), ("TEST", others)):
        for notice in predictions.notices:
            console.print(f"{option}: {notice}.")
    console.print(
        f"{name}: {Score(metrics['errors'], metrics['images'])}, if these predictions are out of "
        "fold, as its owner says; that cannot be checked here."
    )
    if not folds:
        console.print(
            "Its folds are not known (FOLDS=): it can be blended with equal weights only."
        )
    _tell_what_next(workspace, run, console)
    return run


def judge_claim(adopted: Run, reference: Run) -> Claim:
    """Compare how often two runs differ on labelled and on test images.

    Predictions of images that were trained on agree with the labels, and so with a good run, more
    often than those of unseen images do. Honest runs differ about as often on both parts; on the
    test part rather less, since there each is an average over its folds.
    """
    differ = [
        first.argmax(axis=1) != second.argmax(axis=1)
        for first, second in (
            (adopted.load_oof(), reference.load_oof()),
            (adopted.load_test(), reference.load_test()),
        )
    ]
    labelled, test = (Score(int(each.sum()), len(each)) for each in differ)
    return Claim(adopted.name, reference.name, labelled, test, compare_shares(test, labelled))


def find_reference(workspace: Workspace) -> Run | None:
    """Return the best run that was trained here, on the data in data/."""
    for ranked in rank_trained(workspace):
        if len(ranked.selection.names) == 1:
            run = open_run(workspace, ranked.selection.names[0])
            if not run.is_adopted:
                return run
    return None


def tell_of_adopted(workspace: Workspace, runs: list[Run], console: Console) -> None:
    """Say of each adopted run what is not known of it, and whether its claim is suspicious."""
    adopted = [run for run in runs if run.is_adopted]
    reference = find_reference(workspace) if adopted else None
    for run in adopted:
        console.print(
            f"{escape(run.name)} was adopted: that its predictions are out of fold is its owner's "
            "claim."
        )
        if reference and (claim := judge_claim(run, reference)).is_suspicious:
            console.print(f"[yellow]Suspicious: {escape(str(claim))}[/]")


def _require_plausible(own: Predictions, others: Predictions, labels: np.ndarray) -> None:
    accuracy = float((own.probabilities.argmax(axis=1) == labels).mean())
    if accuracy < _LEAST_ACCURACY:
        raise ProjectError(
            f"OOF= is right on {format_percent(accuracy, 1)} of the labelled digits only: its rows "
            "or columns are in another order, or it is of other images."
        )
    if (own.kind == "logits") != (others.kind == "logits"):
        raise ProjectError(
            f"OOF= holds {own.kind} and TEST= {others.kind}; they would not be treated alike. "
            "Write both in the same form, best as probabilities."
        )


def _find_folds(workspace: Workspace, path: str | None, images: int) -> tuple[np.ndarray, int]:
    """Return each image's fold and how many there are; one, where they are not known."""
    if not path:
        return np.zeros(images, np.int8), 1
    given = read_folds(Path(path).expanduser(), images, f"FOLDS={path}")
    # The same division under other numbers is numbered as a run here has it: only then can
    # weights be fitted for both.
    for each in sorted(workspace.runs.glob("*/config.json")):
        config = read_config(each.parent)
        if config and (each.parent / "folds.npy").exists():
            known = Run(each.parent, config).folds
            if _is_same_division(known, given):
                return known, len(np.unique(known))
    values, numbers = np.unique(given, return_inverse=True)
    return numbers.astype(np.int8), len(values)


def _is_same_division(known: np.ndarray, given: np.ndarray) -> bool:
    if len(known) != len(given):
        return False
    pairs = len(np.unique(np.stack([known, given]), axis=1).T)
    return pairs == len(np.unique(known)) == len(np.unique(given))


def _require_room(folder: Path, fresh: bool) -> None:
    """Refuse to replace a run, unless it was adopted and a new one is wanted."""
    config = read_config(folder)
    if not folder.exists():
        return
    if config is None or not Run(folder, config).is_adopted:
        raise ProjectError(
            f"{folder} was trained here, or cannot be read; it is not replaced. Choose another "
            "NAME."
        )
    if not fresh:
        raise ProjectError(
            f"{folder} was adopted before. Add FRESH=1 to replace it, or choose another NAME."
        )


def _write(
    folder: Path,
    config: dict[str, Any],
    numbers: np.ndarray,
    own: Predictions,
    others: Predictions,
) -> Run:
    """Write the run's files."""
    write_file(folder / "folds.npy", array_bytes(numbers))
    run = Run(folder, config)
    for fold in range(run.experiment.folds):
        run.save_fold(
            FoldResult(
                fold=fold,
                weights=b"",
                oof=own.probabilities[numbers == fold],
                test=others.probabilities,
                history=[],
                facts={"images_trained": 0, "training_seconds": 0.0, "seconds": 0.0},
            )
        )
    write_json(folder / "config.json", config)
    return run


def _tell_what_next(workspace: Workspace, run: Run, console: Console) -> None:
    reference = find_reference(workspace)
    if reference is None:
        console.print(
            "No run was trained here to compare it with. After `make train`, `make report` does."
        )
        return
    claim = judge_claim(run, reference)
    style = "[yellow]Suspicious:[/] " if claim.is_suspicious else ""
    console.print(f"{style}{escape(str(claim))}")
    console.print(f'To blend both: `make submit EXPERIMENTS="{reference.name} {run.name}"`.')
