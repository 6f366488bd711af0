"""A blend's weights are equal, or they come from images that they are not judged on."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest

from digit_recognizer.runs.blend import blend, cross_fit, fit_weights
from digit_recognizer.runs.folder import Run
from digit_recognizer.scores import score
from digit_recognizer.workspace import ProjectError, Workspace
from tests.made_up_runs import (
    FOLDS,
    make_fold_result,
    make_folds,
    make_labels,
    make_probabilities,
    make_up_run,
)

LABELS = make_labels()
FOLDS_OF_IMAGES = make_folds(len(LABELS))


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def members(empty: Workspace) -> list[Run]:
    return [
        make_up_run(empty, name, skill=skill, seed=seed)
        for seed, (name, skill) in enumerate([("poor", 0.5), ("good", 3.0), ("fair", 1.5)])
    ]


@pytest.mark.parametrize("weighting", ["equal", "fitted"])
def test_a_blend_of_one_is_itself(members: list[Run], weighting: str) -> None:
    blended = blend(members[:1], LABELS, weighting)
    assert blended.weights == {"poor": 1.0}
    assert blended.oof.tobytes() == members[0].load_oof().tobytes()
    assert blended.test.tobytes() == members[0].load_test().tobytes()
    assert blended.score == blended.members["poor"] == score(LABELS, members[0].load_oof())


def test_equal_weights_give_the_same_bytes_in_whatever_order(members: list[Run]) -> None:
    results = {
        (blended.oof.tobytes(), blended.test.tobytes(), blended.score)
        for order in itertools.permutations(members)
        for blended in [blend(list(order), LABELS)]
    }
    assert len(results) == 1


def test_digits_with_equal_votes_are_equally_likely(members: list[Run]) -> None:
    # Every digit gets the same three probabilities, each time from other members.
    votes = np.random.default_rng(0).random((40, 3)).astype(np.float32)
    orders = list(itertools.permutations(range(3)))
    probabilities = np.stack(
        [[row[list(orders[digit % 6])] for digit in range(10)] for row in votes]
    )
    folds = members[0].folds
    for number, member in enumerate(members):
        for fold in range(FOLDS):
            result = make_fold_result(fold, LABELS, folds)
            test = np.ascontiguousarray(probabilities[:, :, number])
            member.save_fold(dataclasses.replace(result, test=test))
    test = blend(members, LABELS).test
    assert (test == test[:, :1]).all()


def test_equal_weights_give_the_mean(members: list[Run]) -> None:
    blended = blend(members, LABELS)
    assert blended.weights == pytest.approx({"poor": 1 / 3, "good": 1 / 3, "fair": 1 / 3})
    for mixed, parts in [
        (blended.oof, [run.load_oof() for run in members]),
        (blended.test, [run.load_test() for run in members]),
    ]:
        assert mixed.dtype == np.float32
        assert np.allclose(mixed, np.mean(parts, axis=0), rtol=1e-6, atol=0)
    assert blended.score == score(LABELS, blended.oof)
    assert blended.members == {run.name: score(LABELS, run.load_oof()) for run in members}


def test_fitted_weights_sum_to_one_and_prefer_the_better_member(members: list[Run]) -> None:
    blended = blend(members, LABELS, "fitted")
    weights = blended.weights
    assert sum(weights.values()) == pytest.approx(1)
    assert min(weights.values()) >= 0
    assert weights["good"] > weights["fair"] > weights["poor"]
    assert blended.score == score(LABELS, blended.oof)
    stacked = np.stack([run.load_test() for run in members]).astype(float)
    expected = np.tensordot([weights[run.name] for run in members], stacked, axes=1)
    assert np.allclose(blended.test, expected, rtol=1e-6, atol=0)


def test_fitted_weights_are_the_likeliest_ones() -> None:
    probabilities = np.stack([make_probabilities(LABELS, skill, seed=5) for skill in (1.0, 2.0)])
    of_truth = probabilities[:, np.arange(len(LABELS)), LABELS].astype(float)
    shares = np.linspace(0, 1, 10_001)
    likelihoods = [
        np.log(share * of_truth[0] + (1 - share) * of_truth[1]).sum() for share in shares
    ]
    assert fit_weights(probabilities, LABELS)[0] == pytest.approx(
        shares[np.argmax(likelihoods)], abs=0.01
    )


@pytest.mark.parametrize("fold", range(FOLDS))
def test_no_image_s_blend_depends_on_the_labels_of_its_own_fold(
    members: list[Run], fold: int
) -> None:
    oof = np.stack([run.load_oof() for run in members])
    inside = fold == FOLDS_OF_IMAGES
    permuted = LABELS.copy()
    permuted[inside] = np.random.default_rng(fold).permutation(LABELS[inside])
    assert (permuted != LABELS).any()

    before, weights = cross_fit(oof, LABELS, FOLDS_OF_IMAGES)
    after, other_weights = cross_fit(oof, permuted, FOLDS_OF_IMAGES)
    assert before[inside].tobytes() == after[inside].tobytes()
    assert before[~inside].tobytes() != after[~inside].tobytes(), "the others may use them"
    assert not np.array_equal(weights, other_weights)


@pytest.mark.parametrize("weighting", ["equal", "fitted"])
def test_members_of_different_data_are_refused(
    members: list[Run], empty: Workspace, weighting: str
) -> None:
    stranger = make_up_run(empty, "stranger", data="b" * 64)
    with pytest.raises(ProjectError, match="stranger and poor were trained on different data"):
        blend([*members, stranger], LABELS, weighting)


def test_members_of_different_folds_have_no_cross_fitted_weights(
    members: list[Run], empty: Workspace
) -> None:
    other = make_up_run(empty, "other", folds=np.roll(FOLDS_OF_IMAGES, 1))
    with pytest.raises(ProjectError, match="other and poor are divided into different folds"):
        blend([*members, other], LABELS, "fitted")
    assert set(blend([*members, other], LABELS).weights) == {"poor", "good", "fair", "other"}


def test_an_incomplete_member_is_refused(members: list[Run], empty: Workspace) -> None:
    part = make_up_run(empty, "part", only_folds=(0, 1))
    with pytest.raises(ProjectError, match="part is not complete: fold 2 of 3"):
        blend([*members, part], LABELS)


def test_nothing_to_blend_is_said() -> None:
    with pytest.raises(ProjectError, match="nothing to blend"):
        blend([], LABELS)


def test_an_unknown_weighting_is_refused(members: list[Run]) -> None:
    with pytest.raises(ProjectError, match="WEIGHTS=best; expected one of equal, fitted"):
        blend(members, LABELS, "best")
