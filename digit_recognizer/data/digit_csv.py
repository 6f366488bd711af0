"""Read a CSV of digits strictly and fast: every cell is checked, and nothing is guessed.

In: a file of 784 pixel columns (0 to 255), with a `label` column (0 to 9) before them or not. Out:
uint8 arrays. What always holds: a file that passes is exactly what its header says; any other is
refused with the row, the column and the value that are wrong.

General CSV readers are lenient (256 wraps round to 0, "1.5" becomes 1) and take longer over 33
million cells. Here the separators are found for a whole block at once, and a cell's value is put
together from its last three characters; a block in which anything is odd is read again, slowly, to
say what.
"""

import json
from collections import Counter
from pathlib import Path
from typing import NoReturn

import numpy as np

from digit_recognizer.workspace import ProjectError

PIXELS = tuple(f"pixel{index}" for index in range(784))
TEST_COLUMNS = PIXELS
TRAIN_COLUMNS = ("label", *PIXELS)

_BLOCK = 1 << 21  # bytes; large enough to amortise numpy's calls, small enough for the cache
_COMMA, _NEWLINE, _ZERO, _NINE = b",\n09"


def parse_digits(path: Path, columns: tuple[str, ...], name: str | None = None) -> np.ndarray:
    """Return the file's cells, (rows, columns) uint8, in the order of `columns`.

    Errors call the file by its path, or by the name that the person knows it by.
    """
    name = name or str(path)
    contents = without_blank_lines_at_end(path.read_bytes())
    require_csv(name, contents[:512])
    require_line_feeds(name, contents)
    start = 3 if contents.startswith(b"\xef\xbb\xbf") else 0
    header_end = contents.find(b"\n", start)
    if header_end < 0:
        raise ProjectError(f"{name} holds a header at most: no rows were found in it.")
    order = _match_header(name, contents[start:header_end], columns)
    if header_end + 1 == len(contents):
        raise ProjectError(f"{name} holds a header and no rows.")
    if not contents.endswith(b"\n"):
        raise ProjectError(
            f"{name} does not end with a line break: it was cut, or written by something that "
            "leaves one out. Download it again."
        )

    limits = np.array([9 if columns[index] == "label" else 255 for index in order], np.uint8)
    names = [columns[index] for index in order]
    blocks: list[np.ndarray] = []
    rows = 0
    start = header_end + 1
    while start < len(contents):
        end = contents.rfind(b"\n", start, start + _BLOCK) + 1 or contents.find(b"\n", start) + 1
        block = contents[start:end].replace(b"\r\n", b"\n")
        cells = _parse_block(block, limits)
        if cells is None:
            _refuse(name, block, names, limits, rows)
        blocks.append(cells)
        rows += len(cells)
        start = end
    table = np.concatenate(blocks)
    if list(order) != list(range(len(columns))):
        table = table[:, np.argsort(order)]
    return table


def without_blank_lines_at_end(contents: bytes) -> bytes:
    """Drop the empty lines that an editor may leave after the last row."""
    filled = len(contents.rstrip(b" \t\r\n"))
    line_end = contents.find(b"\n", filled)
    return contents if line_end in (-1, len(contents) - 1) else contents[: line_end + 1]


def require_line_feeds(name: str, contents: bytes) -> None:
    if b"\r" in contents and b"\n" not in contents:
        raise ProjectError(
            f"{name} has line ends of CR alone, as old Macintosh programs wrote them; expected LF "
            "or CR LF. Save it again with other line ends, or download it again."
        )


_DOWNLOAD_AGAIN = "Download it again: `make download SOURCE=...`."


def require_csv(name: str, beginning: bytes, advice: str = _DOWNLOAD_AGAIN) -> None:
    """Refuse what is plainly something else under a CSV's name."""
    text = beginning.lstrip(b"\xef\xbb\xbf \t\r\n")
    if beginning.startswith(b"PK\x03\x04"):
        problem = "is a zip archive, not a CSV"
    elif beginning.startswith(b"\x1f\x8b"):
        problem = "is gzip-compressed, not a CSV"
    elif text[:1] == b"<":
        problem = "is an HTML or XML page, not a CSV (was it saved from a log-in page?)"
    elif text[:1] in (b"{", b"["):
        problem = f"is JSON, not a CSV{_message_in(text)}"
    elif not text:
        problem = "is empty"
    elif b"\0" in beginning:
        problem = "is a binary file, not a CSV"
    else:
        return
    raise ProjectError(f"{name} {problem}. {advice}")


def _message_in(text: bytes) -> str:
    """What a saved error reply said, where it is short enough to be whole."""
    try:
        return f" (it says: {json.loads(text)['message']})"
    except (ValueError, LookupError, TypeError):
        return ""


def _match_header(name: str, line: bytes, columns: tuple[str, ...]) -> list[int]:
    """Return, for each column of the file, its place in `columns`."""
    text = line.decode("utf-8", errors="replace").rstrip("\r")
    found = [column.strip().strip('"') for column in text.split(",")]
    places = {column: index for index, column in enumerate(columns)}
    times = Counter(found)
    problems = []
    for kind, names in (
        ("missing", [column for column in columns if column not in times]),
        ("unknown", [column for column in times if column not in places]),
        ("repeated", [column for column, count in times.items() if count > 1]),
    ):
        if names:
            shown = ", ".join(
                each[:40] if each.isidentifier() else repr(each[:40]) for each in names[:5]
            )
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            problems.append(f"{kind}: {shown}{more}")
    if problems:
        expected = f"{columns[0]}, {columns[1]} ... {columns[-1]}"
        raise ProjectError(
            f"{name} has the wrong columns ({'; '.join(problems)}). Expected {len(columns)}: "
            f"{expected}; found {len(found)}."
        )
    return [places[column] for column in found]


def _parse_block(block: bytes, limits: np.ndarray) -> np.ndarray | None:
    """Return the block's cells, or None where anything at all is not as it must be."""
    characters = np.frombuffer(block, np.uint8)
    is_separator = characters < _ZERO
    ends = np.flatnonzero(is_separator)
    width = len(limits)
    if len(ends) % width or characters.max() > _NINE:
        return None
    separators = characters[ends].reshape(-1, width)
    if (separators[:, :-1] != _COMMA).any() or (separators[:, -1] != _NEWLINE).any():
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.min() < 1 or lengths.max() > 3:
        return None
    # Four cells of five are a lone "0", so the second and third digits are looked up only
    # where they are. A "999" would overflow eight bits, so it has sixteen.
    values = (characters[ends - 1] - np.uint8(_ZERO)).astype(np.uint16)
    two = np.flatnonzero(lengths >= 2)
    values[two] += (characters[ends[two] - 2] - np.uint8(_ZERO)) * np.uint16(10)
    three = two[lengths[two] == 3]
    values[three] += (characters[ends[three] - 3] - np.uint8(_ZERO)) * np.uint16(100)
    values = values.reshape(-1, width)
    if (values > limits).any():
        return None
    return values.astype(np.uint8)


def _refuse(
    file: str, block: bytes, names: list[str], limits: np.ndarray, rows_before: int
) -> NoReturn:
    """Find the first thing that is wrong in the block, and say where it is."""
    lines = block.decode("utf-8", errors="replace").split("\n")[:-1]
    for row, line in enumerate(lines, start=rows_before + 1):
        cells = line.split(",")
        if len(cells) != len(names):
            raise ProjectError(
                f"{file}, row {row} (line {row + 1}): found {len(cells)} "
                f"cell{'s' * (len(cells) > 1)}, expected {len(names)}; the file was cut or "
                "damaged. Download it again."
            )
        for name, cell, limit in zip(names, cells, limits, strict=True):
            is_whole = cell.isascii() and cell.isdigit() and len(cell) <= 3
            if not is_whole or int(cell) > limit:
                raise ProjectError(
                    f"{file}, row {row} (line {row + 1}), column {name}: found "
                    f"{cell[:40]!r}, expected a whole number from 0 to {limit}."
                )
    raise AssertionError(f"{file}: the fast reader refused a block in which nothing is wrong")
