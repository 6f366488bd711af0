"""What the report suggests follows from the runs, with figures that can be computed again."""

import re
from dataclasses import replace

import numpy as np
import pytest

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train
from digit_recognizer.experiments.best_of import name_best, save_best
from digit_recognizer.experiments.named import EXPERIMENTS
from digit_recognizer.report.index_page.findings import find_all
from digit_recognizer.report.index_page.markdown import format_findings
from digit_recognizer.report.index_page.suggestions import Advice, Suggestion
from digit_recognizer.report.label_errors import find_suspected_labels
from digit_recognizer.runs.folder import Run, open_run
from digit_recognizer.scores import compare
from digit_recognizer.workspace import Workspace
from tests.made_up_runs import make_up_run
from tests.report.made_up_field import load_labels, train


def advice_on(workspace: Workspace) -> Advice:
    return find_all(workspace).advice


def named(advice: Advice, word: str) -> Suggestion | None:
    return next((each for each in advice.suggestions if word in each.what), None)


def wrong(runs: list[Run], labels: np.ndarray) -> np.ndarray:
    mean = np.mean([run.load_oof() for run in runs], axis=0)
    return np.asarray(mean.argmax(axis=1) != labels)


def test_a_blend_is_suggested_where_it_is_significantly_better(workspace: Workspace) -> None:
    labels = load_labels(workspace)
    first, second = (train(workspace, f"run{seed}", skill=1.5, seed=seed) for seed in (1, 2))
    if wrong([second], labels).sum() < wrong([first], labels).sum():
        first, second = second, first
    comparison = compare(wrong([first], labels), wrong([first, second], labels))
    assert comparison.p < 0.05, "the two err independently, so their blend is better"

    suggestion = named(advice_on(workspace), "Blend")

    assert suggestion is not None
    assert suggestion.command == f'make submit EXPERIMENTS="{first.name} {second.name}"'
    before, after = (int(wrong(runs, labels).sum()) for runs in ([first], [first, second]))
    assert f"{after} errors out of fold instead of {before}" in suggestion.evidence
    both = (wrong([first], labels) & wrong([second], labels)).sum()
    either = (wrong([first], labels) | wrong([second], labels)).sum()
    assert f"{round(100 * both / either)} % of the images" in suggestion.evidence


def test_what_may_be_chance_is_called_so_and_not_suggested(workspace: Workspace) -> None:
    train(workspace, "one", skill=4.0, seed=1)
    train(workspace, "two", skill=4.0, seed=2)
    advice = advice_on(workspace)
    assert named(advice, "Blend") is None
    told = " ".join(advice.notes)
    assert "may be chance" in told or "No other run makes" in told
    assert "No significant difference between" in told


def test_a_second_seed_is_suggested_where_folds_disagree(workspace: Workspace) -> None:
    # Made-up folds predict the test images independently, so their average differs from each.
    run = train(workspace, "alone", skill=2.0, seed=1)
    suggestion = named(advice_on(workspace), "another seed")
    assert suggestion is not None
    assert suggestion.command == 'make train EXPERIMENTS=alone SET="seed=1" NAME=alone-s1'
    together = run.load_test().argmax(axis=1)
    differ = np.mean([(run.load_fold_test(f).argmax(axis=1) != together).sum() for f in range(3)])
    assert f"for {differ:,.0f} of the {len(together)} test images" in suggestion.evidence


def test_with_two_seeds_their_blend_decides(workspace: Workspace) -> None:
    labels = load_labels(workspace)
    runs = [
        make_seed(workspace, "first", seed=0, skill=1.5),
        make_seed(workspace, "second", seed=1, skill=1.5),
    ]
    best = min(runs, key=lambda run: wrong([run], labels).sum())
    comparison = compare(wrong([best], labels), wrong(runs, labels))
    assert comparison.p < 0.05
    suggestion = named(advice_on(workspace), "one more seed")
    assert suggestion is not None
    assert 'SET="seed=2"' in suggestion.command
    assert f"make {wrong(runs, labels).sum()} errors when blended" in suggestion.evidence


def make_seed(workspace: Workspace, name: str, seed: int, skill: float) -> Run:
    digits, test_digits = load_train(workspace), load_test(workspace)
    run = make_up_run(
        workspace,
        name,
        labels=digits.labels,
        data=fingerprint_of(digits, test_digits),
        test_images=len(test_digits),
        skill=skill,
        seed=seed + 10,
    )
    changed = replace(run.experiment, seed=seed)
    text = (run.folder / "config.json").read_text()
    (run.folder / "config.json").write_text(text.replace('"seed": 0', f'"seed": {changed.seed}'))
    return open_run(workspace, name)


def test_labels_are_suggested_as_the_page_lists_them(workspace: Workspace) -> None:
    run = train(workspace, "alone", skill=5.0, seed=1)
    suspected = find_suspected_labels(load_labels(workspace), run.load_oof())
    suggestion = named(advice_on(workspace), "may be wrong")
    assert (suggestion is None) == (not suspected)
    if suggestion:
        assert f"Look at {len(suspected)} label" in suggestion.what
        assert suggestion.command == "make explore"


@pytest.mark.parametrize("improved", [True, False])
def test_a_search_that_found_something_is_to_be_checked_on_new_seeds(
    workspace: Workspace, improved: bool
) -> None:
    train(workspace, "alone", skill=3.0, seed=1)
    original = EXPERIMENTS["stages-short"]
    best = replace(original, learning_rate=original.learning_rate * 1.5) if improved else original
    save_best(workspace, "mine", 4, best)
    suggestion = named(advice_on(workspace), "search mine")
    assert (suggestion is not None) == improved
    if suggestion:
        assert suggestion.command == 'make tune STUDY=mine JUDGE="1 2"'
        assert "learning_rate=" in suggestion.evidence
    assert name_best("mine") not in [each.name for each in find_all(workspace).field.candidates]


def test_there_are_three_at_most_and_none_without_data(workspace: Workspace) -> None:
    for seed in range(1, 5):
        train(workspace, f"run{seed}", skill=1.2, seed=seed)
    save_best(workspace, "mine", 4, replace(EXPERIMENTS["stages-short"], epochs=9))
    findings = find_all(workspace)
    assert len(findings.advice.suggestions) == 3
    text = format_findings(findings)
    for each in findings.advice.suggestions:
        assert each.command in text
    assert len(re.findall(r"^\d\. ", text, re.MULTILINE)) == 3

    (workspace.data / "train.csv").unlink()
    assert advice_on(workspace) == Advice([], [])
