"""Read other programs' predictions: ten numbers an image, as CSV, .npy or .npz.

In: a path, how many images there are. Out: probabilities in the order of the images, and what was
done to the file's numbers. What always holds: each row is one image's and each column one digit's;
a file in which that is not certain is refused, with the row.
"""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError

import numpy as np
import pandas as pd

from digit_recognizer.data.digit_csv import require_csv
from digit_recognizer.workspace import ProjectError

# How far a row's sum may be from 1 for its numbers to be probabilities that were rounded.
_ROUNDING = 0.01
_ID_NAMES = {"imageid", "image_id", "image", "id", "index", "row", "unnamed: 0", ""}
_SHOWN = 60  # characters of a cell or a header


@dataclass(frozen=True)
class Predictions:
    """For each image ten probabilities."""

    probabilities: np.ndarray  # (images, 10) float32
    kind: str  # "probabilities", "scores" or "logits": what the file holds
    notices: list[str]  # what a person should know of how the file was read


def read_predictions(path: Path, images: int, array: str, name: str) -> Predictions:
    """Return the file's predictions of images 1 to `images`; errors call the file by `name`.

    An .npz file holds one array, or one called by the name `array`.
    """
    notices: list[str] = []
    try:
        if path.suffix.lower() in (".npy", ".npz"):
            values = _load_array(path, array, name)
        else:
            values = _order(*_parse_csv(path, name), name, images, notices)
    except OSError as error:
        raise ProjectError(f"{name} cannot be read: {error.strerror or error}.") from error
    if values.ndim != 2 or values.shape[1] != 10:
        raise ProjectError(
            f"{name} has the shape {values.shape}; expected ({images}, 10): a probability of each "
            "digit for each image."
        )
    _require_rows(len(values), images, name)
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = (int(each[0]) for each in np.nonzero(bad))
        raise ProjectError(
            f"{name}, row {row + 1}, digit {column}: found {values[row, column]}, expected a "
            "number."
        )
    probabilities, kind, notice = _as_probabilities(values, name)
    return Predictions(probabilities.astype(np.float32), kind, notices + [notice] * bool(notice))


def read_folds(path: Path, images: int, name: str) -> np.ndarray:
    """Return the number of each image's fold, as the file has it."""
    try:
        if path.suffix.lower() in (".npy", ".npz"):
            values = _load_array(path, "folds", name)
        else:
            columns, table = _parse_csv(path, name)
            if columns and len(columns) == 2 and columns[0].lower() in _ID_NAMES:
                columns, table = _sort_by_id(columns, table, name, images, [])
            values = table[:, 0] if table.shape[1] == 1 else table
    except OSError as error:
        raise ProjectError(f"{name} cannot be read: {error.strerror or error}.") from error
    if values.ndim != 1:
        raise ProjectError(f"{name} has the shape {values.shape}; expected one number an image.")
    _require_rows(len(values), images, name)
    whole = values.astype(np.int64)
    if not np.array_equal(whole, values):
        raise ProjectError(f"{name} holds numbers that are not whole; expected folds' numbers.")
    if not 2 <= len(np.unique(whole)) <= 100:
        raise ProjectError(f"{name} has {len(np.unique(whole))} folds; expected 2 to 100.")
    return whole


def _require_rows(found: int, images: int, name: str) -> None:
    if found != images:
        raise ProjectError(
            f"{name} has {found:,} rows; expected {images:,}, one for each image in data/."
        )


def _load_array(path: Path, array: str, name: str) -> np.ndarray:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            values = loaded
        else:
            with loaded:
                names = loaded.files
                if len(names) != 1 and array not in names:
                    raise ProjectError(
                        f"{name} holds the arrays {', '.join(names) or 'none'}; expected one, or "
                        f"one called {array}."
                    )
                values = loaded[array if array in names else names[0]]
    # numpy lets the tokenizer's error through when a damaged header is no Python literal.
    except (ValueError, EOFError, TokenError, zipfile.BadZipFile) as error:
        raise ProjectError(f"{name} is no array file that can be read ({error}).") from error
    if values.dtype.kind not in "fiu":
        raise ProjectError(f"{name} holds {values.dtype}; expected numbers.")
    return np.asarray(values, np.float64)


def _parse_csv(path: Path, name: str) -> tuple[list[str], np.ndarray]:
    """Return the header, empty where there is none, and the cells as numbers."""
    with open(path, "rb") as file:
        require_csv(name, file.read(512), "Write it as CSV, .npy or .npz.")
    try:
        table = pd.read_csv(
            path, header=None, dtype=str, keep_default_na=False, skip_blank_lines=True
        )
    except (ValueError, pd.errors.ParserError) as error:
        problem = " ".join(str(error).split())
        raise ProjectError(f"{name} is no CSV that can be read ({problem}).") from error
    first = [str(cell).strip() for cell in table.iloc[0]]
    header: list[str] = []
    # Ten columns may well be called 0 to 9, which are numbers, too.
    is_digits = sorted(first[-10:]) == list("0123456789")
    if is_digits or pd.to_numeric(table.iloc[0], errors="coerce").isna().any():
        header, table = first, table.iloc[1:]
    if table.empty:
        raise ProjectError(f"{name} holds no rows of numbers.")
    if table.shape[1] == 1 and (mark := re.search("[;\t|]", str(table.iat[0, 0]))):
        raise ProjectError(f"{name} is separated by {mark[0]!r}; expected commas.")
    numbers = table.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    bad = np.isnan(numbers)
    if bad.any():
        row, column = (int(each[0]) for each in np.nonzero(bad))
        called = f"column {header[column] or column + 1}" if header else f"column {column + 1}"
        raise ProjectError(
            f"{name}, row {row + 1} (line {row + 1 + bool(header)}), {called}: found "
            f"{str(table.iat[row, column])[:_SHOWN]!r}, expected a number."
        )
    return header, numbers


def _order(
    header: list[str], table: np.ndarray, name: str, images: int, notices: list[str]
) -> np.ndarray:
    """Return the ten columns in the order of the digits, the rows in that of the images."""
    width = table.shape[1]
    if width in (1, 2):
        raise ProjectError(
            f"{name} holds labels alone; a blend needs ten probabilities an image. Files of labels "
            "can be compared: `make compare`."
        )
    if not header:
        if width not in (10, 11):
            raise ProjectError(
                f"{name} has {width} columns and no header; expected ten, one for each digit, "
                "with or without an image's number before them."
            )
        header = [*(["ImageId"] if width == 11 else []), *map(str, range(10))]
    digits: dict[int, int] = {}
    others = []
    for column, title in enumerate(header):
        match = re.fullmatch(r"(?:.*[^0-9])?([0-9])", title)
        if title.lower() in _ID_NAMES or not match:
            others.append(column)
        elif int(match[1]) in digits:
            raise ProjectError(f"{name} has two columns for the digit {match[1]}.")
        else:
            digits[int(match[1])] = column
    missing = sorted(set(range(10)) - digits.keys())
    unknown = [header[column] for column in others if header[column].lower() not in _ID_NAMES]
    if missing or unknown or len(others) > 1:
        problem = (
            f"no column for {', '.join(map(str, missing))}"
            if missing
            else f"columns that mean nothing here: {', '.join(unknown)[:_SHOWN]}"
            if unknown
            else "two columns of image numbers"
        )
        raise ProjectError(
            f"{name} has {problem}. Expected ImageId, or nothing, and ten columns whose names end "
            "in 0 to 9."
        )
    if others:
        header, table = _sort_by_id(header, table, name, images, notices, others[0])
    return table[:, [digits[digit] for digit in range(10)]]


def _sort_by_id(
    header: list[str],
    table: np.ndarray,
    name: str,
    images: int,
    notices: list[str],
    column: int = 0,
) -> tuple[list[str], np.ndarray]:
    """Return the table with its rows in the order of the image numbers."""
    _require_rows(len(table), images, name)
    ids = table[:, column]
    first = 0 if ids.min() == 0 else 1
    order = np.argsort(ids, kind="stable")
    wrong = np.flatnonzero(ids[order] != np.arange(first, first + images))
    if len(wrong):
        found = ids[order][wrong[0]]
        raise ProjectError(
            f"{name}: the image numbers are not {first} to {first + images - 1}, each once; "
            f"sorted, {found:g} stands where {first + wrong[0]} is expected."
        )
    if first == 0:
        notices.append("image numbers begin with 0, so 0 is the first image")
    if not np.array_equal(order, np.arange(images)):
        notices.append("rows were sorted by their image numbers")
    if column == 0 and len(header) == 2:
        return header[1:], table[order, 1:]
    return header, table[order]


def _as_probabilities(values: np.ndarray, name: str) -> tuple[np.ndarray, str, str]:
    """Return rows that sum to 1, what the numbers were, and what was done with them."""
    if (values < 0).any():
        # Logits, or logarithms of probabilities, whose softmax are the probabilities themselves.
        shifted = np.exp(values - values.max(axis=1, keepdims=True))
        notice = "it has negative numbers, so each row's softmax was taken"
        return shifted / shifted.sum(axis=1, keepdims=True), "logits", notice
    sums = values.sum(axis=1, keepdims=True)
    if (sums == 0).any():
        row = int(np.flatnonzero(sums == 0)[0])
        raise ProjectError(f"{name}, row {row + 1}: all ten numbers are 0.")
    if (np.abs(sums - 1) <= _ROUNDING).all():
        return values / sums, "probabilities", ""
    low, high = sums.min(), sums.max()
    notice = f"its rows sum to {low:g} up to {high:g}, so each was divided by its sum"
    return values / sums, "scores", notice
