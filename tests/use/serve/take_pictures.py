"""Take the README's pictures of `make serve`: in light, in dark and on a phone.

DIGIT_RECOGNIZER_HOME=<trained runs> .venv/bin/python -m tests.use.serve.take_pictures stages
"""

import argparse
import io
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from digit_recognizer.workspace import Workspace, project_root, write_file
from tests.browser import PHONE, find_chromium
from tests.use.serve.asking import serving
from tests.use.serve.hands import draw_digit, wait_until_explained

FOLDER = project_root() / "docs/pictures"
DESKTOP = {"width": 1040, "height": 720}
MOST_BYTES = 60_000


def take_picture(browser: Browser, address: str, name: str, digit: int, **settings: Any) -> None:
    context = browser.new_context(reduced_motion="reduce", **settings)
    page = context.new_page()
    page.goto(address)
    draw_digit(page, digit)
    wait_until_explained(page, digit)
    page.mouse.move(1, 1)
    screenshot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    file = io.BytesIO()
    screenshot.quantize(200, dither=Image.Dither.NONE).save(file, "png", optimize=True)
    assert file.tell() <= MOST_BYTES, f"{name}: {file.tell()} bytes"
    path = FOLDER / f"serve-{name}.png"
    write_file(path, file.getvalue())
    print(f"{show(path)}: {file.tell():,} bytes")


def show(path: Path) -> str:
    return str(path.relative_to(project_root()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("experiment")
    experiment = parser.parse_args().experiment
    with serving(Workspace.current(), "--experiments", experiment) as process:
        address = f"http://127.0.0.1:{process.port}/"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"]
            )
            take_picture(browser, address, "light", 3, viewport=DESKTOP)
            take_picture(browser, address, "dark", 8, viewport=DESKTOP, color_scheme="dark")
            take_picture(browser, address, "phone", 5, viewport=PHONE, device_scale_factor=2)
            browser.close()


if __name__ == "__main__":
    main()
