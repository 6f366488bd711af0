"""`make serve`: serve the networks on a port of this machine, until Ctrl-C.

In: what was named. Out: answers to requests. What always holds: nobody outside this machine can
connect; the port is taken before the slow work starts; the address is printed once the server can
answer quickly.
"""

import io
import os
import socket
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.markup import escape

from digit_recognizer.use.occlusion import occlude
from digit_recognizer.use.recognizer import Recognizer
from digit_recognizer.use.recognizer_of import load_recognizer
from digit_recognizer.workspace import ProjectError, Workspace

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

_HOST = "127.0.0.1"
_MOST_CONNECTIONS = 100


def serve(
    workspace: Workspace,
    lineup: str | None,
    experiments: list[str],
    backend: str | None,
    model: Path | None,
    port: int,
    console: Console,
) -> None:
    """Serve on the port until Ctrl-C, which ends it normally."""
    # Imported here, because these take time and the command line imports this module.
    from digit_recognizer.use.serve.access import allowed_hosts
    from digit_recognizer.use.serve.app import make_app
    from digit_recognizer.use.serve.messages import find_facts

    def report(what: str, error: Exception) -> None:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        console.print(f"Error in {escape(what)}: {escape(text)}")
        if os.environ.get("DEBUG") == "1":
            traceback.print_exception(error)

    with take_port(port) as listener:
        port = listener.getsockname()[1]
        recognizer = load_recognizer(workspace, lineup, experiments, backend, model, console)
        app = make_app(recognizer, find_facts(recognizer), allowed_hosts(port), report)
        _warm_up(recognizer)
        console.print(
            f"{escape(recognizer.label)} is served at http://{_HOST}:{port} "
            "(open it in a browser and draw a digit; Ctrl-C ends it)."
        )
        try:
            make_server(app).run(sockets=[listener])
        except KeyboardInterrupt:
            console.print("Ended.")


def take_port(port: int) -> socket.socket:
    """Return a socket that listens on the port; 0 means any free port."""
    if not 0 <= port <= 65535:
        raise ProjectError(f"PORT={port}; expected a number from 0 to 65535.")
    # Name the protocol, because asyncio turns off Nagle's algorithm only if it knows that this is
    # TCP. Nagle's algorithm would cost 40 ms for each answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # A port that another process has just closed can be used at once.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen(_MOST_CONNECTIONS)
    except PermissionError:
        listener.close()
        raise ProjectError(f"Port {port} needs special rights; choose one above 1023.") from None
    except OSError as error:
        listener.close()
        raise ProjectError(
            f"Port {port} cannot be used: {error.strerror}. If this command runs already, open "
            f"http://{_HOST}:{port} or stop it. To take any free port: make serve PORT=0"
        ) from None
    return listener


def _warm_up(recognizer: Recognizer) -> None:
    """Do everything once, so that imports, compiling and allocation happen before requests."""
    from PIL import Image

    from digit_recognizer.use.pictures.cut_out import cut_out
    from digit_recognizer.use.pictures.read import read_picture
    from digit_recognizer.use.serve.app import in_steps

    drawing = np.full((280, 280), 255, np.uint8)
    drawing[60:220, 130:152] = 0
    file = io.BytesIO()
    Image.fromarray(drawing).save(file, "png")
    image = cut_out(read_picture(file.getvalue()))
    digit = int(recognizer.recognize(image[None])[0].argmax())
    occlude(in_steps(recognizer), image, digit)


def make_server(app: "ASGIApp") -> "uvicorn.Server":
    import uvicorn

    from digit_recognizer.use.serve.timeouts import TimeoutProtocol

    config = uvicorn.Config(
        app,
        http=TimeoutProtocol,
        ws="none",
        lifespan="on",
        # `SecurityMiddleware` reports errors, in one line each.
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)
