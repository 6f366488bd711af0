"""One sheet with pictures beside the 28x28 images that the networks saw.

In: digits with their predictions. Out: the bytes of a PNG. What always holds: the image has at most
`MOST` pictures, so that every viewer can open it.
"""

import io

import numpy as np

from digit_recognizer.scores import format_percent
from digit_recognizer.use.answers import Answer
from digit_recognizer.use.pictures.gather import Seen

MOST = 200
_ACROSS = 5
_SIDE, _GAP, _CAPTION = 112, 8, 30
_PAPER, _FRAME, _TEXT = 255, 214, 30


def draw_sheet(seen: list[Seen], answers: list[Answer]) -> bytes:
    from PIL import Image, ImageDraw

    shown = min(len(seen), MOST)
    rows, columns = -(-shown // _ACROSS), min(shown, _ACROSS)
    width, height = 2 * _SIDE + 3 * _GAP, _SIDE + _CAPTION + _GAP
    sheet = Image.new("L", (columns * width, rows * height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for index, (each, answer) in enumerate(zip(seen[:MOST], answers, strict=False)):
        left, top = index % _ACROSS * width, index // _ACROSS * height
        pen.rectangle((left, top, left + width - 2, top + height - 2), outline=_FRAME)
        for place, pixels in enumerate((each.original, each.image)):
            corner = (left + _GAP + place * (_SIDE + _GAP), top + _GAP)
            _paste(sheet, pixels, corner)
        name = _shorten(each.name, 34)
        share = format_percent(answer.probability_of(answer.digit))
        pen.text((left + _GAP, top + _SIDE + _GAP + 3), name, _TEXT)
        pen.text((left + _GAP, top + _SIDE + _GAP + 16), f"{answer.digit}  ({share})", _TEXT)
    contents = io.BytesIO()
    sheet.save(contents, "PNG", optimize=True)
    return contents.getvalue()


def _paste(sheet: "object", pixels: np.ndarray, corner: tuple[int, int]) -> None:
    """Paste pixels into a square of the sheet; small images are enlarged without smoothing."""
    from PIL import Image

    picture = Image.fromarray(pixels)
    part = _SIDE / max(picture.size)
    way = Image.Resampling.NEAREST if part > 1 else Image.Resampling.BOX
    size = tuple(max(round(part * side), 1) for side in picture.size)
    middle = tuple(start + (_SIDE - side) // 2 for start, side in zip(corner, size, strict=True))
    sheet.paste(picture.resize(size, way), middle)  # type: ignore[attr-defined]


def _shorten(name: str, length: int) -> str:
    """Keep the end, which differs between files of a folder; the font has only Latin-1."""
    text = "".join(each if each.isprintable() else "?" for each in name)
    text = text.encode("latin-1", "replace").decode("latin-1")
    return text if len(text) <= length else "..." + text[3 - length :]
