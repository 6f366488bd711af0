"""Which images are explained, and in which order."""

import numpy as np

from digit_recognizer.use.explain.choose import HARDEST, choose_hardest, choose_typical


def predict(labels: list[int], predicted: list[int], confidence: list[float]) -> np.ndarray:
    """Probabilities whose rest is divided among the other digits, a little more to the next."""
    rows = []
    for digit, sure in zip(predicted, confidence, strict=True):
        row = np.full(10, (1 - sure) / 10)
        row[(digit + 1) % 10] += (1 - sure) / 10
        row[digit] = sure
        rows.append(row)
    assert len(labels) == len(rows)
    return np.array(rows, np.float32)


def test_confident_errors_come_first_then_correct_ones_with_low_confidence() -> None:
    labels = [0, 1, 2, 3, 4, 5]
    predicted = [0, 7, 2, 8, 4, 9]
    probabilities = predict(labels, predicted, [0.5, 0.6, 0.9, 0.95, 0.4, 0.7])
    hardest = choose_hardest(np.array(labels), probabilities)
    assert [each.index for each in hardest] == [3, 5, 1, 4, 0, 2]
    assert [each.row for each in hardest] == [4, 6, 2, 5, 1, 3], "rows are counted from 1"
    assert [each.is_wrong for each in hardest] == [True] * 3 + [False] * 3
    first = hardest[0]
    assert (first.label, first.predicted, first.runner_up) == (3, 8, 9)
    assert first.digits == [8, 3]
    assert hardest[-1].digits == [2]
    assert first.probability == probabilities[3, 8]
    assert first.label_probability == probabilities[3, 3]


def test_only_the_hardest_are_chosen() -> None:
    labels = np.arange(10).repeat(5)
    probabilities = predict(labels.tolist(), [0] * 50, np.linspace(0.3, 0.9, 50).tolist())
    hardest = choose_hardest(labels, probabilities)
    assert len(hardest) == HARDEST
    confidences = [each.probability for each in hardest]
    assert confidences == sorted(confidences, reverse=True)


def test_the_typical_image_is_correct_and_has_the_median_confidence_of_its_class() -> None:
    labels = [6] * 6 + [2] * 2
    predicted = [6, 6, 6, 6, 6, 1, 2, 1]
    confidence = [0.5, 0.91, 0.9, 0.93, 0.99, 0.92, 0.7, 0.9]
    typical = choose_typical(np.array(labels), predict(labels, predicted, confidence))
    assert [(each.label, each.index) for each in typical] == [(2, 6), (6, 1)]
    assert not any(each.is_wrong for each in typical)


def test_of_tied_digits_the_first_is_the_predicted_one() -> None:
    probabilities = np.zeros((1, 10), np.float32)
    probabilities[0, [3, 8]] = 0.5
    (chosen,) = choose_hardest(np.array([8]), probabilities)
    assert chosen.predicted == probabilities.argmax() == 3
    assert chosen.runner_up == 8
