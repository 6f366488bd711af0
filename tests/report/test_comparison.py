"""McNemar's test, Holm's correction and overlaps, each against another way to count."""

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest

from digit_recognizer.report.index_page.blends import count_overlaps, count_shared, jaccard
from digit_recognizer.report.index_page.pairs import adjust
from digit_recognizer.scores import compare, exact_p

RANDOM = np.random.default_rng(0)
WRONG = RANDOM.random((4, 300)) < np.array([[0.1], [0.2], [0.3], [0.05]])
BLEND_WRONG = RANDOM.random(300) < 0.1


@pytest.mark.parametrize("one", [0, 1, 2, 5, 10, 33])
@pytest.mark.parametrize("other", [0, 1, 3, 10, 34, 120])
def test_p_is_scipys_and_symmetric(one: int, other: int) -> None:
    expected = binomtest(one, one + other).pvalue if one + other else 1.0
    assert exact_p(one, other) == pytest.approx(expected, rel=1e-9)
    assert exact_p(one, other) == exact_p(other, one)


def test_p_of_thousands_of_images_is_still_a_probability() -> None:
    assert exact_p(9_000, 9_100) == pytest.approx(binomtest(9_000, 18_100).pvalue, rel=1e-9)
    assert 0 <= exact_p(1, 5_000) < 1e-300


def test_a_run_is_no_better_than_itself() -> None:
    same = compare(WRONG[0], WRONG[0])
    assert (same.p, same.difference, len(same.only_first_wrong)) == (1.0, 0, 0)


def test_counts_are_those_of_a_plain_loop_and_turn_around() -> None:
    judged = RANDOM.random(300) < 0.7
    found = compare(WRONG[0], WRONG[1], judged)
    only_first = [i for i in range(300) if judged[i] and WRONG[0, i] and not WRONG[1, i]]
    only_second = [i for i in range(300) if judged[i] and WRONG[1, i] and not WRONG[0, i]]
    assert found.only_first_wrong.tolist() == only_first
    assert found.only_second_wrong.tolist() == only_second
    assert found.images == sum(judged)
    assert found.difference == WRONG[0, judged].sum() - WRONG[1, judged].sum()
    turned = compare(WRONG[1], WRONG[0], judged)
    assert (turned.p, turned.difference) == (found.p, -found.difference)
    assert turned.only_first_wrong.tolist() == only_second


def test_holms_p_values_are_those_worked_out_by_hand() -> None:
    assert adjust([0.04, 0.01, 0.03, 0.005]) == pytest.approx([0.06, 0.03, 0.06, 0.02])
    assert adjust([0.5, 0.9]) == [1.0, 1.0]
    assert adjust([0.3]) == [0.3]
    assert adjust([]) == []


def test_adjusted_values_keep_the_order_and_are_never_smaller() -> None:
    p_values = RANDOM.random(40).tolist()
    adjusted = adjust(p_values)
    assert all(new >= old for new, old in zip(adjusted, p_values, strict=True))
    for (a, b), (x, y) in zip(
        itertools.combinations(p_values, 2), itertools.combinations(adjusted, 2), strict=True
    ):
        assert x <= y if a <= b else x >= y


def test_overlaps_are_those_of_a_plain_loop_and_leave_no_error_out() -> None:
    found = count_overlaps(WRONG, BLEND_WRONG)
    assert [overlap.members for overlap in found] == [1, 2, 3, 4]
    for overlap in found:
        those = [i for i in range(300) if list(WRONG[:, i]).count(True) == overlap.members]
        assert overlap.images == len(those)
        assert overlap.blend_right == len([i for i in those if not BLEND_WRONG[i]])
    assert sum(overlap.images for overlap in found) == WRONG.any(axis=0).sum()


def test_shared_errors_are_those_of_sets() -> None:
    sets = [set(np.flatnonzero(row).tolist()) for row in WRONG]
    for i, j in itertools.product(range(4), repeat=2):
        assert count_shared(WRONG)[i, j] == len(sets[i] & sets[j])
        assert jaccard(WRONG)[i, j] == pytest.approx(
            len(sets[i] & sets[j]) / len(sets[i] | sets[j])
        )


def test_members_without_an_error_share_all_they_have() -> None:
    assert jaccard(np.zeros((2, 5), bool)).tolist() == [[1, 1], [1, 1]]
