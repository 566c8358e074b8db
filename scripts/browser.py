"""Chromium without a window, driven through its DevTools protocol.

The protocol runs over a pair of pipes, so that neither a driver nor a port is needed.
https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

_OPTIONS = (
    *("--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"),
    *("--disable-component-update", "--disable-default-apps", "--disable-extensions"),
    *("--hide-scrollbars", "--mute-audio", "--no-pings", "--metrics-recording-only"),
    *("--lang=en-US", "--remote-debugging-pipe", "--enable-precise-memory-info"),
)
# Name: key code of Windows, text.
_KEYS = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    " ": (32, " "),
    "PageUp": (33, ""),
    "PageDown": (34, ""),
    "End": (35, ""),
    "Home": (36, ""),
    "ArrowLeft": (37, ""),
    "ArrowUp": (38, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
}
_SHIFT, _CONTROL = 8, 2

# Where to click on an element, or why that is not possible.
_MIDDLE = """selector => {
  const element = document.querySelector(selector);
  if (!element) return "nothing there";
  element.scrollIntoView({block: "center"});
  const box = element.getBoundingClientRect();
  const x = box.x + box.width / 2, y = box.y + box.height / 2;
  const over = document.elementFromPoint(x, y);
  if (over && (element.contains(over) || over.contains(element))) return [x, y];
  return "covered by " + (over ? over.outerHTML.slice(0, 200) : "nothing");
}"""


class BrowserError(RuntimeError):
    """The browser did not do what it was told."""


class Browser:
    """One page in a browser of its own.

    Attributes:
        complaints: What the console, uncaught exceptions and the browser itself complained about.
        requests: Addresses that were asked for, data: addresses apart.
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
        self._timeout = timeout_s
        self._number = 0
        self._waiting = b""
        self._events: list[dict[str, Any]] = []
        self._folder = tempfile.mkdtemp(prefix="edgeiqa-browser-")
        self._start(f"--window-size={width},{height}", f"--user-data-dir={self._folder}")
        try:
            target = self._send("Target.createTarget", {"url": "about:blank"}, session=None)
            attached = self._send(
                "Target.attachToTarget",
                {"targetId": target["targetId"], "flatten": True},
                session=None,
            )
            self._session: str | None = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.send(f"{domain}.enable")
            self.resize(width, height)
        except BaseException:
            self.close()
            raise

    def _start(self, *options: str) -> None:
        to_read, self._write = _high_pipe()
        self._read, to_write = _high_pipe()
        # The browser reads commands from descriptor 3 and writes answers to 4. Not every sh takes
        # numbers of two digits.
        script = f'exec chromium "$@" 3<&{to_read} 4>&{to_write}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *_OPTIONS, *options],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_read)
        os.close(to_write)

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
        for end in (self._write, self._read):
            with contextlib.suppress(OSError):
                os.close(end)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def send(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Calls a method of the protocol for the page; returns its result.

        Raises:
            BrowserError: The browser refused, ended, or did not answer in time.
        """
        return self._send(method, arguments, session=self._session)

    def _send(
        self, method: str, arguments: dict[str, Any], *, session: str | None
    ) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": arguments}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + self._timeout
        while True:
            answer = self._receive(end)
            if answer is None:
                raise BrowserError(f"{method}: no answer within {self._timeout:g} s")
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return dict(answer["result"])

    def _receive(self, end: float) -> dict[str, Any] | None:
        while b"\0" not in self._waiting:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                return None
            data = os.read(self._read, 1 << 20)
            if not data:
                raise BrowserError("the browser ended")
            self._waiting += data
        raw, _, self._waiting = self._waiting.partition(b"\0")
        message = dict(json.loads(raw))
        if "method" in message:
            self._note(message["method"], message.get("params", {}))
        return message

    def _note(self, method: str, event: dict[str, Any]) -> None:
        self._events.append({"method": method, **event})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(event["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning"):
            self.complaints.append(str(event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.complaints.append(str(event["entry"]))
        elif method == "Network.requestWillBeSent":
            url = event["request"]["url"]
            if not url.startswith("data:"):
                self.requests.append(url)

    def help(self, *scripts: Path) -> None:
        """Runs scripts before those of every page that is opened from now on."""
        for script in scripts:
            source = script.read_text(encoding="utf-8")
            self.send("Page.addScriptToEvaluateOnNewDocument", source=source)

    def open(self, page: Path) -> None:
        """Opens a file and waits until it is loaded, scripts included."""
        self._events.clear()
        self.send("Page.navigate", url=page.resolve().as_uri())
        end = time.monotonic() + self._timeout
        while not any(one["method"] == "Page.loadEventFired" for one in self._events):
            if self._receive(end) is None:
                raise BrowserError(f"{page}: not loaded within {self._timeout:g} s")

    def run(self, expression: str) -> Any:
        """The value of an expression of JavaScript in the page; a promise is waited for.

        Raises:
            BrowserError: It threw.
        """
        found = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise BrowserError(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def settle(self) -> None:
        """Waits for two frames to be drawn."""
        self.run("new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))")

    def until(self, expression: str) -> None:
        """Waits until an expression is true."""
        end = time.monotonic() + self._timeout
        while not self.run(f"Boolean({expression})"):
            if time.monotonic() > end:
                raise BrowserError(f"never became true: {expression}")
            time.sleep(0.02)

    def press(
        self, key: str, *, control: bool = False, shift: bool = False, times: int = 1
    ) -> None:
        """Presses a key, as a person at the keyboard does: "Tab", "ArrowDown", "/"."""
        code, text = _KEYS[key] if key in _KEYS else (ord(key.upper()), key)
        event = {
            "key": key,
            "code": key if len(key) > 1 else "",
            "windowsVirtualKeyCode": code,
            "modifiers": _CONTROL * control + _SHIFT * shift,
        }
        for _ in range(times):
            if text and not control:
                self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
            else:
                self.send("Input.dispatchKeyEvent", type="rawKeyDown", **event)
            self.send("Input.dispatchKeyEvent", type="keyUp", **event)
        self.settle()

    def type(self, text: str) -> None:
        """Types into what has the focus."""
        self.send("Input.insertText", text=text)
        self.settle()

    def click(self, selector: str) -> None:
        """Clicks with the mouse in the middle of what a CSS selector finds first.

        Raises:
            BrowserError: It is not there, or something lies over it.
        """
        found = self.run(f"({_MIDDLE})({json.dumps(selector)})")
        if isinstance(found, str):
            raise BrowserError(f"click on {selector}: {found}")
        for kind in ("mousePressed", "mouseReleased"):
            self.send(
                "Input.dispatchMouseEvent",
                type=kind,
                x=found[0],
                y=found[1],
                button="left",
                clickCount=1,
            )
        self.settle()

    def resize(self, width: int, height: int, *, mobile: bool = False, scale: float = 1) -> None:
        """Makes the window another size in CSS pixels, with `scale` pixels of the screen each."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=mobile,
        )

    def prefer(self, **features: str) -> None:
        """Sets what a person prefers, such as `color_scheme="dark"`."""
        self.send(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": f"prefers-{name.replace('_', '-')}", "value": value}
                for name, value in features.items()
            ],
        )

    def screenshot(self, file: Path) -> None:
        """Writes what the window shows, as PNG or JPEG by the suffix."""
        kind = "jpeg" if file.suffix in (".jpg", ".jpeg") else "png"
        options: dict[str, Any] = {"quality": 88} if kind == "jpeg" else {}
        found = self.send("Page.captureScreenshot", format=kind, **options)
        file.write_bytes(base64.b64decode(found["data"]))

    def renderer_mb(self) -> float:
        """Resident memory of the process that holds the page, in MB (10^6 bytes); Linux only."""
        largest = 0
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, StopIteration):
                if os.getpgid(int(folder.name)) != self._process.pid:
                    continue
                if b"--type=renderer" in (folder / "cmdline").read_bytes():
                    status = (folder / "status").read_text(encoding="utf-8")
                    largest = max(largest, _value(status, "VmRSS:"))
        return largest * 1024 / 1e6

    def metrics(self) -> dict[str, float]:
        """Counters of the browser, such as JSHeapUsedSize in bytes and Nodes."""
        self.send("Performance.enable")
        self.send("HeapProfiler.collectGarbage")
        found = self.send("Performance.getMetrics")["metrics"]
        return {one["name"]: one["value"] for one in found}


def _value(status: str, name: str) -> int:
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name))


def _high_pipe() -> tuple[int, int]:
    """A pipe, to read and to write, whose descriptors are not among those that a shell sets."""
    low = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low)
    for end in low:
        os.close(end)
    return high[0], high[1]


@contextlib.contextmanager
def opened(page: Path, *helpers: Path) -> Iterator[Browser]:
    """A browser that shows a file, with scripts of the test's own run before those of any page."""
    with Browser() as browser:
        browser.help(*helpers)
        browser.open(page)
        yield browser
