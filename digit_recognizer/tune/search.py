"""Run trials side by side until the budget is used.

In: an experiment's name, a budget, a storage. Out: a study with its trials, and `best.json`. What
always holds: any number of processes can work on one study at a time, each can be killed, and the
same command continues.
"""

import threading
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
from rich.console import Console

from digit_recognizer.data.dataset import Digits, fingerprint_of, load_test, load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.experiments.best_of import save_best, study_folder
from digit_recognizer.experiments.experiment import Experiment
from digit_recognizer.experiments.spaces import Space, Value, find_space
from digit_recognizer.experiments.text import resolve_experiment
from digit_recognizer.learn.engine import Engine
from digit_recognizer.learn.gpu.engine import GpuEngine, choose_gpus
from digit_recognizer.tune.budget import Budget
from digit_recognizer.tune.fitter import Fitter
from digit_recognizer.tune.live_processes import holding, requeue_abandoned
from digit_recognizer.tune.progress import Board
from digit_recognizer.tune.storage import alone, explaining, open_storage
from digit_recognizer.tune.study import (
    SAMPLERS,
    Terms,
    Trial,
    ask,
    build_experiment,
    find_best_trial,
    open_study,
    read_choice,
    read_trials,
    study_lock,
)
from digit_recognizer.tune.trial import run_trial
from digit_recognizer.workspace import ProjectError, Workspace, require_writable

_TICK = 0.2  # seconds


def search(
    workspace: Workspace,
    experiment: str,
    study: str,
    budget: Budget,
    address: str | None,
    folds: list[int] | None,
    jobs: int | None,
    device: str,
    sampler: str,
    console: Console,
) -> None:
    """Run trials until the budget is used."""
    varied = resolve_experiment(experiment, [], None)
    space = find_space(varied)
    train, test = load_train(workspace), load_test(workspace)
    terms = _settle_terms(varied, space, fingerprint_of(train, test), folds, sampler)
    folder = study_folder(workspace, study)
    require_writable(folder)
    with explaining(address):
        with alone(study_lock(folder)):
            # Two processes must not create a database's tables at the same time.
            opened = open_study(open_storage(address, folder), study, terms)
        work = _Work(workspace, study, opened, terms, budget, train, address is None, console)
        work.run(jobs, device)


def _settle_terms(
    experiment: Experiment, space: Space, data: str, folds: list[int] | None, sampler: str
) -> Terms:
    if sampler not in SAMPLERS:
        raise ProjectError(f"SAMPLER={sampler}; expected one of {', '.join(SAMPLERS)}.")
    wanted = tuple(sorted(set((0, 1) if folds is None else folds)))
    if not wanted or not set(wanted) <= set(range(experiment.folds)):
        raise ProjectError(
            f"FOLDS={list(wanted)}; {experiment.name} has 0 to {experiment.folds - 1}."
        )
    return Terms(experiment, space, wanted, data, sampler)


class _Work:
    """What one command does for a study."""

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        study: Any,
        terms: Terms,
        budget: Budget,
        train: Digits,
        shares_folder: bool,
        console: Console,
    ) -> None:
        assert train.labels is not None
        self._workspace, self._name, self._study, self._terms = workspace, name, study, terms
        self._budget, self._shares_folder, self._console = budget, shares_folder, console
        self._folder = study_folder(workspace, name)
        experiment = terms.experiment
        folds = assign_folds(train.labels, experiment.folds, experiment.seed)
        self._fold_sizes = np.bincount(folds, minlength=experiment.folds)
        self._images = sum(len(train) - int(self._fold_sizes[fold]) for fold in terms.folds)
        self._is_over = threading.Event()

    def run(self, jobs: int | None, device: str) -> None:
        engine: Engine | GpuEngine | None = choose_gpus(
            self._workspace, device, jobs, self._console
        )
        if jobs is not None:
            engine = Engine.with_jobs(jobs)
        known = self._begin()
        if not self._budget.allows(known, self._passes_of({})):
            self._note_best()
            self._console.print(
                f"{self._name}: its {self._budget} are used already; nothing is left to do."
            )
            return
        engine = engine or self._choose_engine(known)
        terms = self._terms
        self._console.print(
            f"{self._name}: {self._budget} of {terms.experiment.name}, {len(terms.space)} values "
            f"to choose by {terms.sampler}, judged on fold {' and '.join(map(str, terms.folds))}; "
            f"{engine}"
        )
        board = Board(self._name, terms.experiment, terms.space, self._budget, known, self._console)
        with ExitStack() as stack:
            holder = stack.enter_context(holding(self._folder))
            threads = stack.enter_context(ThreadPoolExecutor(len(engine.cards)))
            # Ends before the threads do, because they wait for these processes.
            fitters = [
                stack.enter_context(Fitter(self._workspace, engine.threads, card))
                for card in engine.cards
            ]
            stack.callback(self._is_over.set)
            precision = self._settle_precision(fitters[0])
            stack.enter_context(board)
            _wait_for(
                [threads.submit(self._work, each, precision, holder, board) for each in fitters],
                board,
            )

    def _work(self, fitter: Fitter, precision: str, holder: str, board: Board) -> None:
        """Run trials one after another until no more are allowed."""
        while (asked := self._next(holder)) is not None:
            trial, place = asked
            chosen = read_choice(trial, self._terms.space)
            board.begin(trial.number, place, chosen, self._passes_of(chosen))
            run_trial(
                self._study,
                trial,
                self._terms,
                self._fold_sizes,
                precision,
                fitter,
                partial(board.show, trial.number),
            )
            board.end(trial.number, place, self._note_best())

    def _begin(self) -> list[Trial]:
        with alone(study_lock(self._folder)):
            for number in requeue_abandoned(self._study, self._folder, self._shares_folder):
                self._console.print(
                    f"{self._name}: the process of trial {number} has ended; its values are tried "
                    "again."
                )
            return read_trials(self._study, self._terms)

    def _next(self, holder: str) -> tuple[Any, int] | None:
        """Return the next trial and its place among those that count, or None."""
        with alone(study_lock(self._folder)):
            requeue_abandoned(self._study, self._folder, self._shares_folder)
            known = read_trials(self._study, self._terms)
            if self._is_over.is_set() or not self._budget.allows(known, self._passes_of({})):
                return None
            return ask(self._study, self._terms, holder), sum(each.counts for each in known) + 1

    def _note_best(self) -> list[Trial]:
        """Save the best trial so far; return all trials."""
        with alone(study_lock(self._folder)):
            known = read_trials(self._study, self._terms)
            best = find_best_trial(known)
            if best:
                experiment = build_experiment(self._terms, best)
                save_best(self._workspace, self._name, best.number, experiment)
        return known

    def _passes_of(self, chosen: dict[str, Value]) -> int:
        """Return how many image passes a trial needs if it is not pruned."""
        epochs = chosen.get("epochs", self._terms.experiment.epochs)
        assert isinstance(epochs, int)
        return self._images * epochs

    def _choose_engine(self, known: list[Trial]) -> Engine:
        left = self._budget.trials_left(known, self._passes_of({}))
        return Engine.that_suits(left, left * self._passes_of({}))

    def _settle_precision(self, fitter: Fitter) -> str:
        """Return the experiment's precision, or else the study's, or else the fastest one here."""
        if self._terms.experiment.precision != "auto":
            return self._terms.experiment.precision
        with alone(study_lock(self._folder)):
            if "precision" not in self._study.user_attrs:
                self._study.set_user_attr("precision", fitter.find_fast_precision())
            return str(self._study.user_attrs["precision"])


def _wait_for(working: list[Future[None]], board: Board) -> None:
    """Update the display until all are done, or one has failed."""
    pending = set(working)
    while pending:
        done, pending = wait(pending, timeout=_TICK, return_when=FIRST_EXCEPTION)
        for each in done:
            each.result()
        board.tick()
