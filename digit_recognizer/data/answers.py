"""Files of answers: `ImageId,Label`, as in sample_submission.csv, solution.csv and submissions.

In: a path, or labels. Out: two integer arrays, or bytes. What always holds: what is read has
exactly this header, whole ids and labels 0 to 9; anything else is refused with its row.
"""

from pathlib import Path

import numpy as np

from digit_recognizer.data.digit_csv import (
    require_csv,
    require_line_feeds,
    without_blank_lines_at_end,
)
from digit_recognizer.workspace import ProjectError

HEADER = "ImageId,Label"


def read_answers(path: Path, name: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the file's image ids and labels; errors call it by its path or by the given name."""
    name = name or str(path)
    contents = without_blank_lines_at_end(path.read_bytes())
    require_csv(name, contents[:512])
    require_line_feeds(name, contents)
    text = contents.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    lines = text.removesuffix("\n").split("\n")
    if lines[0] != HEADER:
        raise ProjectError(f"{name} begins with {lines[0][:40]!r}; expected {HEADER!r}.")
    if len(lines) == 1:
        raise ProjectError(f"{name} holds a header and no rows.")
    answers = np.empty((len(lines) - 1, 2), np.int64)
    for row, line in enumerate(lines[1:], start=1):
        image_id, comma, label = line.partition(",")
        if not (comma and _is_whole(image_id) and _is_whole(label) and int(label) <= 9):
            raise ProjectError(
                f"{name}, row {row} (line {row + 1}): found {line[:40]!r}, expected an image's "
                "number, a comma and a digit from 0 to 9."
            )
        answers[row - 1] = int(image_id), int(label)
    return answers[:, 0], answers[:, 1]


def format_answers(labels: np.ndarray) -> bytes:
    """Return the file that gives image 1, 2, 3 ... these labels."""
    rows = [f"{image_id},{label}\n" for image_id, label in enumerate(labels.tolist(), start=1)]
    return f"{HEADER}\n{''.join(rows)}".encode()


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9
