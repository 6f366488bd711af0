"""Write `submission.csv`, and check it.

In: predicted labels. Out: `submissions/submission.csv` and a dated copy. What always holds: a file
of either name is valid for the competition; what is not never gets one.
"""

import re
from pathlib import Path

import numpy as np

from digit_recognizer.data.answers import HEADER, format_answers, read_answers
from digit_recognizer.workspace import ProjectError, Workspace, write_file


def write_submission(workspace: Workspace, labels: np.ndarray, copy_name: str) -> Path:
    """Write the labels of test images 1, 2, 3 ...; return the copy's path."""
    contents = format_answers(labels)
    check_submission(contents, workspace.data / "sample_submission.csv")
    copy = workspace.submissions / copy_name
    write_file(copy, contents)
    write_file(workspace.submissions / "submission.csv", contents)
    return copy


def check_submission(contents: bytes, sample: Path) -> None:
    """Refuse a submission that Kaggle would refuse or, worse, would score as something else."""
    expected_ids, _ = read_answers(sample)
    lines = contents.decode("utf-8", errors="replace").split("\n")
    if lines[0] != HEADER:
        _refuse(f"its header is {lines[0][:40]!r}, expected {HEADER!r}")
    if lines[-1] != "":
        _refuse("its last line has no end: it was cut")
    rows = lines[1:-1]
    if len(rows) != len(expected_ids):
        _refuse(f"it has {len(rows):,} rows, expected {len(expected_ids):,}")
    for number, (row, expected) in enumerate(zip(rows, expected_ids.tolist(), strict=True), 1):
        image_id, _, label = row.partition(",")
        if image_id != str(expected):
            _refuse(f"row {number} is for ImageId {image_id[:20]!r}, expected {expected}")
        if not re.fullmatch("[0-9]", label):
            _refuse(f"row {number} has the label {label[:20]!r}, expected a digit 0 to 9")


def _refuse(problem: str) -> None:
    raise ProjectError(f"The submission is not valid: {problem}. Nothing was written or sent.")
