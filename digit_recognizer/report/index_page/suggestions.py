"""What to do next, by the figures that are there.

In: the candidates, the best of them, the workspace. Out: at most three suggestions, each with its
evidence and a command, and what is no reason to do anything. What always holds: a suggestion that
rests on a difference rests on a significant one; where differences may be chance, that is said.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from digit_recognizer.experiments.best_of import find_best, name_best
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.experiments.text import find_variation
from digit_recognizer.report.index_page.blends import jaccard
from digit_recognizer.report.index_page.candidates import Candidate, Field
from digit_recognizer.report.index_page.pairs import adjust
from digit_recognizer.report.index_page.wording import relate_p
from digit_recognizer.report.label_errors import find_suspected_labels
from digit_recognizer.runs.adopt import judge_claim
from digit_recognizer.runs.blend import average
from digit_recognizer.runs.folder import Run
from digit_recognizer.scores import LEVEL, Comparison, compare, format_percent
from digit_recognizer.workspace import ProjectError, Workspace

_MOST = 3
# One fold's networks differ from the average of all on at least so large a part of the error rate.
_WORTH_AVERAGING = 0.5


@dataclass(frozen=True)
class Suggestion:
    what: str
    evidence: str
    command: str


@dataclass(frozen=True)
class Advice:
    suggestions: list[Suggestion]
    notes: list[str]  # what looks like a reason and is none


def advise(
    workspace: Workspace, field: Field, best: Candidate | None, level: list[Candidate]
) -> Advice:
    """Return what the runs suggest; nothing where no complete run is of the data in data/."""
    if best and all(run.is_adopted for run in best.runs):
        # Somebody's claim is nothing to build on; what was trained here is.
        own = (each for each in field.candidates if each.is_complete and each.predictions)
        best = next((each for each in own if each.is_trained_here), best)
    if best is None or field.train is None or field.train.labels is None:
        return Advice([], [])
    labels = field.train.labels
    found: list[Suggestion] = []
    notes: list[str] = []
    for suggestion, note in (
        _suggest_member(best, field.candidates, labels),
        _suggest_search(workspace, field.candidates, labels),
        _suggest_seed(best, field.candidates, labels),
        _suggest_labels(best, labels),
    ):
        found += [suggestion] if suggestion else []
        notes += [note] if note else []
    if names := ", ".join(each.name for each in level if each is not best):
        notes.append(
            f"No significant difference between {best.name} and {names} on these images: which of "
            "them comes first may be chance."
        )
    return Advice(found[:_MOST], notes)


Found = tuple[Suggestion | None, str]


def _suggest_member(best: Candidate, candidates: list[Candidate], labels: np.ndarray) -> Found:
    """Return the run whose blend with the best makes the fewest errors, if significantly fewer."""
    own = [run.load_oof() for run in best.runs]
    wrong = average(own).argmax(axis=1) != labels
    tried: list[tuple[Run, Comparison, float]] = []
    for run in _complete_runs(candidates):
        if any(run.name == member.name for member in best.runs) or _is_suspicious(run, best):
            continue
        blended = average([*own, run.load_oof()]).argmax(axis=1) != labels
        overlap = float(jaccard(np.stack([wrong, _wrong(run, labels)]))[0, 1])
        tried.append((run, compare(wrong, blended), overlap))
    if not tried:
        return None, ""
    adjusted = adjust([comparison.p for _, comparison, _ in tried])
    (run, comparison, overlap), p = min(
        zip(tried, adjusted, strict=True), key=lambda each: (-each[0][1].difference, each[0][2])
    )
    if comparison.difference <= 0:
        return None, f"No other run makes {best.name} better when it is blended in."
    before = int(wrong.sum())
    gain = (
        f"{before - comparison.difference:,} errors out of fold instead of {before:,} "
        f"(p {relate_p(p)}{f', corrected for {len(tried)} runs tried' if tried[1:] else ''})"
    )
    shared = f"{format_percent(overlap)} of the images that either gets wrong, both do"
    if p >= LEVEL:
        return None, f"Blending {run.name} into {best.name} makes {gain}; that may be chance."
    names = " ".join([*(member.name for member in best.runs), run.name])
    return (
        Suggestion(
            f"Blend {run.name} into {best.name}.",
            f"Together they make {gain}; {shared}.",
            f'make submit EXPERIMENTS="{names}"',
        ),
        "",
    )


def _suggest_search(workspace: Workspace, candidates: list[Candidate], labels: np.ndarray) -> Found:
    """Return a check of a search that found something, or its continuation if that was right."""
    runs = {run.name: run for run in _complete_runs(candidates)}
    for path in sorted(workspace.studies.glob("*/best.json")):
        study = path.parent.name
        with contextlib.suppress(ProjectError):
            experiment = find_best(workspace, name_best(study))
            if experiment is None or experiment in (
                replace(known, name=experiment.name) for known in EXPERIMENTS.values()
            ):
                continue  # nothing better than the experiment itself was found
            variation = find_variation(experiment, f"{study}-again")
            if variation is None:
                continue
            base, settings = variation
            changes = ", ".join(settings)
            best = runs.get(name_best(study))
            if best is None:
                return (
                    Suggestion(
                        f"Compare the best trial of the search {study} on new seeds.",
                        f"On its folds it was better than {base} ({changes}); the best of many "
                        "trials is partly chance.",
                        f'make tune STUDY={study} JUDGE="1 2"',
                    ),
                    "",
                )
            if base in runs:
                comparison = compare(_wrong(runs[base], labels), _wrong(best, labels))
                if comparison.difference > 0 and comparison.p < LEVEL:
                    return (
                        Suggestion(
                            f"Go on with the search {study}.",
                            f"{best.name} makes {comparison.difference:,} errors fewer than {base} "
                            f"(p {relate_p(comparison.p)}).",
                            f"make tune EXPERIMENT={base} STUDY={study} TRIALS=20",
                        ),
                        "",
                    )
    return None, ""


def _suggest_seed(best: Candidate, candidates: list[Candidate], labels: np.ndarray) -> Found:
    """Return another seed of the best run, where averaging more networks promises something."""
    members = [run for run in best.runs if not run.is_adopted]
    if not members:
        return None, ""
    run = min(members, key=lambda member: int(_wrong(member, labels).sum()))
    twins = [
        other
        for other in _complete_runs(candidates)
        if other.experiment.seed != run.experiment.seed
        and replace(other.experiment, name=run.name, seed=run.experiment.seed) == run.experiment
    ]
    seeds = {other.experiment.seed for other in [run, *twins]}
    seed = next(number for number in range(1, 1000) if number not in seeds)
    command = f'make train EXPERIMENTS={run.name} SET="seed={seed}" NAME={run.name}-s{seed}'
    if twins:
        wrong = [_wrong(each, labels) for each in [run, *twins]]
        together = average([each.load_oof() for each in [run, *twins]]).argmax(axis=1) != labels
        comparison = compare(wrong[0], together)
        told = (
            f"{len(wrong)} seeds of {run.name} make {int(together.sum()):,} errors when blended, "
            f"{run.name} alone {int(wrong[0].sum()):,} (p {relate_p(comparison.p)})"
        )
        if comparison.difference > 0 and comparison.p < LEVEL:
            return Suggestion(f"Train {run.name} with one more seed.", f"{told}.", command), ""
        return None, f"{told}: more seeds promise little."
    share, images = _differ_by_fold(run), len(run.load_test())
    error_rate = _wrong(run, labels).mean()
    if share < _WORTH_AVERAGING * error_rate:
        return None, ""
    return (
        Suggestion(
            f"Train {run.name} with another seed, and blend both.",
            f"The network of one fold predicts another digit than the average of all "
            f"{run.experiment.folds} for {share * images:,.0f} of the {images:,} test images "
            f"({format_percent(share, 2)}); it is wrong on {format_percent(error_rate, 2)}, "
            "so averaging matters here. A second seed shows out of fold whether more of it helps; "
            f"training {run.name} took {run.metrics['seconds'] / 60:,.1f} minutes of one process.",
            command,
        ),
        "",
    )


def _suggest_labels(best: Candidate, labels: np.ndarray) -> Found:
    probabilities = average([run.load_oof() for run in best.runs])
    suspected = len(find_suspected_labels(labels, probabilities))
    errors = int((probabilities.argmax(axis=1) != labels).sum())
    if not suspected:
        return None, ""
    return (
        Suggestion(
            f"Look at {suspected:,} label{'s' * (suspected > 1)} that may be wrong.",
            f"{best.name}, which never saw these images, gives another digit as much probability "
            f"as that digit's own images get on average. It makes {errors:,} errors in all; no "
            "training removes those that are errors of the label.",
            "make explore",
        ),
        "",
    )


def _complete_runs(candidates: list[Candidate]) -> Iterator[Run]:
    for each in candidates:
        if each.is_complete and each.predictions and not each.is_lineup:
            yield each.runs[0]


def _is_suspicious(run: Run, best: Candidate) -> bool:
    reference = next((member for member in best.runs if not member.is_adopted), None)
    return run.is_adopted and bool(reference and judge_claim(run, reference).is_suspicious)


def _wrong(run: Run, labels: np.ndarray) -> np.ndarray:
    return np.asarray(run.load_oof().argmax(axis=1) != labels)


def _differ_by_fold(run: Run) -> float:
    """Return for which part of the test images one fold's network differs from the average."""
    together = run.load_test().argmax(axis=1)
    return float(
        np.mean(
            [
                (run.load_fold_test(fold).argmax(axis=1) != together).mean()
                for fold in run.finished_folds
            ]
        )
    )
