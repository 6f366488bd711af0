"""`make tune`: run trials, or judge the best of them; then write the page.

In: what was asked for. Out: a study, `best.json`, `reports/tune-<study>.html`, and what to do next.
What always holds: the page shows the study as it is stored, whichever process ran its trials.
"""

from typing import Any

from rich.console import Console

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train
from digit_recognizer.experiments.best_of import name_best, require_study_name, study_folder
from digit_recognizer.tune.budget import Budget
from digit_recognizer.tune.judging import find_verdict, train_for_judgement
from digit_recognizer.tune.page.write import write_page
from digit_recognizer.tune.search import search
from digit_recognizer.tune.storage import explaining, journal_of, open_storage
from digit_recognizer.tune.study import (
    find_best_trial,
    find_original_trial,
    load_study,
    read_terms,
    read_trials,
)
from digit_recognizer.workspace import ProjectError, Workspace


def tune(
    workspace: Workspace,
    experiment: str | None,
    study: str | None,
    trials: int | None,
    passes: int | None,
    storage: str | None,
    folds: list[int] | None,
    jobs: int | None,
    device: str,
    sampler: str,
    judge: list[int] | None,
    console: Console,
) -> None:
    name = study or experiment
    if not name:
        raise ProjectError(
            "Name what to vary, as in `make tune EXPERIMENT=stages-short TRIALS=20`."
        )
    require_study_name(name)
    if judge is not None:
        _judge(workspace, name, storage, judge, jobs, device, console)
    elif experiment:
        budget = Budget.of(trials, passes)
        search(workspace, experiment, name, budget, storage, folds, jobs, device, sampler, console)
    else:
        raise ProjectError("A search needs an EXPERIMENT; STUDY alone goes with JUDGE.")
    _report(workspace, name, storage, console)


def _judge(
    workspace: Workspace,
    name: str,
    address: str | None,
    seeds: list[int],
    jobs: int | None,
    device: str,
    console: Console,
) -> None:
    with explaining(address):
        study = _load(workspace, name, address)
        terms = read_terms(study)
        trials = read_trials(study, terms)
    train, test = load_train(workspace), load_test(workspace)
    if fingerprint_of(train, test) != terms.data:
        raise ProjectError(
            f"The study {name} is about other data than those in {workspace.data}; its best trial "
            "must be compared on the same images."
        )
    train_for_judgement(workspace, name, terms, trials, seeds, train, test, jobs, device, console)


def _report(workspace: Workspace, name: str, address: str | None, console: Console) -> None:
    with explaining(address):
        study = _load(workspace, name, address)
        page = write_page(workspace, name, study)
        terms = read_terms(study)
        trials = read_trials(study, terms)
    best = find_best_trial(trials)
    verdict = find_verdict(workspace, name, terms, best) if best else None
    if best and best.is_original:
        console.print(f"Nothing better than the original was found: {best.errors:,} wrong.")
    elif best:
        original = find_original_trial(trials)
        text = f"; the original experiment: {original.errors:,}" if original else ""
        console.print(f"Best: trial {best.number}, {best.errors:,} wrong{text}.")
    console.print(f"Written: {workspace.show(page)}")
    if verdict:
        console.print(str(verdict))
    elif best and not best.is_original:
        seeds = f"{terms.experiment.seed + 1} {terms.experiment.seed + 2}"
        where = " STORAGE=..." if address else ""
        console.print(
            "The score of the best of many trials is too optimistic. Compare it with new seeds:\n"
            f'  make tune STUDY={name} JUDGE="{seeds}"{where}',
            markup=False,
        )
    if best and not best.is_original:
        console.print(f"To train it on all folds: make train EXPERIMENTS={name_best(name)}")


def _load(workspace: Workspace, name: str, address: str | None) -> Any:
    folder = study_folder(workspace, name)
    if address is None and not journal_of(folder).exists():
        raise ProjectError(
            f"There is no study {name!r} in {workspace.studies}. `make tune EXPERIMENT=...` starts "
            "one."
        )
    return load_study(open_storage(address, folder), name)
