"""The page of a study shows what is stored, in a browser of any width."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from digit_recognizer.data.dataset import load_train
from digit_recognizer.data.folds import assign_folds
from digit_recognizer.experiments import named
from digit_recognizer.experiments.experiment import Augmentation, ConvStages, Experiment
from digit_recognizer.experiments.spaces import SPACES, apply
from digit_recognizer.tune.judging import Verdict, find_verdict, judged_pair
from digit_recognizer.tune.page.write import as_code, write_page
from digit_recognizer.tune.study import Trial, build_experiment, find_best_trial, read_trials
from digit_recognizer.workspace import Workspace
from tests.browser import PHONE, open_file, require_no_sideways_scrolling
from tests.made_up_runs import make_fold_result, open_made_up
from tests.tune.studies import begin_study, make_up_study, settle_terms


@pytest.fixture(scope="module")
def told(
    _installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Workspace, list[Trial]]:
    """A made-up study and its page, read only."""
    root = tmp_path_factory.mktemp("told") / "work space"
    shutil.copytree(_installed, root)
    workspace = Workspace(root)
    study = make_up_study(workspace, trials=16)
    assert write_page(workspace, "tiny", study) == workspace.reports / "tune-tiny.html"
    return workspace, read_trials(study, settle_terms(workspace))


@pytest.fixture
def page(tab: Page, told: tuple[Workspace, list[Trial]]) -> Page:
    open_file(tab, told[0].reports / "tune-tiny.html")
    return tab


def test_the_page_starts_with_the_best_trial_and_a_warning(
    page: Page, told: tuple[Workspace, list[Trial]]
) -> None:
    best = find_best_trial(told[1])
    assert best and not best.is_original
    assert f"{best.errors} wrong (trial {best.number})" in page.locator(".lead").inner_text()
    warning = page.locator(".warning").inner_text()
    assert "too optimistic" in warning
    assert re.search(r"by about \d+ errors", warning)
    assert 'make tune STUDY=tiny JUDGE="1 2"' in warning


def test_the_table_has_every_trial_and_can_be_sorted(
    page: Page, told: tuple[Workspace, list[Trial]]
) -> None:
    rows = page.locator("#all-trials tbody tr")
    assert rows.count() == len(told[1])
    page.locator("#all-trials thead button", has_text="errors").click()
    shown = [rows.nth(place).locator("td").nth(2).inner_text() for place in range(rows.count())]
    errors = sorted(trial.errors for trial in told[1] if trial.errors is not None)
    assert [int(each) for each in shown if each] == errors
    assert shown[: len(errors)] == [str(each) for each in errors], "pruned ones come last"
    assert "<diverged> & is over" in page.locator("#all-trials").inner_text()
    assert "the original experiment" in page.locator("#all-trials").inner_text()


def test_every_value_has_its_plot(page: Page) -> None:
    spoken = page.locator(".slices svg").evaluate_all("all => all.map(e => e.ariaLabel)")
    assert len(spoken) == len(SPACES["dense-128-128"])
    for key in SPACES["dense-128-128"]:
        assert any(each.startswith(f"Errors against {key}. ") for each in spoken), key
    assert page.get_by_role("img", name="Importances: ").count() == 1


def test_the_page_fits_a_phone(page: Page) -> None:
    page.set_viewport_size(PHONE)
    require_no_sideways_scrolling(page)


def test_a_study_without_finished_trials_has_a_page(workspace: Workspace, tab: Page) -> None:
    study, _ = begin_study(workspace)
    open_file(tab, write_page(workspace, "tiny", study))
    assert "No trial is finished yet" in tab.locator("body").inner_text()


def test_few_trials_give_no_importances(workspace: Workspace, tab: Page) -> None:
    open_file(tab, write_page(workspace, "tiny", make_up_study(workspace, trials=4)))
    assert (
        "Needs at least 8 finished trials with differing errors" in tab.locator("body").inner_text()
    )


def train_made_up(workspace: Workspace, experiment: Experiment, skill: float) -> None:
    """Make a run as training would; with more skill it has fewer errors."""
    train = load_train(workspace)
    assert train.labels is not None
    folds = assign_folds(train.labels, experiment.folds, experiment.seed)
    run = open_made_up(
        workspace,
        experiment,
        labels=train.labels,
        data_fingerprint=settle_terms(workspace).data,
        folds=folds,
    )
    for fold in range(experiment.folds):
        run.save_fold(make_fold_result(fold, train.labels, folds, skill, seed=experiment.seed))
    run.finish(train.labels)


@pytest.fixture
def judged(workspace: Workspace, told: tuple[Workspace, list[Trial]]) -> tuple[Workspace, Trial]:
    """A copy of the study whose best trial was trained with two new seeds, and was worse."""
    shutil.copytree(told[0].studies, workspace.studies)
    best = find_best_trial(told[1])
    assert best
    for seed in (1, 2):
        pair = judged_pair("tiny", settle_terms(workspace), best, seed)
        for experiment, skill in zip(pair, (1.5, 4.0), strict=True):
            train_made_up(workspace, experiment, skill)
    return workspace, best


def find(workspace: Workspace, best: Trial) -> Verdict | None:
    return find_verdict(workspace, "tiny", settle_terms(workspace), best)


def test_the_comparison_counts_each_image_once(judged: tuple[Workspace, Trial]) -> None:
    workspace, best = judged
    verdict = find(workspace, best)
    assert verdict
    labels = load_train(workspace).labels
    assert labels is not None
    net = np.zeros(len(labels), int)
    for place, seed in enumerate(verdict.seeds):
        names = [each.name for each in judged_pair("tiny", settle_terms(workspace), best, seed)]
        of_best, of_own = (
            np.load(workspace.runs / name / "oof.npy").argmax(axis=1) != labels for name in names
        )
        assert verdict.best_errors[place] == of_best.sum()
        assert verdict.original_errors[place] == of_own.sum()
        net += of_best.astype(int) - of_own
    assert verdict.seeds == [1, 2]
    assert (verdict.best_worse, verdict.original_worse) == ((net > 0).sum(), (net < 0).sum())
    assert verdict.best_worse + verdict.original_worse <= verdict.images == len(labels)
    assert verdict.is_difference
    assert "The tuned values are significantly worse" in str(verdict)


def test_the_page_has_the_comparison_on_new_seeds(
    judged: tuple[Workspace, Trial], tab: Page
) -> None:
    workspace, best = judged
    study, _ = begin_study(workspace)
    open_file(tab, write_page(workspace, "tiny", study))
    verdict = find(workspace, best)
    assert verdict
    rows = tab.locator("#verdict tbody tr")
    assert rows.count() == 2
    cells = rows.first.locator("td").all_inner_texts()
    assert cells[:3] == ["1", str(verdict.best_errors[0]), str(verdict.original_errors[0])]
    assert "The tuned values are significantly worse (p" in tab.locator("main").inner_text()
    assert "compared with new seeds below" in tab.locator(".warning").inner_text()


def test_runs_of_other_experiments_or_data_do_not_count(judged: tuple[Workspace, Trial]) -> None:
    workspace, best = judged
    terms = settle_terms(workspace)
    assert find_verdict(workspace, "tiny", replace(terms, data="other"), best) is None
    assert find_verdict(workspace, "other", terms, best) is None
    assert find_verdict(workspace, "tiny", terms, replace(best, number=99)) is None
    shutil.rmtree(workspace.runs / judged_pair("tiny", terms, best, 1)[1].name / "fold-0")
    verdict = find(workspace, best)
    assert verdict and verdict.seeds == [2]


@pytest.mark.parametrize("name", SPACES)
def test_the_code_to_paste_makes_the_same_experiment(name: str) -> None:
    own = named.EXPERIMENTS[name]
    ends = {key: range_.ends[0] for key, range_ in SPACES[name].items()}
    for experiment in (own, apply(own, ends)):
        assert eval(as_code(experiment), vars(named)) == experiment


def test_the_code_has_only_what_differs() -> None:
    stages = Experiment("mine", ConvStages(dropout_rate=0.1), epochs=12)
    assert as_code(replace(stages, pixels="unit", augmentation=Augmentation(shift=2.0))) == (
        'Experiment(\n    "mine",\n    ConvStages(dropout_rate=0.1),\n'
        "    augmentation=Augmentation(shift=2.0),\n    epochs=12,\n)"
    )


def test_the_code_on_the_page_is_that_of_the_best_trial(
    told: tuple[Workspace, list[Trial]],
) -> None:
    workspace, trials = told
    best = find_best_trial(trials)
    assert best
    text = (workspace.reports / "tune-tiny.html").read_text()
    experiment = build_experiment(settle_terms(workspace), best)
    assert as_code(replace(experiment, name="best-of-tiny")).replace('"', "&#34;") in text
