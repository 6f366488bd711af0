"""A real browser for pages that people will open: headless Chromium, as Debian packages it.

A page that writes to the console, throws, or asks for anything outside itself fails its test.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

# A browser that looks for updates and the like would look for hosts that a test must not need.
_QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
# Long enough for a busy machine; what is awaited ends the wait.
expect.set_options(timeout=60_000)
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


def find_chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("Chromium is missing (apt install chromium, or name it in CHROMIUM)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=_QUIET)
        yield launched
        launched.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """An empty page that must be left without complaints."""
    complaints: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        complaints.append(f"console {message.type}: {message.text}")

    def on_request(request: Request) -> None:
        if not request.url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
            complaints.append(f"asked for {request.url}")

    page = browser.new_page(viewport=DESKTOP)
    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("request", on_request)
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url[:200]}"))
    yield page
    page.close()
    assert not complaints


def open_file(page: Page, path: Path) -> None:
    page.goto(path.as_uri())
    page.wait_for_load_state("load")


def require_no_sideways_scrolling(page: Page) -> None:
    """Wide things may scroll in their own box; the page itself must fit its window."""
    overhang = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overhang <= 0, f"the page is {overhang} px wider than a {page.viewport_size} window"
