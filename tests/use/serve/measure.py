"""How soon `make serve` answers first, and how quickly then.

    DIGIT_RECOGNIZER_HOME=<trained runs> .venv/bin/python -m tests.use.serve.measure stages

starts the server as a process, once for each backend, and asks it over one connection, one question
after the other: pictures of ten drawn digits, and what decided on them.
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

import numpy as np
from PIL import Image, ImageDraw

from digit_recognizer.workspace import Workspace
from tests.commands import start
from tests.use.serve.strokes import STROKES, round_off

PICTURES, SALIENCIES = 300, 40


def draw_picture(digit: int, side: int = 280) -> bytes:
    """The digit as the page sends it: black strokes on white, as PNG."""
    image = Image.new("L", (side, side), 255)
    pen = ImageDraw.Draw(image)
    for stroke in STROKES[digit]:
        points = [(side * x, side * y) for x, y in round_off(stroke)]
        pen.line(points, fill=0, width=side // 13, joint="curve")
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()


def measure(workspace: Workspace, experiment: str, backend: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pictures = [draw_picture(digit) for digit in range(10)]
    began = time.monotonic()
    # fmt: off
    process = start(
        workspace, "serve", "--port", str(port), "--experiments", experiment, "--backend", backend
    )
    # fmt: on
    try:
        connection = connect(port)
        ask(connection, "/api/picture", "image/png", pictures[0])
        first = time.monotonic() - began
        answers, times = [], []
        for number in range(PICTURES):
            answer, seconds = ask(connection, "/api/picture", "image/png", pictures[number % 10])
            answers.append(answer)
            times.append(seconds)
        right = sum(answer["digit"] == number % 10 for number, answer in enumerate(answers))
        why = [
            ask(connection, "/api/saliency", "application/json", json.dumps(question).encode())[1]
            for question in ({"pixels": answers[k % 10]["pixels"]} for k in range(SALIENCIES))
        ]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    print(f"| {backend}: process start to first answer | {first:.1f} s | |")
    show(
        f"{backend}: a picture, in the server",
        [answer["milliseconds"] / 1000 for answer in answers],
    )
    show(f"{backend}: a picture, there and back", times)
    show(f"{backend}: what decided, there and back", why)
    print(f"| {backend}: drawn digits recognised | {right} of {len(answers)} | |")


def connect(port: int) -> http.client.HTTPConnection:
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.connect()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return connection


def ask(
    connection: http.client.HTTPConnection, path: str, kind: str, body: bytes
) -> tuple[dict[str, object], float]:
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
