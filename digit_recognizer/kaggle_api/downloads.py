"""Download a file with progress and a time limit.

In: a client about to download. Out: a display of the growing file. What always holds: time runs
out only while nothing arrives.
"""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

from digit_recognizer.kaggle_api.client import Client, extend_time_limit

_LOOK_SECONDS = 0.2


@contextlib.contextmanager
def following(api: Any, client: Client, console: Console) -> Iterator[None]:
    """Show how a file of the client's grows, and let time run out only while it does not.

    Waiting between attempts is the caller's: the client would print, and wait for minutes.
    """
    download = type(api).download_file

    def follow(
        response: Any, outfile: str, http_client: Any, quiet: bool = True, resume: bool = False
    ) -> None:
        total = int(response.headers.get("Content-Length") or 0) or None
        with _watching(Path(outfile), total, client.answer_seconds, console):
            download(
                api,
                response,
                outfile,
                http_client,
                quiet=True,
                resume=resume,
                max_retries=0,
                timeout=client.answer_seconds,
            )

    api.download_file = follow
    try:
        yield
    finally:
        del api.download_file


@contextlib.contextmanager
def _watching(file: Path, total: int | None, seconds: float, console: Console) -> Iterator[None]:
    columns = ("[progress.description]{task.description}", BarColumn(), DownloadColumn())
    done = threading.Event()
    # The client's output is being dropped, so the display must not try to bring it back.
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as progress:
        task = progress.add_task(file.name, total=total, completed=size_of(file))

        def look() -> None:
            size = -1
            while not done.wait(_LOOK_SECONDS):
                if size_of(file) != size:
                    size = size_of(file)
                    extend_time_limit(seconds)
                    progress.update(task, completed=size)

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            progress.update(task, completed=size_of(file))


def size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
