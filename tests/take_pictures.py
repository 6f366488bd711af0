"""Take the documents' pictures, in a real browser, of what the bundled sample gives.

.venv/bin/python -m tests.take_pictures
.venv/bin/python -m tests.take_pictures HOME    of errors against minutes, in the workspace HOME
"""

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from digit_recognizer.workspace import Workspace, project_root, write_file
from tests.browser import PHONE, find_chromium
from tests.commands import run_well
from tests.use.serve.asking import serving
from tests.use.serve.hands import draw_digit, wait_until_explained

FOLDER = project_root() / "docs/pictures"
EXPERIMENT = "sample-stages"
DESKTOP = {"width": 1040, "height": 720}
MOST_BYTES = 120_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        if sys.argv[1:]:
            take_times(browser, Workspace(Path(sys.argv[1]).resolve()))
            browser.close()
            return
        workspace = Workspace(Path(folder))
        for command in (["download", "--source", "sample"], ["train"], ["report"]):
            run_well(workspace, *command)
        take_report(browser, workspace)
        with serving(workspace, "--experiments", EXPERIMENT) as process:
            address = f"http://127.0.0.1:{process.port}/"
            take_drawing(browser, address, "light", 3, viewport=DESKTOP)
            take_drawing(browser, address, "dark", 8, viewport=DESKTOP, color_scheme="dark")
            take_drawing(browser, address, "phone", 5, viewport=PHONE, device_scale_factor=2)
        browser.close()


def take_report(browser: Browser, workspace: Workspace) -> None:
    page = browser.new_page(viewport=DESKTOP)
    page.goto((workspace.reports / f"{EXPERIMENT}.html").as_uri())
    save(page, "report")
    page.locator("table.matrix button:not(.right)").first.click()
    page.locator("#confusion").scroll_into_view_if_needed()
    page.locator("#confusion h2").evaluate("heading => heading.scrollIntoView()")
    save(page, "confusion")
    page.close()


def take_times(browser: Browser, workspace: Workspace) -> None:
    """Take the plot of the workspace's newest report."""
    page = browser.new_page(viewport=DESKTOP, device_scale_factor=2)
    page.goto((workspace.reports / "index.html").as_uri())
    save(page.locator("#time + .small svg"), "errors-and-minutes")
    page.close()


def take_drawing(browser: Browser, address: str, name: str, digit: int, **settings: Any) -> None:
    context = browser.new_context(reduced_motion="reduce", **settings)
    page = context.new_page()
    page.goto(address)
    draw_digit(page, digit)
    wait_until_explained(page, digit)
    page.mouse.move(1, 1)
    save(page, f"serve-{name}")
    context.close()


def save(page: Page | Locator, name: str) -> None:
    screenshot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    file = io.BytesIO()
    screenshot.quantize(200, dither=Image.Dither.NONE).save(file, "png", optimize=True)
    assert file.tell() <= MOST_BYTES, f"{name}: {file.tell()} bytes"
    path = FOLDER / f"{name}.png"
    write_file(path, file.getvalue())
    print(f"{path.relative_to(project_root())}: {file.tell():,} bytes")


if __name__ == "__main__":
    main()
