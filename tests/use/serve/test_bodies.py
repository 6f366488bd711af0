"""Bodies that are too large, never end or have a wrong length; and slow clients."""

import json
import socket
import time

import pytest

from tests.use.serve.asking import (
    ask,
    ask_json,
    ask_picture,
    connect,
    read_reply,
    send,
    write_head,
)
from tests.use.serve.conftest import BLANK, REQUEST_TIMEOUT, Served

pytestmark = pytest.mark.usefixtures("alive_afterwards")
TOO_MUCH = 21_000_000


def post_head(served: Served, path: str = "/api/picture", **headers: str) -> bytes:
    return write_head(served.port, "POST", path, **{"content_type": "image/png", **headers})


def test_a_huge_content_length_is_refused_before_the_body_arrives(served: Served) -> None:
    reply = send(served.port, post_head(served, content_length=str(10**15)))
    assert reply.status == 413
    assert "20 MB" in reply.error


def test_a_huge_body_is_refused_even_if_all_of_it_is_sent(served: Served) -> None:
    reply = ask_picture(served.port, bytes(TOO_MUCH))
    assert reply.status == 413


def test_a_huge_body_without_a_length_is_refused(served: Served) -> None:
    chunk = b"%x\r\n%b\r\n" % (100_000, bytes(100_000))
    with connect(served.port) as connection:
        connection.sendall(post_head(served, transfer_encoding="chunked"))
        for _ in range(TOO_MUCH // 100_000):
            connection.sendall(chunk)
        assert read_reply(connection).status == 413


def test_json_of_a_megabyte_is_refused_before_reading(served: Served) -> None:
    reply = ask_json(served.port, "/api/digit", b"[" + b"0," * 500_000 + b"0]")
    assert reply.status == 413
    assert "0.1 MB" in reply.error


def test_a_body_shorter_than_its_length_times_out(served: Served) -> None:
    started = time.monotonic()
    reply = send(served.port, post_head(served, content_length="1000") + b"\x89PNG")
    assert reply.status == 408
    assert f"{REQUEST_TIMEOUT:g} seconds" in reply.error
    assert time.monotonic() - started > 0.9 * REQUEST_TIMEOUT


def test_a_client_that_disconnects_leaves_nothing_behind(served: Served) -> None:
    with connect(served.port) as connection:
        connection.sendall(post_head(served, content_length="1000") + b"\x89PNG")
    with connect(served.port) as connection:
        connection.sendall(post_head(served, content_length="1000") + b"\x89PNG")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(10_000)[:12] in (b"", b"HTTP/1.1 400")


def test_the_rest_of_a_body_that_is_too_long_is_no_second_request(served: Served) -> None:
    body = json.dumps({"pixels": BLANK}).encode()
    head = post_head(
        served, "/api/digit", content_type="application/json", content_length=str(len(body))
    )
    with connect(served.port) as connection:
        connection.sendall(head + body + b"and more\r\n\r\n")
        assert read_reply(connection).status == 200
        rest = connection.recv(10_000)
        assert not rest or rest.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "", "5, 6", "9" * 5000])
def test_an_invalid_length_is_refused(served: Served, length: str) -> None:
    assert send(served.port, post_head(served, content_length=length)).status in (400, 413)


def test_two_lengths_are_refused(served: Served) -> None:
    head = post_head(served, content_length="4").replace(
        b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n"
    )
    reply = send(served.port, head + b"12345")
    assert reply.status == 400
    assert reply.error
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("beginning", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nX: "])
@pytest.mark.slow
def test_headers_that_do_not_arrive_time_out(served: Served, beginning: bytes) -> None:
    with connect(served.port) as connection:
        connection.sendall(beginning)
        reply = read_reply(connection)
    assert reply.status == 408
    assert reply.headers["connection"] == "close"


def trickle(connection: socket.socket, byte: bytes, seconds: float) -> None:
    """Send one byte again and again until the other side closes the connection."""
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            connection.sendall(byte)
            time.sleep(0.05)
    except OSError:
        return


@pytest.mark.parametrize("part", ["headers", "body", "body of a get", "second request"])
@pytest.mark.slow
def test_a_client_that_sends_byte_by_byte_times_out(served: Served, part: str) -> None:
    begun = {
        "headers": post_head(served)[:-2] + b"X-Long: ",
        "body": post_head(served, content_length="1000000"),
        "body of a get": write_head(served.port, "GET", "/", content_length="1000000"),
        "second request": write_head(served.port, "GET", "/api/model") + b"GET / HTTP/1.1\r\nX: ",
    }
    started = time.monotonic()
    with connect(served.port) as connection:
        connection.sendall(begun[part])
        trickle(connection, b"x", 3 * REQUEST_TIMEOUT)
    assert 0.9 * REQUEST_TIMEOUT < time.monotonic() - started < 2.5 * REQUEST_TIMEOUT


def test_forty_slow_clients_do_not_delay_others(served: Served) -> None:
    slow = [connect(served.port) for _ in range(40)]
    for number, connection in enumerate(slow):
        connection.sendall(post_head(served, content_length="1000") if number % 2 else b"POST /")
    times = []
    for _ in range(5):
        started = time.monotonic()
        assert ask_json(served.port, "/api/digit", {"pixels": BLANK}).status == 200
        times.append(time.monotonic() - started)
    for connection in slow:
        connection.close()
    assert sorted(times)[2] < REQUEST_TIMEOUT / 4


def test_too_many_connections_are_refused_and_forgotten(served: Served) -> None:
    many = [connect(served.port) for _ in range(130)]
    reply = ask(served.port, "GET", "/api/model")
    assert reply.status == 503
    for connection in many:
        connection.close()
    while ask(served.port, "GET", "/api/model").status == 503:
        time.sleep(0.05)
