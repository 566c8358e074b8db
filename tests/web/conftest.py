"""What the tests of the page share: the page's server and Chromium."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.tools import needs
from tests.web.site import ROOT, served

CHROMIUM = "/usr/bin/chromium"
OPTIONS = ("--no-sandbox", "--disable-dev-shm-usage")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def runtime() -> None:
    """LiteRT and axe from npm."""
    needs("npm")
    subprocess.run([sys.executable, str(ROOT / "scripts/web/vendor.py")], check=True)


@pytest.fixture(scope="session")
def url(runtime: None) -> Iterator[str]:
    """Address of the page, with the tests' own files beside it."""
    with served() as address:
        yield address


@pytest.fixture(scope="session")
def playwright() -> Iterator[Any]:
    needs("chromium")
    if os.environ.get("EDGEIQA_NEED_TOOLS"):
        import playwright.sync_api as api
    else:
        api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as started:
        yield started


Launch = Callable[..., Any]


@contextmanager
def launched(playwright: Any, *more: str) -> Iterator[Any]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*OPTIONS, *more])
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture(scope="session")
def browser(playwright: Any) -> Iterator[Any]:
    with launched(playwright) as started:
        yield started


@pytest.fixture
def launch(playwright: Any) -> Iterator[Launch]:
    """Starts a browser with further options; it ends with the test."""
    with ExitStack() as stack:
        yield lambda *more: stack.enter_context(launched(playwright, *more))


def complaints(page: Any) -> list[str]:
    """A list of the page's errors that goes on growing: those on its console, and uncaught ones."""
    lines: list[str] = []

    def said(message: Any) -> None:
        if message.type == "error":
            lines.append(message.text)

    page.on("console", said)
    page.on("pageerror", lambda error: lines.append(str(error)))
    return lines


@pytest.fixture
def open_page(browser: Any, url: str) -> Iterator[Callable[..., Any]]:
    """Opens the page and waits until it can score; nothing may go wrong on its console."""
    with ExitStack() as stack:
        watched: list[list[str]] = []

        def opened(started: Any = browser, *, at: str = url, **options: Any) -> Any:
            context = started.new_context(**{"service_workers": "block"} | options)
            stack.callback(context.close)
            page = context.new_page()
            watched.append(complaints(page))
            page.goto(at)
            page.wait_for_selector("html[data-ready]", timeout=60_000)
            return page

        yield opened
        assert [line for lines in watched for line in lines] == []
