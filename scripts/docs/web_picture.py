"""Makes docs/images/web-desktop.png and web-phone.png: the page of `edgeiqa web` in Chromium.

Usage: python scripts/docs/web_picture.py

The desktop shows a film as the webcam, at a moment when it is blurred, in dark colours; the phone a
sample photograph, in light ones. Needs chromium, npm and playwright.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa import sample_paths  # noqa: E402
from tests.web.film import write_film  # noqa: E402
from tests.web.site import served  # noqa: E402

IMAGES = ROOT / "docs" / "images"
DESKTOP, PHONE = (1180, 830), (390, 844)
COLOURS = 255


def desktop(browser: Any, address: str) -> bytes:
    """The camera, blurred after it was sharp."""
    page = _page(browser, address, DESKTOP, "dark")
    page.click("#camera")
    page.wait_for_selector('#verdict[data-accept="true"]', timeout=60_000)
    page.wait_for_timeout(3000)
    page.wait_for_selector('#verdict[data-accept="false"]', timeout=60_000)
    page.wait_for_timeout(1500)
    picture: bytes = page.screenshot()
    return picture


def phone(browser: Any, address: str) -> bytes:
    """One photograph."""
    page = _page(browser, address, PHONE, "light")
    (path,) = [path for path in sample_paths() if path.stem == "raccoon"]
    page.set_input_files("#files-input", [path])
    page.wait_for_selector('#verdict[data-accept="true"]', timeout=60_000)
    page.wait_for_timeout(500)
    picture: bytes = page.screenshot()
    return picture


def _page(browser: Any, address: str, size: tuple[int, int], scheme: str) -> Any:
    viewport = {"width": size[0], "height": size[1]}
    page = browser.new_context(
        viewport=viewport, color_scheme=scheme, service_workers="block"
    ).new_page()
    page.goto(address)
    page.wait_for_selector("html[data-ready]", timeout=60_000)
    return page


def _save(picture: bytes, name: str, width: int) -> None:
    with Image.open(io.BytesIO(picture)) as image:
        small = image.convert("RGB").resize((width, round(image.height * width / image.width)))
    palette = small.quantize(COLOURS)
    small.quantize(palette=palette).save(IMAGES / name, optimize=True)
    print(f"{name}: {(IMAGES / name).stat().st_size} bytes")


def main() -> int:
    """Makes both."""
    from playwright.sync_api import sync_playwright

    argparse.ArgumentParser(description=__doc__).parse_args()
    subprocess.run([sys.executable, str(ROOT / "scripts/web/vendor.py")], check=True)
    with tempfile.TemporaryDirectory() as folder, served() as address, sync_playwright() as started:
        film = Path(folder) / "film.y4m"
        write_film(film, [("sharp", 12), ("blurred", 12)])
        browser = started.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[
                *("--no-sandbox", "--use-fake-device-for-media-stream"),
                *("--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={film}"),
            ],
        )
        _save(desktop(browser, address), "web-desktop.png", 900)
        _save(phone(browser, address), "web-phone.png", 330)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
