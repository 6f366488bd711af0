"""Send valid and invalid requests to the server, over raw sockets."""

import http.client
import json
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from digit_recognizer.workspace import Workspace
from tests.commands import start

SECONDS = 20.0  # the longest that anything may take on a busy machine


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The sentence of a refusal, which must contain nothing else."""
        assert self.status >= 400, self
        assert self.headers["content-type"] == "application/json"
        assert list(self.json) == ["error"]
        text = self.json["error"]
        assert text.endswith(".")
        assert "Traceback" not in text
        return str(text)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), SECONDS)


def read_reply(connection: socket.socket, method: str = "GET") -> Reply:
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    assert len(headers) == len(response.getheaders()), "a header came twice"
    return Reply(response.status, headers, response.read())


def send(port: int, raw: bytes, method: str = "GET") -> Reply:
    """Send the bytes unchanged, and return the first answer."""
    with connect(port) as connection:
        connection.sendall(raw)
        return read_reply(connection, method)


def write_head(port: int, method: str, path: str, **headers: str) -> bytes:
    """Return the head of a request; underscores in header names become hyphens."""
    lines = {"host": f"127.0.0.1:{port}", **headers}
    named = [f"{name.replace('_', '-')}: {value}" for name, value in lines.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *named, "", ""]).encode()


def ask(port: int, method: str, path: str, body: bytes | None = None, /, **headers: str) -> Reply:
    if body is not None:
        headers = {"content_length": str(len(body)), **headers}
    head = write_head(port, method, path, **headers)
    return send(port, head + (body or b""), method)


def ask_json(port: int, path: str, value: Any) -> Reply:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return ask(port, "POST", path, body, content_type="application/json")


def ask_picture(port: int, contents: bytes, kind: str = "image/png") -> Reply:
    return ask(port, "POST", "/api/picture", contents, content_type=kind)


class Process:
    """`scripts/serve.py` as a separate process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.number = process.pid
        self.lines: list[str] = []
        self._is_ready = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.port = 0

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            if match := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                self.port = int(match[1])
                self._is_ready.set()
        self._is_ready.set()

    def wait_until_ready(self) -> None:
        assert self._is_ready.wait(120)
        assert self.port, self.lines

    def end(self, number: int) -> int:
        """Send the signal; return the exit code."""
        self._process.send_signal(number)
        code = self._process.wait(SECONDS)
        self._reader.join()
        return code

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()


@contextmanager
def serving(workspace: Workspace, *arguments: str) -> Iterator[Process]:
    """A running server process on a free port."""
    process = Process(start(workspace, "serve", "--port", "0", *arguments))
    try:
        process.wait_until_ready()
        yield process
    finally:
        process.kill()
