"""No file that is not valid for the competition ever gets the name of one."""

from collections.abc import Callable

import numpy as np
import pytest

from digit_recognizer.compete.submission import check_submission, write_submission
from digit_recognizer.workspace import ProjectError, Workspace
from tests.conftest import TEST_ROWS

LABELS = np.arange(TEST_ROWS) % 10
VALID = "ImageId,Label\n" + "".join(f"{number + 1},{number % 10}\n" for number in range(TEST_ROWS))


def check(workspace: Workspace, contents: str) -> None:
    check_submission(contents.encode(), workspace.data / "sample_submission.csv")


def change_rows(change: Callable[[list[str]], list[str]]) -> str:
    header, *rows = VALID.splitlines()
    return "\n".join([header, *change(rows)]) + "\n"


def relabel(label: str) -> str:
    """Give the third image another label; its own is 2."""
    return VALID.replace("\n3,2\n", f"\n3,{label}\n")


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        (
            change_rows(lambda rows: [f"{n},0" for n in range(len(rows))]),
            "row 1 is for ImageId '0'",
        ),
        (change_rows(lambda rows: [*rows[:4], rows[3], *rows[5:]]), "row 5 is for ImageId '4'"),
        (change_rows(lambda rows: rows[:9] + rows[10:]), "it has 59 rows, expected 60"),
        (change_rows(lambda rows: [*rows, "61,0"]), "it has 61 rows, expected 60"),
        (change_rows(lambda rows: [*rows, rows[-1]]), "it has 61 rows, expected 60"),
        (change_rows(lambda rows: [*rows, ""]), "it has 61 rows, expected 60"),
        (change_rows(lambda rows: rows[::-1]), "row 1 is for ImageId '60'"),
        (change_rows(lambda rows: ["1.0,0", *rows[1:]]), "row 1 is for ImageId '1.0'"),
        (change_rows(lambda rows: ["01,0", *rows[1:]]), "row 1 is for ImageId '01'"),
        (change_rows(lambda rows: [" 1,0", *rows[1:]]), "row 1 is for ImageId ' 1'"),
        (change_rows(lambda rows: []), "it has 0 rows, expected 60"),
        (relabel("10"), "row 3 has the label '10', expected a digit 0 to 9"),
        (relabel("-1"), "row 3 has the label '-1'"),
        (relabel("3.0"), "row 3 has the label '3.0'"),
        (relabel(""), "row 3 has the label ''"),
        (relabel("NaN"), "row 3 has the label 'NaN'"),
        (relabel("x"), "row 3 has the label 'x'"),
        (relabel("٣"), "row 3 has the label '٣'"),
        (relabel("2,2"), "row 3 has the label '2,2'"),
        (relabel("2 "), "row 3 has the label '2 '"),
        (VALID.replace("ImageId", "ImageID"), "its header is 'ImageID,Label'"),
        (VALID.replace("ImageId,Label\n", ""), "its header is '1,0'"),
        (VALID.replace("ImageId,Label", "Label,ImageId"), "its header is 'Label,ImageId'"),
        ("\ufeff" + VALID, "its header is"),
        (VALID.replace("\n", "\r\n"), r"its header is 'ImageId,Label\r'"),
        (VALID.replace("2\n3", "2\r\n3", 1), r"has the label '2\r'"),
        (VALID[:-1], "its last line has no end: it was cut"),
        (VALID[: len(VALID) // 2], "it was cut"),
        ("", "its header is ''"),
    ],
)
def test_an_invalid_submission_is_refused_with_what_is_wrong(
    workspace: Workspace, contents: str, problem: str
) -> None:
    assert contents != VALID
    with pytest.raises(ProjectError) as error:
        check(workspace, contents)
    assert problem in str(error.value)
    assert "Nothing was written or sent." in str(error.value)


def test_a_valid_submission_is_accepted(workspace: Workspace) -> None:
    check(workspace, VALID)


def test_labels_become_the_file_to_upload_and_an_equal_copy(workspace: Workspace) -> None:
    copy = write_submission(workspace, LABELS, "20260102T030405-best.csv")
    final = workspace.submissions / "submission.csv"
    assert copy == workspace.submissions / "20260102T030405-best.csv"
    assert final.read_bytes() == copy.read_bytes() == VALID.encode()


@pytest.mark.parametrize(
    "labels",
    [
        np.where(LABELS == 5, 10, LABELS),
        np.where(LABELS == 5, -1, LABELS),
        LABELS.astype(float),
        np.where(LABELS == 5, np.nan, LABELS),
        LABELS[:-1],
        np.append(LABELS, 0),
        LABELS[:0],
    ],
    ids=["10", "-1", "whole but floating", "NaN", "too few", "too many", "none"],
)
def test_invalid_labels_write_nothing(workspace: Workspace, labels: np.ndarray) -> None:
    write_submission(workspace, LABELS, "old.csv")
    with pytest.raises(ProjectError, match="The submission is not valid"):
        write_submission(workspace, labels, "new.csv")
    names = sorted(path.name for path in workspace.submissions.iterdir())
    assert names == ["old.csv", "submission.csv"]
    assert (workspace.submissions / "submission.csv").read_text() == VALID
