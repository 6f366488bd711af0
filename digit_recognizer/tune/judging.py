"""Compare the best trial with the original experiment on seeds that the search never used.

In: a study, new seeds. Out: runs of both with each seed, and a comparison. What always holds: a
seed decides folds and initial weights, so two compared networks were trained on the same images;
and each image counts once, however many seeds there are.
"""

from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console

from digit_recognizer.data.dataset import Digits, fingerprint_of, load_test, load_train
from digit_recognizer.experiments.best_of import name_best
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.text import to_dict
from digit_recognizer.learn.crossval import train_experiments
from digit_recognizer.report.index_page.wording import relate_p
from digit_recognizer.runs.folder import Run, read_config
from digit_recognizer.scores import LEVEL, exact_p
from digit_recognizer.tune.study import Terms, Trial, build_experiment, find_best_trial
from digit_recognizer.workspace import ProjectError, Workspace


@dataclass(frozen=True)
class Verdict:
    """The comparison on new seeds; errors are of all folds, one number for each seed."""

    seeds: list[int]
    images: int  # of each seed
    best_errors: list[int]
    original_errors: list[int]
    best_worse: int  # images that the best gets wrong with more seeds
    original_worse: int
    p: float

    @property
    def is_difference(self) -> bool:
        return self.p < LEVEL

    def __str__(self) -> str:
        text = "; ".join(
            f"seed {seed}: tuned {best:,} wrong, original {own:,}"
            for seed, best, own in zip(
                self.seeds, self.best_errors, self.original_errors, strict=True
            )
        )
        judged = "No significant difference"
        if self.is_difference:
            better = "better" if self.best_worse < self.original_worse else "worse"
            judged = f"The tuned values are significantly {better}"
        return f"On new seeds: {text}. {judged} (p {relate_p(self.p)})."


def train_for_judgement(
    workspace: Workspace,
    study: str,
    terms: Terms,
    trials: list[Trial],
    seeds: list[int],
    train: Digits,
    test: Digits,
    jobs: int | None,
    device: str,
    console: Console,
) -> None:
    """Train both with each seed, unless that is done already."""
    if not seeds or terms.experiment.seed in seeds or len(set(seeds)) < len(seeds):
        raise ProjectError(
            f"JUDGE={' '.join(map(str, seeds))}: expected different seeds, but not "
            f"{terms.experiment.seed}, which the trials were trained and chosen with."
        )
    best = find_best_trial(trials)
    if best is None or best.is_original:
        raise ProjectError(
            f"The study {study} has no trial yet that is better than the original experiment, so "
            "there is nothing to compare."
        )
    pairs = [judged_pair(study, terms, best, seed) for seed in seeds]
    label = f"{name_best(study)} against {terms.experiment.name}"
    wanted = [experiment for pair in pairs for experiment in pair]
    train_experiments(workspace, label, wanted, train, test, jobs, console, device=device)


def find_verdict(workspace: Workspace, study: str, terms: Terms, best: Trial) -> Verdict | None:
    """Return the comparison by the finished runs of this best trial, or None without any."""
    train, test = load_train(workspace), load_test(workspace)
    if best.is_original or fingerprint_of(train, test) != terms.data:
        return None
    labels = train.labels
    assert labels is not None
    seeds, best_wrong, own_wrong = [], [], []
    for seed in _trained_seeds(workspace, study, best):
        runs = [
            _find_run(workspace, each, terms.data) for each in judged_pair(study, terms, best, seed)
        ]
        if all(runs):
            of_best, of_own = (run.load_oof().argmax(axis=1) != labels for run in runs if run)
            seeds.append(seed)
            best_wrong.append(of_best)
            own_wrong.append(of_own)
    if not seeds:
        return None
    net = np.sum(best_wrong, axis=0, dtype=np.int64) - np.sum(own_wrong, axis=0, dtype=np.int64)
    best_worse, original_worse = int((net > 0).sum()), int((net < 0).sum())
    return Verdict(
        seeds=seeds,
        images=len(labels),
        best_errors=[int(wrong.sum()) for wrong in best_wrong],
        original_errors=[int(wrong.sum()) for wrong in own_wrong],
        best_worse=best_worse,
        original_worse=original_worse,
        p=exact_p(best_worse, original_worse),
    )


def judged_pair(study: str, terms: Terms, best: Trial, seed: int) -> tuple[Experiment, Experiment]:
    """Return both experiments with this seed, under names that no other trial has."""
    varied = build_experiment(terms, best)
    return (
        replace(varied, seed=seed, name=f"{_prefix(study, best)}{seed}"),
        replace(terms.experiment, seed=seed, name=f"{terms.experiment.name}-seed-{seed}"),
    )


def _prefix(study: str, best: Trial) -> str:
    return f"{name_best(study)}-{best.number}-seed-"


def _trained_seeds(workspace: Workspace, study: str, best: Trial) -> list[int]:
    prefix = _prefix(study, best)
    ends = [path.name.removeprefix(prefix) for path in workspace.runs.glob(f"{prefix}*")]
    return sorted(int(end) for end in ends if end.isdecimal())


def _find_run(workspace: Workspace, experiment: Experiment, data: str) -> Run | None:
    """Return the complete run of exactly this experiment and data, if there is one."""
    folder = workspace.runs / experiment.name
    config = read_config(folder)
    if not config or config["experiment"] != to_dict(experiment) or config["data"] != data:
        return None
    run = Run(folder, config)
    return run if run.is_complete else None
