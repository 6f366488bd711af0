"""Answers as they go over the wire.

In: values and errors. Out: `Answer`s. What always holds: an
answer announces as many bytes as it has, unless a fault made it otherwise.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.kaggle.contract import RefusalError


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    # The length to announce, where it is not that of the body.
    announced: int | None = None
    # Send nothing after the body, and keep the connection: the reader waits for the rest.
    stalls: bool = False


def as_json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    content = {"Content-Type": "application/json; charset=utf-8"}
    return Answer(status, json.dumps(value).encode(), {**content, **(headers or {})})


def as_error(refusal: RefusalError) -> Answer:
    value = {"code": refusal.status, "message": refusal.message}
    return as_json(value, refusal.status, refusal.headers)


def as_page() -> Answer:
    """What a captive portal, or a site under maintenance, says to everything."""
    page = b"<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>"
    return Answer(200, page, {"Content-Type": "text/html; charset=utf-8"})
