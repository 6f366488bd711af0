"""A Kaggle of our own on this machine, which the official client talks to as if it were the site.

In: the competition's zip and the labels it keeps to itself. Out: a server on a port of 127.0.0.1,
and the environment in which a child process's client finds it. What always holds: it answers only
what the client may ask, in exactly the form in which the client asks it; whatever else comes (an
unknown method or field, a missing sign-in, another host) is refused; and in its environment the
real site cannot be reached.

The client has a mode for a server at http://localhost/api; a proxy setting leads that address to
our port, so requests arrive as they do at a proxy, with the whole URL. HTTPS is led to a port at
which nothing listens.
"""

import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tests.kaggle.answers import Answer, as_error, as_json, as_page
from tests.kaggle.contract import COMPETITION, METHODS, RefusalError, require_fields
from tests.kaggle.faults import Fault, take_fault
from tests.kaggle.places import PLACES, Asked
from tests.kaggle.protocol import HANDLERS
from tests.kaggle.state import Request, State

NOWHERE = "http://127.0.0.1:9"
_LARGEST_BODY = 64 << 20


def unreachable() -> dict[str, str]:
    """The environment in which no child process gets beyond this machine by HTTP."""
    proxies = {
        spelling: NOWHERE
        for name in ("http_proxy", "https_proxy", "all_proxy")
        for spelling in (name, name.upper())
    }
    return {**proxies, "no_proxy": "", "NO_PROXY": ""}


class KaggleServer(State):
    """Use as a context manager; what it holds can be looked at and changed at any time."""

    def __enter__(self) -> "KaggleServer":
        self._http = _Server(("127.0.0.1", 0), _Connection)
        self._http.state = self
        self.port = int(self._http.server_address[1])
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def environment(self, token: str | None = None) -> dict[str, str]:
        """The variables that lead a child process's client here, signed in with `token` if any."""
        here = f"http://127.0.0.1:{self.port}"
        signed_in = {"KAGGLE_API_TOKEN": token} if token else {}
        return {
            **unreachable(),
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "http_proxy": here,
            "HTTP_PROXY": here,
            **signed_in,
        }


class _Server(ThreadingHTTPServer):
    state: KaggleServer


class _NoAnswerError(Exception):
    """Close the connection and say nothing."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        # Clients go away in the middle of things; that is their right.
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass

    def _handle(self) -> None:
        state = self.server.state
        url = urlsplit(self.path)
        contents = self._read_body()
        request = Request(
            method=_name_of(self.command, url) if _is_ours(url) else "",
            verb=self.command,
            url=self.path,
            body=_decode(contents),
            headers=_without_secrets(dict(self.headers.items())),
            size=len(contents),
        )
        with state.lock:
            state.requests.append(request)
            fault = take_fault(state.faults, request.method)
        try:
            answer = self._work(request, url, contents, fault)
        except _NoAnswerError:
            self._hang_up()
            return
        except RefusalError as refusal:
            answer = as_error(refusal)
        except Exception as error:
            state.crashes.append(error)
            answer = as_error(RefusalError(500, f"the made-up Kaggle itself failed: {error!r}"))
        request.status = answer.status
        self._send(answer)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = do_CONNECT = _handle  # noqa: N815

    def _work(
        self, request: Request, url: SplitResult, contents: bytes, fault: Fault | None
    ) -> Answer:
        state = self.server.state
        if state.closing.is_set():
            raise _NoAnswerError
        if not _is_ours(url):
            raise RefusalError(403, "Nothing but http://localhost can be reached from here")
        if not request.method:
            raise RefusalError(404, "Not found")
        if fault:
            early = self._misbehave(fault)
            if early:
                return early
        asked = Asked(url.path, url.query, dict(self.headers.items()), contents)
        with state.lock:
            if request.method in PLACES:
                answer = PLACES[request.method](asked, state, fault)
            else:
                answer = self._call(request, fault)
        if fault and fault.kind == "lose-reply":
            raise _NoAnswerError
        if fault and fault.kind == "cut-reply":
            answer.announced = len(answer.body)
            answer.body = answer.body[: len(answer.body) // 2]
        return answer

    def _call(self, request: Request, fault: Fault | None) -> Answer:
        state = self.server.state
        if self.headers.get_content_type() != "application/json":
            raise RefusalError(400, "Content-Type must be application/json")
        if METHODS[request.method].signed_in:
            state.require_sign_in(self.headers.get("Authorization", ""))
        fields = require_fields(request.method, request.body)
        value = HANDLERS[request.method](state, fields, fault)
        return value if isinstance(value, Answer) else as_json(value)

    def _misbehave(self, fault: Fault) -> Answer | None:
        """Do what a fault does in the place of any work."""
        error = {"code": fault.status, "message": fault.text}
        if fault.kind == "status":
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            return as_json(error, fault.status, headers)
        if fault.kind == "body-status":
            return as_json(error)
        if fault.kind == "html":
            return as_page()
        if fault.kind == "echo":
            sent = self.headers.get("Authorization", "nothing")
            return as_error(RefusalError(fault.status, f"Cannot serve {sent}"))
        if fault.kind == "hang":
            self.server.state.closing.wait()
            raise _NoAnswerError
        if fault.kind == "drop":
            raise _NoAnswerError
        return None

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _LARGEST_BODY))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, answer: Answer) -> None:
        announced = len(answer.body) if answer.announced is None else answer.announced
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        self.wfile.write(answer.body)
        if announced != len(answer.body):
            if answer.stalls:
                self.server.state.closing.wait()
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _is_ours(url: SplitResult) -> bool:
    return (url.scheme, url.netloc) == ("http", "localhost")


def _name_of(verb: str, url: SplitResult) -> str:
    """The method or place that is asked for, or nothing."""
    parts = url.path.split("/")
    if verb == "POST" and parts[:3] == ["", "api", "v1"] and len(parts) == 5:
        method = METHODS.get(parts[4])
        return parts[4] if method and method.service == parts[3] else ""
    if verb == "GET" and url.path == f"/signed/{COMPETITION}.zip":
        return "Download"
    if verb == "GET" and parts[:2] == ["", "output"]:
        return "Output"
    if verb == "PUT" and parts[:2] == ["", "upload"] and len(parts) == 3:
        return "Upload"
    return ""


def _decode(contents: bytes) -> Any:
    try:
        return json.loads(contents)
    except ValueError:
        return None


def _without_secrets(headers: dict[str, str]) -> dict[str, str]:
    """Keep of the sign-in only which kind it was."""
    return {
        name: value.split(" ")[0] if name.lower() == "authorization" else value
        for name, value in headers.items()
    }
