"""What the client reads and writes at an address of its own: the zip, uploads, a notebook's files.

In: a request's path, query, headers and bytes. Out: `Answer`s. What always holds: a file is handed
out only to whoever was given the signed address, and an upload is taken only as it was announced.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import format_datetime
from urllib.parse import parse_qs, unquote

from tests.kaggle.answers import Answer
from tests.kaggle.contract import RefusalError
from tests.kaggle.faults import Fault
from tests.kaggle.state import State


@dataclass(frozen=True)
class Asked:
    path: str
    query: str
    headers: dict[str, str]
    contents: bytes


def serve_archive(asked: Asked, state: State, fault: Fault | None) -> Answer:
    """The competition's zip, or the part of it that was asked for and is still of this edition."""
    _require_signature(asked, state)
    kind = fault.kind if fault else ""
    if kind == "changed":
        state.edition += 1
    contents = state.read_archive()
    tag = f'"edition-{state.edition}"'
    modified = format_datetime(state.modified, usegmt=True)
    about = {
        "Content-Type": "application/zip",
        "Last-Modified": modified,
        "ETag": tag,
        "Accept-Ranges": "bytes",
    }
    answer = Answer(200, contents, about)
    part = asked.headers.get("Range", "")
    same = asked.headers.get("If-Range", tag) in (tag, modified)
    if part and same and kind != "ignore-range":
        answer = _part(contents, part, about)
    if fault and kind in ("cut", "stall"):
        answer.announced = len(answer.body)
        answer.body = answer.body[: fault.after]
        answer.stalls = kind == "stall"
    if fault and kind == "wrong-length":
        answer.announced = len(answer.body) + fault.extra
    return answer


def serve_output(asked: Asked, state: State, _: Fault | None) -> Answer:
    _require_signature(asked, state)
    name = unquote(asked.path.removeprefix("/output/"))
    if name not in state.kernel.files:
        raise RefusalError(404, "Not found")
    return Answer(200, state.kernel.files[name], {"Content-Type": "application/octet-stream"})


def take_upload(asked: Asked, state: State, _: Fault | None) -> Answer:
    upload = state.uploads.get(asked.path.split("/")[2])
    if upload is None or upload.submitted:
        raise RefusalError(404, "There is no such upload")
    if len(asked.contents) != upload.size:
        raise RefusalError(400, f"{upload.size} bytes were announced, {len(asked.contents)} came")
    upload.contents = asked.contents
    return Answer(200)


def _part(contents: bytes, part: str, about: dict[str, str]) -> Answer:
    """The bytes of a Range header; a form of it that the client does not use counts as unasked."""
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", part)
    if not match:
        return Answer(200, contents, about)
    first = int(match[1])
    last = min(int(match[2] or len(contents)), len(contents) - 1)
    if first > last:
        return Answer(416, b"", {**about, "Content-Range": f"bytes */{len(contents)}"})
    place = f"bytes {first}-{last}/{len(contents)}"
    return Answer(206, contents[first : last + 1], {**about, "Content-Range": place})


def _require_signature(asked: Asked, state: State) -> None:
    if parse_qs(asked.query).get("signature") != [state.signature]:
        raise RefusalError(403, "The signature does not fit")


PLACES: dict[str, Callable[[Asked, State, Fault | None], Answer]] = {
    "Download": serve_archive,
    "Upload": take_upload,
    "Output": serve_output,
}
