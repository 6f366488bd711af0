"""The requests and answers of the API.

In: a request. Out: the bytes of a picture, or checked pixels. What always holds: a request that is
too large is refused before it is in memory, and a wrong one with a sentence that says where.
"""

from typing import Annotated, TypeVar

import numpy as np
from fastapi import HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digit_recognizer.use.onnx_recognizer import OnnxRecognizer
from digit_recognizer.use.recognizer import Recognizer

MOST_PICTURE_BYTES = 20_000_000
# Enough for the pixels of one digit, however they are written.
_MOST_JSON_BYTES = 100_000
_LONGEST_SENTENCE = 300

Pixel = Annotated[int, Field(strict=True, ge=0, le=255)]
Row = Annotated[list[Pixel], Field(min_length=28, max_length=28)]
Rows = Annotated[list[Row], Field(min_length=28, max_length=28)]
Digit = Annotated[int, Field(strict=True, ge=0, le=9)]


class AskedDigit(BaseModel):
    """A digit as the networks take it: white (255) on black (0)."""

    model_config = ConfigDict(extra="forbid")
    pixels: Rows

    @property
    def image(self) -> np.ndarray:
        return np.array(self.pixels, np.uint8)


class AskedSaliency(AskedDigit):
    digit: Annotated[Digit | None, Field(description="the most probable one if not given")] = None


class Answer(BaseModel):
    digit: int
    runner_up: int
    probabilities: Annotated[list[float], Field(description="for the digits 0 to 9")]
    pixels: Annotated[list[list[int]], Field(description="what the networks saw")]
    milliseconds: Annotated[float, Field(description="to cut it out and recognise it")]
    notice: Annotated[str | None, Field(description="a remark about the picture")] = None


class Saliency(BaseModel):
    digit: int
    saliency: Annotated[
        list[list[float]],
        Field(description="how much the digit's log-odds fall when ink is hidden"),
    ]


class Problem(BaseModel):
    error: str


Asked = TypeVar("Asked", bound=AskedDigit)


async def read_picture_bytes(request: Request) -> bytes:
    kind = _kind_of(request)
    if not (kind.startswith("image/") or kind == "application/octet-stream"):
        raise HTTPException(415, "Send a picture, with a Content-Type such as image/png.")
    return await _read(request, MOST_PICTURE_BYTES)


async def read_digit(request: Request) -> AskedDigit:
    return await _read_json(request, AskedDigit)


async def read_saliency(request: Request) -> AskedSaliency:
    return await _read_json(request, AskedSaliency)


async def _read_json(request: Request, asked: type[Asked]) -> Asked:
    if _kind_of(request) != "application/json":
        raise HTTPException(415, "Send JSON, with Content-Type application/json.")
    body = await _read(request, _MOST_JSON_BYTES)
    try:
        return asked.model_validate_json(body)
    except ValidationError as error:
        raise HTTPException(400, _explain(error)) from None


async def _read(request: Request, most: int) -> bytes:
    """Return the body; at most `most` bytes are kept, whatever size it claims."""
    too_large = HTTPException(413, f"This is too large; the limit is {most / 1e6:g} MB.")
    if int(request.headers.get("content-length", "0")) > most:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large
    return bytes(body)


def _kind_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    steps = (f"[{step}]" if isinstance(step, int) else str(step) for step in first["loc"])
    place = "".join(steps) or "the body"
    found = f"{place}: {first['msg']}"[:_LONGEST_SENTENCE]
    return f'{found}. Expected {{"pixels": 28 rows of 28 whole numbers from 0 to 255}}.'


class Facts(BaseModel):  # about the networks; an exported file contains them
    label: str
    experiments: str | None = None
    networks: str | None = None
    oof_score: str | None = None
    data_source: str | None = None
    limits: str | None = None


def find_facts(recognizer: Recognizer) -> Facts:
    known = recognizer.facts if isinstance(recognizer, OnnxRecognizer) else {}
    values = {name: known.get(name) for name in Facts.model_fields if name != "label"}
    return Facts(label=recognizer.label, **values)
