"""Read a picture file of any kind as grey values.

In: the bytes of a file. Out: grey (height, width) float32, 0 for black to 255 for white, upright,
the longest side at most `LONGEST_SIDE`. What always holds: a picture of more than `MOST_PIXELS` is
refused by what its header says, before any of it is decoded.
"""

import io
import math
import warnings
from typing import Any

import numpy as np

from digit_recognizer.workspace import ProjectError

MOST_PIXELS = 100_000_000
# A digit as small as a twentieth of the picture still has twice the pixels that are needed.
LONGEST_SIDE = 1200
# Those that people have; Pillow's others include some that start programs.
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "PPM")
_KNOWN = "PNG, JPEG, WebP, AVIF, GIF, TIFF, BMP or PNM"


class PictureError(ProjectError):
    """No digit can be had from this picture; the text says why, as a sentence of its own."""


def read_picture(contents: bytes) -> np.ndarray:
    """Return the picture's grey values; of an animation or several pages, those of the first."""
    from PIL import Image, UnidentifiedImageError

    refuse_other_kinds(contents)
    try:
        # For good, because several threads read pictures, and a filter for a while would be all
        # theirs. The limit here is our own; beyond twice Pillow's there is an error anyway.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(contents), formats=_FORMATS) as picture:
            _require_decent_size(*picture.size)
            # A JPEG is decoded at a half, a quarter or an eighth where that is enough.
            picture.draft("L", (LONGEST_SIDE, LONGEST_SIDE))
            picture.load()
            return _to_grey(_turn_upright(picture))
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(f"It is too large ({error}).") from error
    except UnidentifiedImageError as error:
        raise PictureError(f"It is not a picture that can be read; expected {_KNOWN}.") from error
    # Decoders raise whatever a damaged file leads them into.
    except Exception as error:
        raise PictureError(f"It is damaged or cut off ({error}).") from error


def refuse_other_kinds(contents: bytes) -> None:
    """Say what the file is where it is something else that people take for a picture."""
    beginning = contents[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not contents:
        problem = "It is an empty file."
    elif contents[4:8] == b"ftyp" and contents[8:12] in _HEIC_BRANDS:
        problem = "It is a HEIC picture, as telephones make them: save it as JPEG or PNG first."
    elif beginning.startswith(b"%PDF"):
        problem = "It is a PDF document: save its page as PNG first."
    elif beginning[:5] in (b"<?xml", b"<svg ", b"<!DOC") and b"<svg" in contents[:4096]:
        problem = "It is an SVG drawing: save it as PNG first."
    else:
        return
    raise PictureError(problem)


_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}


def _require_decent_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise PictureError(
            f"It has {width:,} x {height:,} pixels; more than {MOST_PIXELS // 10**6} million are "
            "not read. Scale it down first."
        )


def _turn_upright(picture: Any) -> Any:
    from PIL import ImageOps

    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except Exception:
        return picture
    return picture


def _to_grey(picture: Any) -> np.ndarray:
    """Scale the decoded picture down, by whole pixels' means, and take its brightness."""
    from PIL import Image

    factor = math.ceil(max(picture.size) / LONGEST_SIDE)
    if picture.mode.startswith("I") or picture.mode == "F":
        deep = Image.fromarray(_to_bytes_range(np.asarray(picture, np.float32)))
        return np.asarray(deep.reduce(factor))
    if not picture.has_transparency_data:
        return np.asarray(picture.convert("L").reduce(factor), np.float32)
    red, green, blue, alpha = (
        np.asarray(band, np.float32) for band in picture.convert("RGBA").reduce(factor).split()
    )
    return _put_on_paper(0.299 * red + 0.587 * green + 0.114 * blue, alpha / 255)


def _to_bytes_range(values: np.ndarray) -> np.ndarray:
    """Scale 16 bits, or whatever range a scientific file has, to 0..255."""
    largest = max(float(values.max()), 255)
    return values * (255 / (65535 if 255 < largest <= 65535 else largest))


def _put_on_paper(grey: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Lay a transparent picture on white, or on black if it would vanish there."""
    on_white = cover * grey + (1 - cover) * 255
    if np.ptp(on_white) < 64 <= np.ptp(cover * grey):
        return cover * grey
    return on_white
