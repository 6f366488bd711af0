"""Which requests are accepted, and the security headers of every answer.

In: a request from anyone. Out: the application's answer, or a refusal. What always holds: only
pages of this server may send requests, whatever other pages are open in the same browser; errors
are sent as one plain sentence; and a refusal arrives even if the request was not read to its end.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = ("GET", "HEAD", "POST")
# A page may not load anything from other servers, run inline scripts, or be shown in a frame.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
# The answer may be lost if a connection is closed while bytes arrive, so the rest of a refused
# request is read for this long.
_LINGER_SECONDS = 1.0


def allowed_hosts(port: int) -> frozenset[str]:
    """Return the Host headers that a browser on this machine sends to this server."""
    names = ("127.0.0.1", "localhost")
    return frozenset(f"{name}:{port}" for name in names) | (
        frozenset(names) if port == 80 else frozenset()
    )


def error_body(text: str) -> bytes:
    return json.dumps({"error": text}).encode()


class SecurityMiddleware:
    """Wraps the application."""

    def __init__(
        self, app: ASGIApp, hosts: frozenset[str], report: Callable[[str, Exception], None]
    ) -> None:
        self._app, self._hosts, self._report = app, hosts, report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        refusal = self._refuse(scope)
        if refusal:
            await exchange.answer(*refusal)
            return
        # HEAD is answered as GET; the server leaves out the body.
        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self._app(asked, exchange.receive, exchange.send)
        except ClientDisconnect:
            return  # the client is gone
        except Exception as error:
            # The client has its answer already; the error is for the terminal.
            self._report(f"{scope['method']} {scope['path'][:100]}", error)

    def _refuse(self, scope: Scope) -> tuple[int, str] | None:
        def values_of(wanted: bytes) -> set[str]:
            values = (value for name, value in scope["headers"] if name == wanted)
            return {value.decode("latin-1").lower() for value in values}

        host = ", ".join(values_of(b"host"))
        if host not in self._hosts:
            # DNS rebinding: another server has pointed its own name to this address.
            return 403, f"This server accepts only {' or '.join(sorted(self._hosts))}."
        if values_of(b"origin") - {f"http://{host}"}:
            return 403, "Only this server's own page may send requests."
        if scope["method"] not in _METHODS:
            return 405, f"Only {', '.join(_METHODS)} are accepted."
        return None


class _Exchange:
    """One request and its answer, to which the headers are added."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._is_error = False
        names = {name for name, _ in scope["headers"]}
        self._is_read = not names & {b"content-length", b"transfer-encoding"}

    async def receive(self) -> Message:
        message = await self._receive()
        self._is_read = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._is_error = message["status"] >= 400
            closing = [(b"connection", b"close")] if self._must_linger else []
            headers = [*message["headers"], *HEADERS, *closing]
            await self._send({**message, "headers": headers})
        elif self._must_linger and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._read_on()
            await self._send({"type": "http.response.body", "body": b""})
        else:
            await self._send(message)

    async def answer(self, status: int, text: str) -> None:
        body = error_body(text)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        if status == 405:
            headers.append((b"allow", ", ".join(_METHODS).encode()))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    @property
    def _must_linger(self) -> bool:
        return self._is_error and not self._is_read

    async def _read_on(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while not self._is_read:
                    await self.receive()
