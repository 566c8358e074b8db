"""The server of the page: its files, its headers, and nothing else."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest

from edgeiqa.web.server import HEADERS, PageServer, PageServerError

FILES = {"index.html": b"<p>page", "core/index.js": b"export {};", "litert/a.wasm": b"\0asm"}


@pytest.fixture
def server() -> Iterator[PageServer]:
    started = PageServer(FILES, 0)
    thread = threading.Thread(target=started.serve, daemon=True)
    thread.start()
    yield started
    started.stop()
    thread.join(5)


def ask(
    server: PageServer, path: str, method: str = "GET", **headers: str
) -> tuple[HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    response = connection.getresponse()
    return response, response.read()


@pytest.mark.parametrize(
    ("path", "kind", "data"),
    [
        ("/", "text/html; charset=utf-8", FILES["index.html"]),
        ("/index.html?x=1", "text/html; charset=utf-8", FILES["index.html"]),
        ("/core/index.js", "text/javascript; charset=utf-8", FILES["core/index.js"]),
        ("/litert/a.wasm", "application/wasm", FILES["litert/a.wasm"]),
    ],
)
def test_files_come_with_their_type_and_the_headers(
    path: str, kind: str, data: bytes, server: PageServer
) -> None:
    response, body = ask(server, path)
    assert (response.status, response.getheader("Content-Type"), body) == (200, kind, data)
    for name, value in HEADERS.items():
        assert response.getheader(name) == value


@pytest.mark.parametrize("path", ["/core", "/../pyproject.toml", "/core/../index.html", "/%2e%2e/"])
def test_there_is_nothing_else(path: str, server: PageServer) -> None:
    response, _ = ask(server, path)
    assert response.status == 404
    assert response.getheader("Content-Security-Policy") == HEADERS["Content-Security-Policy"]


def test_what_a_browser_has_is_not_sent_again(server: PageServer) -> None:
    response, _ = ask(server, "/")
    etag = response.getheader("ETag")
    assert etag
    again, body = ask(server, "/", If_None_Match=etag)
    assert (again.status, body) == (304, b"")
    other, body = ask(server, "/core/index.js", If_None_Match=etag)
    assert (other.status, body) == (200, FILES["core/index.js"])
    head, body = ask(server, "/", "HEAD")
    assert (head.getheader("Content-Length"), body) == ("7", b"")


def test_nothing_can_be_sent_to_it(server: PageServer) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert ask(server, "/", method)[0].status == 501


def test_a_name_from_elsewhere_is_refused(server: PageServer) -> None:
    assert ask(server, "/", Host="evil.test")[0].status == 403
    assert ask(server, "/", Host="localhost:1234")[0].status == 200


def test_a_taken_port_is_told(server: PageServer) -> None:
    port = urlsplit(server.url).port
    assert port
    with pytest.raises(PageServerError, match=f"{port}.*--port 0"):
        PageServer(FILES, port)
    with pytest.raises(PageServerError):
        PageServer(FILES, 0, host="203.0.113.7")
