"""Write arrays as CSV files in Kaggle's format.

In: labelled and held-back images. Out: train.csv, test.csv, sample_submission.csv, and a
solution.csv with the labels of the test part, which real competitions keep to themselves.
"""

from pathlib import Path

import numpy as np

from digit_recognizer.data.answers import format_answers
from digit_recognizer.data.digit_csv import TEST_COLUMNS, TRAIN_COLUMNS


def write_competition(
    incoming: Path,
    train_images: np.ndarray,
    train_labels: np.ndarray,
    test_images: np.ndarray,
    test_labels: np.ndarray,
) -> None:
    train_table = np.column_stack([train_labels, train_images.reshape(-1, 784)])
    _write_table(incoming / "train.csv", TRAIN_COLUMNS, train_table)
    _write_table(incoming / "test.csv", TEST_COLUMNS, test_images.reshape(-1, 784))
    no_answers = np.zeros(len(test_labels), int)
    (incoming / "sample_submission.csv").write_bytes(format_answers(no_answers))
    (incoming / "solution.csv").write_bytes(format_answers(test_labels))


def _write_table(path: Path, columns: tuple[str, ...], table: np.ndarray) -> None:
    text = [str(value) for value in range(256)]  # formatting each of 55 million cells takes minutes
    with open(path, "w", newline="") as file:
        file.write(",".join(columns) + "\n")
        for row in table:
            file.write(",".join([text[value] for value in row.tolist()]) + "\n")
