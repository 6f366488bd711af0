"""Read a picture file of any kind as grey values.

In: the bytes of a file. Out: grey values (height, width) float32, from 0 for black to 255 for
white, upright, with a longest side of at most `LONGEST_SIDE`. What always holds: a picture with
more than `MOST_PIXELS` is refused by its header, before it is decoded.
"""

import io
import math
import warnings
from typing import Any

import numpy as np

from digit_recognizer.workspace import ProjectError

MOST_PIXELS = 100_000_000
# A digit that fills a twentieth of the picture still has more pixels than needed.
LONGEST_SIDE = 1200
# Common formats only; some of Pillow's other formats start programs.
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "PPM")
_KNOWN = "PNG, JPEG, WebP, AVIF, GIF, TIFF, BMP or PNM"


class PictureError(ProjectError):
    """No digit can be read from this picture; the text is a sentence that says why."""


def read_picture(contents: bytes) -> np.ndarray:
    """Return the picture's grey values; of an animation or several pages, the first ones."""
    from PIL import Image, UnidentifiedImageError

    refuse_other_kinds(contents)
    try:
        # Set permanently, because filters are shared by all threads that read pictures. Our own
        # limit is below; above twice Pillow's limit there is an error anyway.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(contents), formats=_FORMATS) as picture:
            _require_decent_size(*picture.size)
            # A JPEG is decoded at 1/2, 1/4 or 1/8 of its size if that is enough.
            picture.draft("L", (LONGEST_SIDE, LONGEST_SIDE))
            picture.load()
            return _to_grey(_turn_upright(picture))
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(f"It is too large ({error}).") from error
    except UnidentifiedImageError as error:
        raise PictureError(f"It is not a picture that can be read; expected {_KNOWN}.") from error
    # For damaged files, decoders raise many kinds of exceptions.
    except Exception as error:
        raise PictureError(f"It is damaged or cut off ({error}).") from error


def refuse_other_kinds(contents: bytes) -> None:
    """Refuse other formats that people may take for pictures, and name them."""
    beginning = contents[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not contents:
        problem = "It is an empty file."
    elif contents[4:8] == b"ftyp" and contents[8:12] in _HEIC_BRANDS:
        problem = "It is a HEIC picture, as phones make them: save it as JPEG or PNG first."
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
            "not accepted. Scale it down first."
        )


def _turn_upright(picture: Any) -> Any:
    from PIL import ImageOps

    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except Exception:
        return picture
    return picture


def _to_grey(picture: Any) -> np.ndarray:
    """Scale the picture down by averaging whole pixels, and return its brightness."""
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
    """Scale 16 bits, or any other range of a scientific file, to 0..255."""
    largest = max(float(values.max()), 255)
    return values * (255 / (65535 if 255 < largest <= 65535 else largest))


def _put_on_paper(grey: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Put a transparent picture on white, or on black if it could not be seen on white."""
    on_white = cover * grey + (1 - cover) * 255
    if np.ptp(on_white) < 64 <= np.ptp(cover * grey):
        return cover * grey
    return on_white
