"""Invalid requests are refused in a plain sentence, and the next one is answered."""

import json
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.processes import await_true
from tests.use.serve.asking import Reply, ask, ask_json, ask_picture
from tests.use.serve.conftest import BLANK, NearestMeans, Served, serving_in_thread

pytestmark = pytest.mark.usefixtures("alive_afterwards")


def with_pixel(text: str) -> bytes:
    return json.dumps({"pixels": BLANK}).replace("[[0", f"[[{text}", 1).encode()


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (with_pixel('"5"'), "pixels[0][0]"),
        (with_pixel("true"), "pixels[0][0]"),
        (with_pixel("null"), "pixels[0][0]"),
        (with_pixel("1.5"), "pixels[0][0]"),
        (with_pixel("NaN"), "pixels[0][0]"),
        (with_pixel("Infinity"), "pixels[0][0]"),
        (with_pixel("1e400"), "pixels[0][0]"),
        (with_pixel("256"), "pixels[0][0]"),
        (with_pixel("-1"), "pixels[0][0]"),
        (with_pixel("9" * 5000), "the body"),
        (with_pixel("[0]"), "pixels[0][0]"),
        (with_pixel("0,0"), "pixels[0]"),
        (b'{"pixels": []}', "pixels"),
        (json.dumps({"pixels": BLANK[:27]}).encode(), "pixels"),
        (json.dumps({"pixels": [row[:27] for row in BLANK]}).encode(), "pixels[0]"),
        (json.dumps({"pixels": [0] * 784}).encode(), "pixels"),
        (json.dumps({"pixels": [0] * 28}).encode(), "pixels[0]"),
        (b'{"pixels": {"0": 1}}', "pixels"),
        (b'{"pixels": "0"}', "pixels"),
        (b"{}", "pixels"),
        (json.dumps({"pixels": BLANK, "pixel": 1}).encode(), "pixel"),
        (json.dumps({"pixels": BLANK, "x" * 50_000: 1}).encode(), "xxx"),
        (b'{"pixels": [[0, 0', "the body"),
        (b"", "the body"),
        (b"null", "the body"),
        (b"[]", "the body"),
        (b"7", "the body"),
        (b"\xff\xfe\x00", "the body"),
        (b'{"\\ud800": 1}', "the body"),
        (b"[" * 100_000, "the body"),
        (b'{"pixels":' * 9_000, "the body"),
        (b'{"pixels": ' + b"[" * 40_000 + b"]" * 40_000 + b"}", "the body"),
    ],
)
@pytest.mark.parametrize("path", ["/api/digit", "/api/saliency"])
def test_for_wrong_json_the_refusal_says_where_it_is_wrong(
    served: Served, path: str, body: bytes, place: str
) -> None:
    reply = ask_json(served.port, path, body)
    assert reply.status == 400
    assert reply.error.startswith(place)
    assert "28 rows of 28 whole numbers from 0 to 255" in reply.error
    assert len(reply.error) < 500


@pytest.mark.parametrize("digit", [-1, 10, 3.5, "3", True, [3]])
def test_an_invalid_digit_is_refused(served: Served, digit: object) -> None:
    reply = ask_json(served.port, "/api/saliency", {"pixels": BLANK, "digit": digit})
    assert reply.status == 400
    assert reply.error.startswith("digit")


# Invalid pictures


def make_png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, contents: bytes) -> bytes:
        checksum = zlib.crc32(kind + contents)
        return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    nothing = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + nothing + chunk(b"IEND", b"")


def test_a_picture_with_billions_of_pixels_is_refused_before_decoding(served: Served) -> None:
    started = time.monotonic()
    reply = ask_picture(served.port, make_png_header(50_000, 50_000))
    assert reply.status == 400
    assert "pixels" in reply.error
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "contents", [b"", b"hello", make_png_header(28, 28)[:40], b"\x89PNG\r\n\x1a\n", bytes(1000)]
)
def test_other_files_are_refused(served: Served, contents: bytes) -> None:
    reply = ask_picture(served.port, contents)
    assert reply.status == 400
    assert reply.error


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "images"])
def test_another_content_type_is_refused(served: Served, kind: str) -> None:
    assert ask_picture(served.port, make_png_header(28, 28), kind).status == 415
    reply = ask(served.port, "POST", "/api/digit", b'{"pixels": []}', content_type=kind)
    assert reply.status == 415
    assert "application/json" in reply.error


# Other addresses


@pytest.mark.parametrize(
    "target",
    [
        "/../", "/../../etc/passwd", "/%2e%2e/", "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd", "//etc/passwd", "/etc/passwd", "/style.css/../../app.py",
        "/page/style.css", "/app.py", "/style.css%00", "/style.css/", "/\\..\\app.py",
        "/api", "/api/", "/api/digit/", "/icon.svg", "/redoc", "/docs/", "http://elsewhere.example/",
        "http://elsewhere.example/etc/passwd",
    ],
)  # fmt: skip
def test_other_addresses_are_not_found(served: Served, target: str) -> None:
    reply = ask(served.port, "GET", target)
    assert reply.status == 404
    assert "Nothing is at this address" in reply.error


# Errors inside the server


class Broken(NearestMeans):
    def recognize(self, images: np.ndarray) -> np.ndarray:
        raise RuntimeError("secret\nof two lines")


def test_an_error_is_shown_only_on_the_terminal(served: Served) -> None:
    with serving_in_thread(Broken()) as broken:
        reply = ask_json(broken.port, "/api/digit", {"pixels": BLANK})
        assert reply.status == 500
        assert "secret" not in reply.error
        assert reply.headers["content-security-policy"]
        # The terminal shows it after the answer was sent.
        await_true(lambda: broken.errors, "the error is shown", 10)
        assert broken.errors == ["POST /api/digit: secret\nof two lines"]
        assert ask(broken.port, "GET", "/api/model").status == 200


def test_simultaneous_requests_are_all_answered(served: Served) -> None:
    replies: list[Reply] = []

    def ask_one(number: int) -> None:
        path = "/api/saliency" if number % 3 == 0 else "/api/digit"
        image = np.random.default_rng(number).integers(0, 256, (28, 28)).tolist()
        replies.append(ask_json(served.port, path, {"pixels": image}))

    threads = [threading.Thread(target=ask_one, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply.status for reply in replies] == [200] * 30


class OneByOne(NearestMeans):
    """Answers in the order of requests; the first large batch waits until another request comes."""

    def __init__(self) -> None:
        super().__init__()
        self._queue = ThreadPoolExecutor(1)
        self.batches: list[int] = []
        self.waits = threading.Event()

    def recognize(self, images: np.ndarray) -> np.ndarray:
        def work() -> np.ndarray:
            self.batches.append(len(images))
            if len(images) > 1 and not self.waits.is_set():
                self.waits.set()
                await_true(lambda: self._queue._work_queue.qsize() > 0, "a digit is asked for")
            return super(OneByOne, self).recognize(images)

        return self._queue.submit(work).result()


def test_a_prediction_does_not_wait_for_an_explanation() -> None:
    filled = {"pixels": [[255] * 28] * 28}
    recognizer = OneByOne()
    with serving_in_thread(recognizer) as slow:

        def ask_at(path: str) -> None:
            assert ask_json(slow.port, path, filled).status == 200

        explaining = threading.Thread(target=ask_at, args=("/api/saliency",))
        explaining.start()
        await_true(recognizer.waits.is_set, "an explanation has begun")
        ask_at("/api/digit")
        explaining.join()
    first = next(at for at, size in enumerate(recognizer.batches) if size > 1)
    assert recognizer.batches[first + 1] == 1, "the digit comes before the rest of the explanation"
    assert len(recognizer.batches) > first + 2
