"""The web service: two ways to ask for a digit, one for an explanation, and the drawing page.

In: a recognizer. Out: an ASGI application. What always holds: it serves only its own files; slow
work runs in a few threads beside the one that reads requests, so nobody waits for a slow client.
"""

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
import numpy as np
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp

from digit_recognizer.use.occlusion import occlude
from digit_recognizer.use.pictures.cut_out import SEVERAL, find_digit
from digit_recognizer.use.pictures.read import PictureError, read_picture
from digit_recognizer.use.recognizer import Recognizer
from digit_recognizer.use.serve.access import SecurityMiddleware
from digit_recognizer.use.serve.messages import (
    Answer,
    AskedDigit,
    AskedSaliency,
    Facts,
    Problem,
    Saliency,
    read_digit,
    read_picture_bytes,
    read_saliency,
)

_PAGE = Path(__file__).parent / "page"
_KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
# The other files have their names as addresses; browsers look for the icon at this one.
_ADDRESSES = {"index.html": "/", "docs.html": "/docs", "icon.svg": "/favicon.ico"}
_MESSAGES = {
    404: "Nothing is at this address; the page is at /, and /docs lists the rest.",
    405: "This address needs another method; see /docs.",
}
# One prediction uses all cores; more at the same time are not faster.
_THREADS = 4
# Images; exported networks take the same time for each of many images as for a single one.
_STEP = 8


def make_app(
    recognizer: Recognizer,
    facts: Facts,
    hosts: frozenset[str],
    report: Callable[[str, Exception], None],
) -> ASGIApp:
    app = FastAPI(
        title="Digit Recognizer",
        version="1",
        docs_url=None,  # FastAPI's page loads scripts from other servers; ours is page/docs.html
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        lifespan=_limit_threads,
        exception_handlers={StarletteHTTPException: _answer_refusal, Exception: _answer_error},
        responses={status: {"model": Problem} for status in (400, 403, 408, 413, 415)},
        generate_unique_id_function=lambda route: route.name,
    )
    _add_questions(app, recognizer, facts)
    for path in sorted(_PAGE.iterdir()):
        _add_file(app, _ADDRESSES.get(path.name, f"/{path.name}"), path)
    return SecurityMiddleware(app, hosts, report)


def _add_questions(app: FastAPI, recognizer: Recognizer, facts: Facts) -> None:
    @app.get("/api/model", summary="Which networks predict, and how good they are")
    def model() -> Facts:
        return facts

    @app.post(
        "/api/picture",
        summary="Which digit is on this picture?",
        openapi_extra=_body("image/*", {"type": "string", "format": "binary"}),
    )
    def picture(contents: Annotated[bytes, Depends(read_picture_bytes)]) -> Answer:
        started = time.perf_counter()
        try:
            found = find_digit(read_picture(contents))
        except PictureError as error:
            raise HTTPException(400, str(error)) from None
        return _answer(recognizer, found.image, started, SEVERAL if found.others else None)

    @app.post(
        "/api/digit",
        summary="Which digit is in these pixels?",
        openapi_extra=_json_body(AskedDigit),
    )
    def digit(asked: Annotated[AskedDigit, Depends(read_digit)]) -> Answer:
        return _answer(recognizer, asked.image, time.perf_counter())

    @app.post(
        "/api/saliency",
        summary="Which ink counts for a digit?",
        openapi_extra=_json_body(AskedSaliency),
    )
    def saliency(asked: Annotated[AskedSaliency, Depends(read_saliency)]) -> Saliency:
        chosen = asked.digit
        if chosen is None:
            chosen = int(recognizer.recognize(asked.image[None])[0].argmax())
        found = occlude(in_steps(recognizer), asked.image, chosen)
        return Saliency(digit=chosen, saliency=found.tolist())


def _answer(
    recognizer: Recognizer, image: np.ndarray, started: float, notice: str | None = None
) -> Answer:
    probabilities = recognizer.recognize(image[None])[0]
    best = np.argsort(-probabilities, kind="stable")
    return Answer(
        digit=int(best[0]),
        runner_up=int(best[1]),
        probabilities=probabilities.tolist(),
        pixels=image.tolist(),
        milliseconds=round(1000 * (time.perf_counter() - started), 2),
        notice=notice,
    )


def in_steps(recognizer: Recognizer) -> Callable[[np.ndarray], np.ndarray]:
    """Explain in steps, so that other requests are answered in between."""

    def recognize(images: np.ndarray) -> np.ndarray:
        starts = range(0, len(images), _STEP)
        return np.concatenate([recognizer.recognize(images[at : at + _STEP]) for at in starts])

    return recognize


def _add_file(app: FastAPI, address: str, path: Path) -> None:
    contents, kind = path.read_bytes(), _KINDS[path.suffix]

    @app.get(address, include_in_schema=False)
    def file() -> Response:
        return Response(contents, media_type=kind)


def _json_body(asked: type[BaseModel]) -> dict[str, Any]:
    return _body("application/json", asked.model_json_schema())


def _body(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema}}}}


async def _answer_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    text = _MESSAGES.get(error.status_code, error.detail)
    return JSONResponse({"error": text}, error.status_code, error.headers)


async def _answer_error(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "An error occurred; see the terminal."}, 500)


@contextlib.asynccontextmanager
async def _limit_threads(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
    yield
