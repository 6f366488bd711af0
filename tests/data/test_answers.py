"""Files of answers are read strictly, and written as they are read."""

from pathlib import Path

import numpy as np
import pytest

from digit_recognizer.data.answers import format_answers, read_answers
from digit_recognizer.workspace import ProjectError


def refusal(path: Path, contents: bytes) -> str:
    path.write_bytes(contents)
    with pytest.raises(ProjectError) as caught:
        read_answers(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "solution.csv"


@pytest.mark.parametrize("count", [1, 10, 28_000])
def test_what_is_written_is_read_back(path: Path, count: int) -> None:
    labels = np.random.default_rng(0).integers(0, 10, count)
    path.write_bytes(format_answers(labels))
    ids, read = read_answers(path)
    assert np.array_equal(ids, np.arange(1, count + 1))
    assert np.array_equal(read, labels)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int64])
def test_the_file_is_what_the_competition_asks_for(kind: type) -> None:
    assert format_answers(np.array([2, 0, 9], kind)) == b"ImageId,Label\n1,2\n2,0\n3,9\n"


@pytest.mark.parametrize(
    "contents",
    [
        b"ImageId,Label\n1,3\n2,0\n",
        b"ImageId,Label\n1,3\n2,0",
        b"ImageId,Label\r\n1,3\r\n2,0\r\n",
        b"\xef\xbb\xbfImageId,Label\n1,3\n2,0\n",
    ],
    ids=["as Kaggle ships it", "no last line break", "CRLF", "byte order mark"],
)
def test_marks_and_line_ends_make_no_difference(path: Path, contents: bytes) -> None:
    path.write_bytes(contents)
    ids, labels = read_answers(path)
    assert (ids.tolist(), labels.tolist()) == ([1, 2], [3, 0])


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        (b"", "is empty"),
        (b"ImageId,Label", "holds a header and no rows"),
        (b"ImageId,Label\r\n", "holds a header and no rows"),
        (b"Label,ImageId\n3,1\n", "begins with 'Label,ImageId'; expected 'ImageId,Label'"),
        (b"imageid,label\n1,3\n", "begins with 'imageid,label'"),
        (b"1,3\n2,0\n", "begins with '1,3'"),
        (b"ImageId,Label,\n1,3,\n", "begins with 'ImageId,Label,'"),
        (b"<html></html>", "is an HTML or XML page"),
        (b'{"code": 404}', "is JSON"),
        (b"PK\x03\x04....", "is a zip archive"),
        (b"\x1f\x8b\x08....", "is gzip-compressed"),
    ],
)
def test_what_is_no_file_of_answers_is_refused(path: Path, contents: bytes, problem: str) -> None:
    assert problem in refusal(path, contents)


BAD_ROWS = (
    *("3", "3,", ",3", "3,10", "3,-1", "3,3.0", "3,NaN", "3,x", "3, 1", "x,1", "-3,1", "3.0,1"),
    *(
        "",
        "3,1,",
        "3;1",
        '"3","1"',
        "3,1\r4,1",
        "3,1\x0b4,1",
        "3,1\x854,1",
        "1e3,1",
        "1234567890,1",
    ),
    *("\N{SUPERSCRIPT TWO},1", "3,\N{ARABIC-INDIC DIGIT ONE}"),
)


@pytest.mark.parametrize("row", BAD_ROWS, ids=map(repr, BAD_ROWS))
def test_a_bad_row_is_shown_with_its_place(path: Path, row: str) -> None:
    message = refusal(path, f"ImageId,Label\n1,3\n2,0\n{row}\n4,1\n".encode())
    assert f"row 3 (line 4): found {row!r}" in message


def test_a_file_cut_anywhere_has_fewer_rows_or_is_refused(path: Path) -> None:
    """A missing row is found by whoever knows the count; a changed one nobody could find."""
    whole = format_answers(np.arange(12) % 10)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            ids, labels = read_answers(path)
        except ProjectError:
            continue
        assert np.array_equal(ids, np.arange(1, len(ids) + 1))
        assert np.array_equal(labels, (ids - 1) % 10)


def test_blank_lines_at_the_end_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("ImageId,Label\n1,7\n2,0\n\n\n")
    ids, labels = read_answers(path)
    assert (ids.tolist(), labels.tolist()) == ([1, 2], [7, 0])
