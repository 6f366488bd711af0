"""A label is suspected where another digit is as likely as on that digit's own images."""

import numpy as np

from digit_recognizer.report.label_errors import find_suspected_labels
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
    suspects = find_suspected_labels(wrong, probabilities)
    assert {suspect.image for suspect in suspects[:4]} == set(swapped.tolist())
    assert all((suspect.label, suspect.proposed) == (5, 3) for suspect in suspects[:4])
    assert [suspect.margin for suspect in suspects] == sorted(
        (suspect.margin for suspect in suspects), reverse=True
    )


def test_an_unsure_network_suspects_few_labels() -> None:
    sure = skilled()
    image = int(np.flatnonzero(LABELS == 1)[0])
    sure[image] = 0.02
    sure[image, [1, 7]] = 0.40, 0.44  # wrong, but by far not as sure as it is of sevens
    assert image not in [suspect.image for suspect in find_suspected_labels(LABELS, sure)]


def test_right_labels_are_not_suspected() -> None:
    certain = np.eye(10, dtype=np.float32)[LABELS]
    assert find_suspected_labels(LABELS, certain) == []


def test_a_digit_that_no_label_has_is_never_proposed() -> None:
    few = LABELS[LABELS < 5]
    probabilities = np.full((len(few), 10), 0.01, np.float32)
    probabilities[:, 9] = 0.9
    assert find_suspected_labels(few, probabilities) == []
