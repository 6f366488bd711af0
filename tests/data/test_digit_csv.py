"""A CSV of digits is read as exactly what it says, or refused with what is wrong and where."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from digit_recognizer.data import digit_csv
from digit_recognizer.data.digit_csv import TEST_COLUMNS, TRAIN_COLUMNS, parse_digits
from digit_recognizer.workspace import ProjectError

# The parser takes any columns; few of them keep the tests fast and the files readable.
NARROW = ("label", "pixel0", "pixel1")


def as_text(columns: tuple[str, ...], table: np.ndarray) -> str:
    rows = [",".join(map(str, row)) + "\n" for row in table.tolist()]
    return ",".join(columns) + "\n" + "".join(rows)


def random_table(rows: int, columns: tuple[str, ...], seed: int = 0) -> np.ndarray:
    """Cells of one, two and three digits alike, and zeros as often as in real images."""
    generator = np.random.default_rng(seed)
    table = generator.integers(0, 10 ** generator.integers(0, 4, (rows, len(columns)))) % 256
    if columns[0] == "label":
        table[:, 0] %= 10
    return table.astype(np.uint8)


def parse(path: Path, contents: str | bytes, columns: tuple[str, ...] = NARROW) -> np.ndarray:
    path.write_bytes(contents.encode() if isinstance(contents, str) else contents)
    return parse_digits(path, columns)


def refusal(path: Path, contents: str | bytes, columns: tuple[str, ...] = NARROW) -> str:
    with pytest.raises(ProjectError) as caught:
        parse(path, contents, columns)
    message = str(caught.value)
    assert str(path) in message
    assert len(message) < 600
    return message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "train.csv"


@pytest.mark.parametrize("columns", [TRAIN_COLUMNS, TEST_COLUMNS, NARROW])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_random_table_written_as_text_is_read_back(
    path: Path, columns: tuple[str, ...], seed: int
) -> None:
    table = random_table(50, columns, seed)
    read = parse(path, as_text(columns, table), columns)
    assert read.dtype == np.uint8
    assert np.array_equal(read, table)


@pytest.mark.parametrize("block", [1, 10, 4000, 9000])
def test_a_file_of_several_blocks_is_read_as_if_it_were_one(
    path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(digit_csv, "_BLOCK", block)
    table = random_table(40, TRAIN_COLUMNS)
    text = as_text(TRAIN_COLUMNS, table)
    assert len(text) > 9 * min(block, 9000)
    assert np.array_equal(parse(path, text, TRAIN_COLUMNS), table)
    assert np.array_equal(parse(path, text.replace("\n", "\r\n"), TRAIN_COLUMNS), table)


def test_the_row_that_is_wrong_is_counted_over_all_blocks(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digit_csv, "_BLOCK", 100)
    text = as_text(NARROW, random_table(500, NARROW)) + "3,256,0\n4,0,0\n"
    assert "row 501 (line 502), column pixel0: found '256'" in refusal(path, text)


def test_every_value_of_a_pixel_and_of_a_label_is_read_as_itself(path: Path) -> None:
    values = np.arange(256)
    table = np.column_stack([values % 10, values, values[::-1]])
    assert np.array_equal(parse(path, as_text(NARROW, table)), table)


# --- the header ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda names: [name for name in names if name != "pixel7"], "missing: pixel7)"),
        (lambda names: [*names, "pixel784"], "unknown: pixel784)"),
        (lambda names: [*names, "pixel5"], "repeated: pixel5)"),
        (
            lambda names: ["pixel9" if name == "pixel8" else name for name in names],
            "missing: pixel8; repeated: pixel9)",
        ),
        (lambda names: names[1:], "missing: label)"),
        (lambda names: [*names, ""], "unknown: '')"),
        (lambda names: ["", *names], "unknown: '')"),
        (lambda names: [name.upper() for name in names], "missing: label, pixel0, pixel1"),
        (lambda names: [*names[:9], "x" * 200_000], "and 771 more; unknown: xxx"),
        (lambda names: ["label\r5", *names[1:]], r"missing: label; unknown: 'label\r5')"),
        (lambda names: [";".join(names)], "missing: label, pixel0, pixel1, pixel2, pixel3 and"),
    ],
    ids=[
        "one missing",
        "one too many",
        "one twice beside the others",
        "one twice in the place of another",
        "no label",
        "a comma too many at the end",
        "row names",
        "other names",
        "an endless name",
        "a lone carriage return",
        "semicolons",
    ],
)
def test_missing_extra_and_repeated_columns_are_named(path: Path, change, expected: str) -> None:
    names = change(list(TRAIN_COLUMNS))
    message = refusal(path, ",".join(names) + "\n" + "0," * (len(names) - 1) + "0\n", TRAIN_COLUMNS)
    assert expected in message
    assert f"Expected 785: label, pixel0 ... pixel783; found {len(names)}." in message


def test_the_label_column_is_not_taken_for_a_pixel_of_the_test_file(path: Path) -> None:
    text = as_text(TRAIN_COLUMNS, random_table(2, TRAIN_COLUMNS))
    assert "unknown: label" in refusal(path, text, TEST_COLUMNS)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_shuffled_columns_are_put_back_by_name(path: Path, seed: int) -> None:
    table = random_table(20, TRAIN_COLUMNS, seed)
    order = np.random.default_rng(seed).permutation(len(TRAIN_COLUMNS))
    shuffled = as_text(tuple(TRAIN_COLUMNS[place] for place in order), table[:, order])
    assert np.array_equal(parse(path, shuffled, TRAIN_COLUMNS), table)


def test_each_column_keeps_its_own_limit_wherever_it_stands(path: Path) -> None:
    assert parse(path, "pixel1,label,pixel0\n255,9,254\n").tolist() == [[9, 254, 255]]
    message = refusal(path, "pixel1,label,pixel0\n255,9,254\n9,10,9\n")
    assert (
        "row 2 (line 3), column label: found '10', expected a whole number from 0 to 9" in message
    )


# --- cells --------------------------------------------------------------------------------------

BAD_CELLS = (
    *("1.5", "-1", "256", "260", "299", "300", "999", "1000", "0000", "NaN", "nan", "inf"),
    *("x", "", " 1", "1 ", "+1", "1e2", "0x1", "1_0", '"1"', "'1'", "1\r", "1;2", "1/2", "1:2"),
    *("\N{ARABIC-INDIC DIGIT THREE}", "\N{SUPERSCRIPT TWO}", "\t1", "y" * 50_000),
)


@pytest.mark.parametrize("cell", BAD_CELLS, ids=[repr(cell)[:12] for cell in BAD_CELLS])
def test_a_pixel_that_is_no_pixel_is_named_with_row_column_and_value(path: Path, cell: str) -> None:
    message = refusal(path, f"label,pixel0,pixel1\n1,2,3\n4,5,6\n7,{cell},8\n9,1,2\n")
    expected = f"row 3 (line 4), column pixel0: found {cell[:40]!r}, expected a whole number from"
    assert expected in message
    assert "0 to 255" in message


@pytest.mark.parametrize("cell", ["10", "11", "100", "255", "-1", "NaN", "", "3.0", "seven"])
def test_a_label_that_is_no_digit_is_named_with_row_column_and_value(path: Path, cell: str) -> None:
    message = refusal(path, f"label,pixel0,pixel1\n1,2,3\n{cell},5,6\n")
    expected = f"row 2 (line 3), column label: found {cell!r}, expected a whole number from 0 to 9"
    assert expected in message


@pytest.mark.parametrize("cell", ["-1", "256", "1.5", ""])
@pytest.mark.parametrize(("row", "pixel"), [(0, 0), (0, 783), (4, 400), (9, 0), (9, 783)])
def test_a_bad_cell_is_found_wherever_it_stands(
    path: Path, cell: str, row: int, pixel: int
) -> None:
    cells = random_table(10, TEST_COLUMNS).astype(str)
    lines = [list(line) for line in cells]
    lines[row][pixel] = cell
    text = "\n".join([",".join(TEST_COLUMNS), *map(",".join, lines), ""])
    expected = f"row {row + 1} (line {row + 2}), column pixel{pixel}: found {cell!r}"
    assert expected in refusal(path, text, TEST_COLUMNS)


@pytest.mark.parametrize(
    ("rows", "row", "cells"),
    [
        ("1,2,3\n4,5\n", 2, 2),
        ("1,2,3\n4,5,6,7\n", 2, 4),
        ("1,2\n4,5,6,7\n", 1, 2),
        ("1,2,3,4\n5,6\n", 1, 4),
        ("1,2,3\n\n4,5,6\n", 2, 1),
        ("1,2,3,4,5,6\n", 1, 6),
        ("1\n2\n3\n", 1, 1),
    ],
)
def test_a_row_of_another_length_is_named(path: Path, rows: str, row: int, cells: int) -> None:
    message = refusal(path, "label,pixel0,pixel1\n" + rows)
    found = f"found {cells} cell{'s' * (cells > 1)}, expected 3"
    assert f"row {row} (line {row + 1}): {found}" in message


# --- whole files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\r\n\r\n", "is empty"),
        (b"label,pixel0,pixel1", "holds a header at most"),
        (b"label,pixel0,pixel1\r", "line ends of CR alone"),
        (b"label,pixel0,pixel1\n", "holds a header and no rows"),
        (b"\xef\xbb\xbflabel,pixel0,pixel1\r\n", "holds a header and no rows"),
        (b"label,pixel0,pixel1\r1,2,3\r", "line ends of CR alone"),
        (b"1,2,3\n4,5,6\n", "unknown: '1', '2', '3'"),
    ],
)
def test_a_file_without_rows_is_refused(path: Path, contents: bytes, problem: str) -> None:
    assert problem in refusal(path, contents)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_cut_at_any_byte_is_refused_or_whole_up_to_there(path: Path, newline: str) -> None:
    """A cut between two rows leaves a file that is right; the counts of rows find that one."""
    table = random_table(12, NARROW)
    whole = as_text(NARROW, table).replace("\n", newline).encode()
    assert np.array_equal(parse(path, whole), table)
    read = 0
    for length in range(len(whole)):
        beginning = whole[:length]
        rows = beginning.count(b"\n") - 1
        if beginning.endswith(b"\n") and rows > 0:
            assert np.array_equal(parse(path, beginning), table[:rows])
            read += 1
        else:
            refusal(path, beginning)
    assert read == len(table) - 1


def test_a_file_of_full_width_cut_inside_its_last_rows_is_refused(path: Path) -> None:
    whole = as_text(TRAIN_COLUMNS, random_table(3, TRAIN_COLUMNS)).encode()
    last_two = whole.rstrip(b"\n").rfind(b"\n", 0, whole.rstrip(b"\n").rfind(b"\n"))
    for length in range(last_two + 2, len(whole), 29):
        if whole[length - 1 : length] != b"\n":
            message = refusal(path, whole[:length], TRAIN_COLUMNS)
            assert "does not end with a line break: it was cut" in message


def test_a_piece_lost_from_the_middle_of_a_file_is_refused(path: Path) -> None:
    table = random_table(30, NARROW)
    whole = as_text(NARROW, table).encode()
    middle = whole.find(b"\n", len(whole) // 2) + 1
    for lost in range(1, whole.find(b"\n", middle) - middle):
        try:
            read = parse(path, whole[:middle] + whole[middle + lost :])
        except ProjectError:
            continue
        # Less of one cell's digits cannot be told from a smaller number, but nothing may shift.
        assert read.shape == table.shape
        assert (read != table).sum() <= 1


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "byte order mark"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("quote", [b"", b'"'], ids=["bare names", "quoted names"])
def test_marks_line_ends_and_quoted_names_make_no_difference(
    path: Path, mark: bytes, newline: bytes, quote: bytes
) -> None:
    table = random_table(30, TRAIN_COLUMNS)
    header, rows = as_text(TRAIN_COLUMNS, table).encode().split(b"\n", 1)
    header = b",".join(quote + name + quote for name in header.split(b","))
    contents = mark + (header + b"\n" + rows).replace(b"\n", newline)
    assert np.array_equal(parse(path, contents, TRAIN_COLUMNS), table)


def zipped(contents: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("train.csv", contents)
    return buffer.getvalue()


GOOD = b"label,pixel0,pixel1\n1,2,3\n"


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", "is an HTML or XML page"),
        (b"\r\n  <html>\n", "is an HTML or XML page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<Error/>\n", "is an HTML or XML page"),
        (
            json.dumps({"code": 403, "message": "You must accept the rules"}).encode(),
            "is JSON, not a CSV (it says: You must accept the rules)",
        ),
        (json.dumps({"padding": "x" * 2000}).encode(), "is JSON, not a CSV."),
        (b'[{"label": 1}]\n', "is JSON, not a CSV."),
        (zipped(GOOD), "is a zip archive"),
        (gzip.compress(GOOD), "is gzip-compressed"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a binary file"),
        (GOOD.decode().encode("utf-16"), "is a binary file"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': '|u1'}\n", "is a binary file"),
    ],
    ids=[
        *("HTML", "HTML after blanks", "XML after a mark", "JSON that says why", "long JSON"),
        *("a JSON list", "zip", "gzip", "PNG", "UTF-16", "NPY"),
    ],
)
def test_another_kind_of_file_under_this_name_is_refused(
    path: Path, contents: bytes, problem: str
) -> None:
    message = refusal(path, contents)
    assert problem in message
    assert "Download it again" in message


def test_no_single_changed_byte_is_read_as_anything_but_what_it_says(path: Path) -> None:
    table = random_table(4, NARROW)
    whole = as_text(NARROW, table).encode()
    start = whole.find(b"\n") + 1
    for place in range(start, len(whole)):
        for byte in b"\n\r ,.-+eE\"'/:;09\x00\x80\xff":
            changed = whole[:place] + bytes([byte]) + whole[place + 1 :]
            try:
                read = parse(path, changed)
            except ProjectError:
                continue
            # What a strict reader would make of the same text.
            rows = changed[start:].decode().replace("\r\n", "\n").rstrip("\n").split("\n")
            assert read.tolist() == [[int(cell) for cell in row.split(",")] for row in rows]
            assert all(cell.isdigit() for row in rows for cell in row.split(","))
            assert (read <= [9, 255, 255]).all()


@pytest.mark.parametrize("blank", ["\n", "\n\n\n", "\r\n\r\n", "  \n\t\n", " "])
def test_blank_lines_at_the_end_do_no_harm(path: Path, blank: str) -> None:
    table = random_table(5, NARROW)
    assert np.array_equal(parse(path, as_text(NARROW, table) + blank), table)


def test_a_blank_line_between_rows_is_still_refused(path: Path) -> None:
    told = refusal(path, "label,pixel0,pixel1\n1,2,3\n\n4,5,6\n")
    assert "row 2 (line 3): found 1 cell, expected 3" in told


def test_line_ends_of_cr_alone_are_called_that(path: Path) -> None:
    assert "line ends of CR alone" in refusal(path, "label,pixel0,pixel1\r1,2,3\r")
