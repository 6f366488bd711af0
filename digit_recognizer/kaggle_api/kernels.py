"""Script kernels on Kaggle's machines: push, ask for the status, fetch the output.

In: a client and a folder with `kernel-metadata.json`. Out: where it runs, how it stands, what it
left. What always holds: only files that were asked for by name are fetched, and a file has its
whole length or is not there.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digit_recognizer.kaggle_api.client import Client
from digit_recognizer.kaggle_api.downloads import following
from digit_recognizer.workspace import ProjectError

_STATES = {
    "QUEUED": "queued",
    "NEW_SCRIPT": "queued",
    "RUNNING": "running",
    "COMPLETE": "complete",
    "ERROR": "error",
    "CANCEL_REQUESTED": "cancelled",
    "CANCEL_ACKNOWLEDGED": "cancelled",
}
_PAGE_SIZE = 100


@dataclass(frozen=True)
class KernelStatus:
    """`state` is queued, running, complete, error or cancelled."""

    state: str
    message: str | None


def push_kernel(client: Client, folder: Path) -> str:
    """Send the kernel, which starts it; return its page's address."""

    def push(api: Any) -> Any:
        return api.kernels_push(str(folder))

    answer = client.call("push the kernel", push, once=True)
    ignored = list(answer.invalid_competition_sources or [])
    if answer.error or ignored:
        why = answer.error or f"it does not know the competition {', '.join(ignored)}"
        raise ProjectError(f"Kaggle did not take the kernel: {why}.")
    return str(answer.url)


def read_kernel_status(client: Client, kernel: str) -> KernelStatus:
    """Return how `<user>/<kernel>` stands."""
    answer = client.call(
        "ask how the kernel stands",
        lambda api: _ask(api, "get_kernel_session_status", "GetKernelSessionStatus", kernel),
    )
    return KernelStatus(_STATES[answer.status.name], answer.failure_message or None)


def fetch_kernel_output(
    client: Client, kernel: str, folder: Path, names: tuple[str, ...]
) -> list[Path]:
    """Fetch those of the named files that the kernel left; return their paths."""
    addresses = _list_output(client, kernel)
    fetched = []
    for name in names:
        if name in addresses:
            _fetch(client, addresses[name], folder / name)
            fetched.append(folder / name)
    return fetched


def read_kernel_log(client: Client, kernel: str) -> str:
    return str(client.call("read the kernel's log", lambda api: api.kernels_logs(kernel)))


def _list_output(client: Client, kernel: str) -> dict[str, str]:
    """Return the address of each file, by its name."""
    addresses: dict[str, str] = {}
    token = ""
    while True:
        page = client.call(
            "list the kernel's output",
            lambda api, token=token: _ask(  # type: ignore[misc]
                api,
                "list_kernel_session_output",
                "ListKernelSessionOutput",
                kernel,
                page_size=_PAGE_SIZE,
                page_token=token,
            ),
        )
        addresses |= {each.file_name: each.url for each in page.files or [] if each}
        token, before = page.next_page_token or "", token
        if not token or token == before:
            return addresses


def _ask(api: Any, method: str, request: str, kernel: str, **settings: Any) -> Any:
    from kagglesdk.kernels.types import kernels_api_service

    asked = getattr(kernels_api_service, f"Api{request}Request")()
    asked.user_name, asked.kernel_slug = kernel.split("/")
    for name, value in settings.items():
        setattr(asked, name, value)
    with api.build_kaggle_client() as kaggle:
        return getattr(kaggle.kernels.kernels_api_client, method)(asked)


def _fetch(client: Client, address: str, target: Path) -> None:
    import requests

    def fetch(api: Any) -> None:
        with (
            requests.get(address, stream=True, timeout=client.answer_seconds) as response,
            following(api, client, client.console),
        ):
            response.raise_for_status()
            api.download_file(response, str(target), None, quiet=True)

    try:
        client.call(f"fetch {target.name}", fetch)
    except ProjectError:
        with contextlib.suppress(OSError):
            target.unlink(missing_ok=True)
        raise
