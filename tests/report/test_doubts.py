"""A label is doubted where another digit is as sure as that digit's own images are."""

import numpy as np

from digit_recognizer.report.doubts import find_doubts
from tests.made_up_runs import make_labels, make_probabilities

LABELS = make_labels()


def skilled() -> np.ndarray:
    return make_probabilities(LABELS, skill=8.0, seed=0)


def test_swapped_labels_are_found_first_and_with_what_they_were() -> None:
    wrong = LABELS.copy()
    swapped = np.flatnonzero(LABELS == 3)[:4]
    wrong[swapped] = 5
    probabilities = skilled()
    probabilities[swapped] = 0.0
    probabilities[swapped, 3] = 1.0
    doubts = find_doubts(wrong, probabilities)
    assert {doubt.image for doubt in doubts[:4]} == set(swapped.tolist())
    assert all((doubt.label, doubt.proposed) == (5, 3) for doubt in doubts[:4])
    assert [doubt.margin for doubt in doubts] == sorted(
        (doubt.margin for doubt in doubts), reverse=True
    )


def test_an_unsure_network_doubts_little() -> None:
    sure = skilled()
    image = int(np.flatnonzero(LABELS == 1)[0])
    sure[image] = 0.02
    sure[image, [1, 7]] = 0.40, 0.44  # wrong, but by far not as sure as it is of sevens
    assert image not in [doubt.image for doubt in find_doubts(LABELS, sure)]


def test_right_labels_are_not_doubted() -> None:
    certain = np.eye(10, dtype=np.float32)[LABELS]
    assert find_doubts(LABELS, certain) == []


def test_a_digit_that_no_label_has_is_never_proposed() -> None:
    few = LABELS[LABELS < 5]
    probabilities = np.full((len(few), 10), 0.01, np.float32)
    probabilities[:, 9] = 0.9
    assert find_doubts(few, probabilities) == []
