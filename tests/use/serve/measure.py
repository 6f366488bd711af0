"""How long `make serve` needs to start, and for each answer.

    DIGIT_RECOGNIZER_HOME=<trained runs> .venv/bin/python -m tests.use.serve.measure stages

starts the server three times for each backend, and sends requests to the last one over a single
connection: pictures of ten drawn digits, and their explanations.
"""

import argparse
import http.client
import io
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from digit_recognizer.workspace import Workspace
from tests.commands import start
from tests.use.serve.strokes import STROKES, round_off

STARTS, PICTURES, SALIENCIES = 3, 300, 40


def draw_picture(digit: int, side: int = 140) -> bytes:
    """Return the digit as the page sends it: black strokes on white, as PNG."""
    image = Image.new("L", (side, side), 255)
    pen = ImageDraw.Draw(image)
    for stroke in STROKES[digit]:
        points = [(side * x, side * y) for x, y in round_off(stroke)]
        pen.line(points, fill=0, width=side // 13, joint="curve")
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()


def measure(workspace: Workspace, experiment: str, backend: str) -> None:
    pictures = [draw_picture(digit) for digit in range(10)]
    firsts = []
    for _ in range(STARTS):
        began = time.monotonic()
        with serving(workspace, experiment, backend) as connection:
            ask_picture(connection, pictures[0])
            firsts.append(time.monotonic() - began)
            if len(firsts) < STARTS:
                continue
            timed = [ask_picture(connection, pictures[k % 10]) for k in range(PICTURES)]
            answers = [answer for answer, _ in timed]
            questions = [{"pixels": answers[k % 10]["pixels"]} for k in range(SALIENCIES)]
            explained = [
                ask(connection, "/api/saliency", "application/json", json.dumps(question).encode())
                for question in questions
            ]
    right = sum(answer["digit"] == k % 10 for k, answer in enumerate(answers))
    print(f"| {backend}: start to first answer | {min(firsts):.1f} to {max(firsts):.1f} s | |")
    show(f"{backend}: a picture, in the server", [each["milliseconds"] / 1000 for each in answers])
    show(f"{backend}: a picture, seen by the client", [seconds for _, seconds in timed])
    show(f"{backend}: an explanation, seen by the client", [seconds for _, seconds in explained])
    print(f"| {backend}: drawn digits recognised | {right} of {len(answers)} | |")


@contextmanager
def serving(
    workspace: Workspace, experiment: str, backend: str
) -> Iterator[http.client.HTTPConnection]:
    """Start the server on a free port; yield a connection as soon as it accepts one."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    named = ["--experiments", experiment, "--backend", backend]
    process = start(workspace, "serve", "--port", str(port), *named)
    try:
        yield connect(port)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def connect(port: int) -> http.client.HTTPConnection:
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.connect()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return connection


def ask_picture(
    connection: http.client.HTTPConnection, picture: bytes
) -> tuple[dict[str, Any], float]:
    return ask(connection, "/api/picture", "image/png", picture)


def ask(
    connection: http.client.HTTPConnection, path: str, kind: str, body: bytes
) -> tuple[dict[str, Any], float]:
    began = time.monotonic()
    connection.request("POST", path, body, {"Content-Type": kind})
    response = connection.getresponse()
    answer = json.loads(response.read())
    assert response.status == 200, answer
    return answer, time.monotonic() - began


def show(what: str, seconds: list[float]) -> None:
    middle, high = 1000 * np.quantile(seconds, [0.5, 0.95])
    print(f"| {what} | {middle:.1f} ms | {high:.1f} ms |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("experiment")
    experiment = parser.parse_args().experiment
    print(f"load before: {os.getloadavg()[0]:.2f}; {os.cpu_count()} cores; {sys.platform}")
    print("| what | median | 95 % |\n| --- | ---: | ---: |")
    for backend in ("onnx", "keras"):
        measure(Workspace.current(), experiment, backend)


if __name__ == "__main__":
    main()
