"""Only this server's own page may send requests, and every answer has security headers."""

import socket
import time

import pytest

from tests.use.serve.asking import Reply, ask, ask_json, connect, read_reply, send, write_head
from tests.use.serve.conftest import Served

PAGES = ["/", "/docs", "/openapi.json", "/api/model", "/style.css", "/main.js", "/favicon.ico"]
QUESTIONS = ["/api/picture", "/api/digit", "/api/saliency"]
NOWHERE = "/nowhere"
ADDRESSES = [("GET", path) for path in (*PAGES, NOWHERE)] + [("POST", path) for path in QUESTIONS]


def require_our_headers(reply: Reply) -> None:
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in reply.headers
    assert not [name for name in reply.headers if name.startswith("access-control")]
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize("path", PAGES)
def test_every_address_is_served_with_our_headers(served: Served, path: str) -> None:
    reply = ask(served.port, "GET", path)
    assert reply.status == 200
    assert len(reply.body) > 10
    require_our_headers(reply)
    head = ask(served.port, "HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(reply.body))
    require_our_headers(head)


def test_every_address_of_the_api_is_tested_and_documented(served: Served) -> None:
    schema = ask(served.port, "GET", "/openapi.json").json
    explained = ask(served.port, "GET", "/docs").body.decode()
    assert set(schema["paths"]) == {"/api/model", *QUESTIONS}
    for path, methods in schema["paths"].items():
        for method in methods:
            assert f"<h2>{method.upper()} {path}</h2>" in explained
    asked = schema["paths"]["/api/digit"]["post"]["requestBody"]["content"]["application/json"]
    row = asked["schema"]["properties"]["pixels"]["items"]
    assert (row["minItems"], row["maxItems"], row["items"]["maximum"]) == (28, 28, 255)
    assert ask_json(served.port, "/api/digit", {"pixels": [[0] * 28] * 28}).status == 200


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
@pytest.mark.parametrize(
    "host",
    [
        "elsewhere.example", "elsewhere.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost",
        "localhost.:{port}", "localhost:{port}.elsewhere.example", "127.0.0.2:{port}",
        "[::1]:{port}", "0.0.0.0:{port}", "127.1:{port}", "x@127.0.0.1:{port}", "",
    ],
)  # fmt: skip
def test_another_host_name_is_refused(served: Served, method: str, path: str, host: str) -> None:
    reply = ask(served.port, method, path, host=host.format(port=served.port))
    assert reply.status == 403
    assert f"127.0.0.1:{served.port} or localhost:{served.port}" in reply.error
    require_our_headers(reply)


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
@pytest.mark.parametrize(
    "origin",
    [
        "null", "http://elsewhere.example", "https://127.0.0.1:{port}", "http://127.0.0.1",
        "http://127.0.0.1:1", "http://localhost:{port}", "http://127.0.0.1:{port}.example", "file://",
        "",
    ],
)  # fmt: skip
def test_pages_of_other_servers_are_refused(
    served: Served, method: str, path: str, origin: str
) -> None:
    body = b"{}" if method == "POST" else None
    reply = ask(served.port, method, path, body, origin=origin.format(port=served.port))
    assert reply.status == 403
    assert "own page" in reply.error
    require_our_headers(reply)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_our_own_page_is_accepted_by_either_name(served: Served, name: str) -> None:
    host = f"{name}:{served.port}"
    assert ask(served.port, "GET", "/", host=host).status == 200
    reply = ask(served.port, "GET", "/api/model", host=host, origin=f"http://{host}")
    assert reply.status == 200
    require_our_headers(reply)


def test_several_hosts_or_origins_or_no_host_are_refused(served: Served) -> None:
    twice = write_head(served.port, "GET", "/", Host="elsewhere.example")
    assert send(served.port, twice).status == 400
    assert send(served.port, b"GET / HTTP/1.1\r\n\r\n").status == 400
    own = write_head(served.port, "GET", "/", Origin=f"http://127.0.0.1:{served.port}")
    both = own.replace(b"\r\n\r\n", b"\r\nOrigin: http://elsewhere.example\r\n\r\n")
    assert send(served.port, both).status == 403
    assert send(served.port, b"GET / HTTP/1.0\r\n\r\n").status == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get"])
@pytest.mark.parametrize("path", ["/", "/api/digit", NOWHERE])
def test_other_methods_are_refused(served: Served, method: str, path: str) -> None:
    reply = ask(served.port, method, path)
    assert reply.status == 405
    assert reply.headers["allow"] == "GET, HEAD, POST"
    assert reply.error
    require_our_headers(reply)


@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("POST", "/api/model")])
def test_addresses_refuse_methods_of_others(served: Served, method: str, path: str) -> None:
    assert ask(served.port, method, path, b"{}").status == 405
    assert ask(served.port, "GET", "/api/digit").status == 405


def test_a_cors_preflight_is_refused(served: Served) -> None:
    reply = ask(
        served.port,
        "OPTIONS",
        "/api/digit",
        origin="http://elsewhere.example",
        access_control_request_method="POST",
    )
    assert reply.status == 403
    require_our_headers(reply)


def test_other_machines_cannot_connect(served: Served) -> None:
    with pytest.raises(OSError), socket.create_connection(("::1", served.port), 2):
        pass
    outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with outside:
        try:
            outside.connect(("192.0.2.1", 9))  # sends nothing; only finds our own address
        except OSError:
            pytest.skip("this machine has no network address")
        address = outside.getsockname()[0]
    with pytest.raises(OSError), socket.create_connection((address, served.port), 2):
        pass


def test_one_connection_serves_several_requests(served: Served) -> None:
    with connect(served.port) as connection:
        for path in ("/", NOWHERE, "/api/model"):
            connection.sendall(write_head(served.port, "GET", path))
            assert read_reply(connection).status == (404 if path == NOWHERE else 200)
        both = write_head(served.port, "GET", "/main.js") + write_head(served.port, "GET", "/docs")
        connection.sendall(both)
        assert read_reply(connection).headers["content-type"].startswith("text/javascript")


def test_an_answer_does_not_wait_for_an_acknowledgement(served: Served) -> None:
    # Head and body are two packets; with Nagle's algorithm the second one takes 40 ms.
    times = []
    with connect(served.port) as connection:
        for _ in range(11):
            started = time.monotonic()
            connection.sendall(write_head(served.port, "GET", "/style.css"))
            read_reply(connection)
            times.append(time.monotonic() - started)
    assert sorted(times)[5] < 0.03
