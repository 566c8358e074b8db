"""Debian's Chromium without a window, driven by Playwright, for tests, pictures and benchmarks.

Playwright's driver runs once per process however many browsers are open at the same time.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
from playwright.sync_api import ConsoleMessage, Playwright, sync_playwright


class _Driver:
    """Starts Playwright with the first browser, stops it with the last."""

    def __init__(self) -> None:
        self._users = 0
        self._playwright: Playwright | None = None

    def take(self) -> Playwright:
        if self._playwright is None:
            self._playwright = sync_playwright().start()
        self._users += 1
        return self._playwright

    def give_back(self) -> None:
        self._users -= 1
        if self._users == 0 and self._playwright is not None:
            self._playwright.stop()
            self._playwright = None


_DRIVER = _Driver()


class Browser:
    """One page in a browser of its own.

    Attributes:
        page: Playwright's page, for whatever is not here.
        complaints: Errors and warnings of the console, and uncaught exceptions.
        requests: Addresses that were asked for, data: addresses aside.
    """

    def __init__(self, width: int = 1280, height: int = 900, timeout_s: float = 120.0) -> None:
        """Starts the browser.

        Args:
            width: Of the window in CSS pixels.
            height: As `width`.
            timeout_s: How long one answer may take.
        """
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._browser = None
        playwright = _DRIVER.take()
        try:
            self._browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"],
            )
            context = self._browser.new_context(
                viewport={"width": width, "height": height}, locale="en-US"
            )
            context.set_default_timeout(timeout_s * 1000)
            self.page = context.new_page()
            self._devtools = context.new_cdp_session(self.page)
        except BaseException:
            self.close()
            raise
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._requested(request.url))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _requested(self, url: str) -> None:
        if not url.startswith("data:"):
            self.requests.append(url)

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the browser and all that it started."""
        try:
            if self._browser is not None:
                self._browser.close()
        finally:
            _DRIVER.give_back()

    def send(self, method: str, **arguments: Any) -> Any:
        """Calls a method of the DevTools protocol for the page; returns its result."""
        return self._devtools.send(method, arguments)

    def help(self, *scripts: Path) -> None:
        """Runs scripts before those of every page that is opened from now on."""
        for script in scripts:
            self.page.add_init_script(path=script)

    def open(self, page: Path) -> None:
        """Opens a file and waits until it is loaded, scripts included."""
        self.page.goto(page.resolve().as_uri())

    def run(self, expression: str) -> Any:
        """The value of an expression of JavaScript in the page; a promise is waited for."""
        return self.page.evaluate(expression)

    def settle(self) -> None:
        """Waits for two frames to be drawn."""
        self.run("new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))")

    def until(self, expression: str) -> None:
        """Waits until an expression is true."""
        self.page.wait_for_function(expression)

    def press(
        self, key: str, *, control: bool = False, shift: bool = False, times: int = 1
    ) -> None:
        """Presses a key, as a person at the keyboard does: "Tab", "ArrowDown", "/"."""
        keys = "Control+" * control + "Shift+" * shift + key
        for _ in range(times):
            self.page.keyboard.press(keys)
        self.settle()

    def type(self, text: str) -> None:
        """Types into what has the focus."""
        self.page.keyboard.insert_text(text)
        self.settle()

    def click(self, selector: str) -> None:
        """Clicks on what a CSS selector finds first, once it is there and nothing lies over it."""
        self.page.locator(selector).first.click()
        self.settle()

    def resize(self, width: int, height: int) -> None:
        """Makes the window another size in CSS pixels."""
        self.page.set_viewport_size({"width": width, "height": height})

    def prefer(self, **features: Any) -> None:
        """Sets what a person prefers, such as `color_scheme="dark"`."""
        self.page.emulate_media(**features)

    def screenshot(self, file: Path) -> None:
        """Writes what the window shows, as PNG or JPEG by the suffix."""
        self.page.screenshot(path=file)

    def renderer_mb(self) -> float:
        """Resident memory of the largest process that holds a page, in MB (10^6 bytes)."""
        largest = 0
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "--type=renderer" in process.cmdline():
                    largest = max(largest, process.memory_info().rss)
        return largest / 1e6

    def metrics(self) -> dict[str, float]:
        """Counters of the browser, such as JSHeapUsedSize in bytes and Nodes."""
        self.send("Performance.enable")
        self.send("HeapProfiler.collectGarbage")
        found = self.send("Performance.getMetrics")["metrics"]
        return {one["name"]: one["value"] for one in found}


@contextlib.contextmanager
def opened(page: Path, *helpers: Path) -> Iterator[Browser]:
    """A browser that shows a file, with scripts of the test's own run before those of any page."""
    with Browser() as browser:
        browser.help(*helpers)
        browser.open(page)
        yield browser
