"""Requests to the made-up Kaggle without its client: to see what it does with wrong ones.

In: a server, a method, fields. Out: the status and what was answered, as it came.
"""

import http.client
import json
from typing import Any

from tests.kaggle.contract import METHODS
from tests.kaggle.server import KaggleServer

COMPETITION = {"competitionName": "digit-recognizer"}


def send(
    server: KaggleServer,
    verb: str,
    url: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes, dict[str, str]]:
    """One request as it comes from behind the proxy setting."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request(verb, url, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read(), dict(response.getheaders())
    finally:
        connection.close()


def call(
    server: KaggleServer, method: str, fields: Any = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    url = f"http://localhost/api/v1/{METHODS[method].service}/{method}"
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {server.token}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    body = json.dumps(COMPETITION if fields is None else fields).encode()
    status, answer, _ = send(server, "POST", url, body, headers)
    return status, json.loads(answer)


def upload(server: KaggleServer, contents: bytes) -> str:
    fields = {**COMPETITION, "fileName": "s.csv", "contentLength": len(contents)}
    _, started = call(server, "StartSubmissionUpload", fields)
    assert send(server, "PUT", started["createUrl"], contents)[0] == 200
    return str(started["token"])


def submit(server: KaggleServer, contents: bytes) -> tuple[int, dict[str, Any]]:
    fields = {**COMPETITION, "blobFileTokens": upload(server, contents)}
    return call(server, "CreateSubmission", fields)
