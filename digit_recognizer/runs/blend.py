"""Blend runs: weighted averages of their probabilities.

In: complete runs of one data set. Out: blended out-of-fold and test probabilities. What always
holds: weights are either equal or, for each fold, fitted on the images of the others.
"""

from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from digit_recognizer.runs.folder import Run
from digit_recognizer.scores import Score, format_percent, score
from digit_recognizer.workspace import ProjectError

WEIGHTINGS = ("equal", "fitted")
_EM_STEPS = 200


@dataclass(frozen=True)
class Blend:
    members: dict[str, Score]
    weights: dict[str, float]
    oof: np.ndarray
    test: np.ndarray
    score: Score


def blend(runs: list[Run], labels: np.ndarray, weighting: str = "equal") -> Blend:
    """Average the runs' probabilities; with "fitted", by weights from the other folds' images."""
    require_common_data(runs)
    oof = np.stack([run.load_oof() for run in runs])
    test = np.stack([run.load_test() for run in runs])
    names = [run.name for run in runs]
    if weighting == "equal":
        weights = np.full(len(runs), 1 / len(runs))
        blended = _mix(oof, weights)
    elif weighting == "fitted":
        folds = _common_folds(runs)
        blended, weights = cross_fit(oof, labels, folds)
    else:
        raise ProjectError(f"WEIGHTS={weighting}; expected one of {', '.join(WEIGHTINGS)}.")
    return Blend(
        members={name: score(labels, own) for name, own in zip(names, oof, strict=True)},
        weights=dict(zip(names, weights.tolist(), strict=True)),
        oof=blended,
        test=_mix(test, weights),
        score=score(labels, blended),
    )


def blend_fold_by_fold(runs: list[Run], weights: dict[str, float]) -> list[np.ndarray]:
    """Return, for each fold that all runs have, what its networks alone make of the test part.

    A blend's test probabilities are of all folds' networks, its out-of-fold ones of one fold's;
    the difference is what the average over folds is worth.
    """
    shares = np.array([weights[run.name] for run in runs])
    folds = set.intersection(*(set(run.finished_folds) for run in runs))
    return [
        _mix(np.stack([run.load_fold_test(fold) for run in runs]), shares) for fold in sorted(folds)
    ]


def cross_fit(
    oof: np.ndarray, labels: np.ndarray, folds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return OOF probabilities, each fold's by weights fitted without it, and the mean weights."""
    blended = np.empty_like(oof[0])
    fitted = []
    for fold in np.unique(folds):
        inside = folds == fold
        weights = fit_weights(oof[:, ~inside], labels[~inside])
        blended[inside] = _mix(oof[:, inside], weights)
        fitted.append(weights)
    return blended, np.mean(fitted, axis=0)


def fit_weights(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the weights of most likelihood among those that sum to 1.

    Expectation maximisation for the shares of a mixture: no step size, never leaves the simplex,
    and never gets worse.
    """
    of_truth = probabilities[:, np.arange(len(labels)), labels].astype(np.float64) + 1e-12
    weights = np.full(len(probabilities), 1 / len(probabilities))
    for _ in range(_EM_STEPS):
        shares = weights[:, None] * of_truth
        weights = (shares / shares.sum(axis=0)).mean(axis=1)
    return weights


def average(members: list[np.ndarray]) -> np.ndarray:
    """Return the members' equal blend."""
    return _mix(np.stack(members), np.full(len(members), 1 / len(members)))


def _mix(probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    # Summed by size: means of float32 lie on a rounding boundary often enough, even in float64,
    # for the order of members to change a last bit, and with it who wins a tie.
    weighted = weights[:, None, None] * probabilities.astype(np.float64)
    return np.asarray(np.sort(weighted, axis=0).sum(axis=0), np.float32)


def require_common_data(runs: list[Run]) -> None:
    if not runs:
        raise ProjectError("There is nothing to blend: name at least one experiment.")
    for run in runs[1:]:
        if run.config["data"] != runs[0].config["data"]:
            raise ProjectError(
                f"{run.name} and {runs[0].name} were trained on different data; "
                "they cannot be blended. Train them again on what is in data/ (FRESH=1)."
            )


def _common_folds(runs: list[Run]) -> np.ndarray:
    folds = runs[0].folds
    for run in runs:
        if run.is_adopted and run.experiment.folds == 1:
            raise ProjectError(
                f"{run.name} was adopted without its folds, so weights cannot be cross-fitted. Use "
                f"WEIGHTS=equal, or adopt it again with FOLDS=."
            )
    for run in runs[1:]:
        if not np.array_equal(run.folds, folds):
            raise ProjectError(
                f"{run.name} and {runs[0].name} are divided into different folds, so weights "
                "cannot be cross-fitted; use WEIGHTS=equal or members with the same folds and seed."
            )
    return folds


def print_scores(blended: Blend, console: Console) -> None:
    table = Table(title="Out-of-fold scores", title_justify="left")
    table.add_column("experiment")
    for heading in ("weight", "accuracy", "errors", "95 % interval"):
        table.add_column(heading, justify="right")
    for name, own in blended.members.items():
        table.add_row(escape(name), f"{blended.weights[name]:.3f}", *_cells_of(own))
    if len(blended.members) > 1:
        table.add_row(
            "[bold]blend[/]", "", *(f"[bold]{cell}[/]" for cell in _cells_of(blended.score))
        )
    console.print(table)


def _cells_of(own: Score) -> tuple[str, ...]:
    return (
        format_percent(own.accuracy, 3),
        f"{own.errors:,} of {own.images:,}",
        own.errors_interval,
    )
