"""Serves the page to browsers, with the headers that keep it to itself.

Only GET and HEAD are answered, and only for the page's own files: no photograph, score or anything
else can be sent here. The Content-Security-Policy lets the page connect to nobody but this server.
COOP and COEP isolate it, which browsers ask for before they allow threads in WebAssembly.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any

from edgeiqa.errors import EdgeIQAError
from edgeiqa.sinks.preview_server import is_loopback
from edgeiqa.web.site import TYPES

HOST = "127.0.0.1"
PORT = 8765

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
"""Of every answer; whoever serves the page with another server should send them as well."""

_TIMEOUT_S = 30.0


class PageServerError(EdgeIQAError, OSError):
    """The page cannot be served; the text is for the user."""


class PageServer:
    """Listens from the start, answers while `serve` runs.

    Attributes:
        url: Of the page.
        local: Whether only this machine can connect.
    """

    def __init__(self, files: Mapping[str, bytes], port: int = PORT, *, host: str = HOST) -> None:
        """Starts to listen.

        Args:
            files: Contents by address, as `Site.files`.
            port: TCP port; 0 for any free one, see `url`.
            host: Address to listen at. The default can be reached from this machine only.

        Raises:
            PageServerError: The port is taken or forbidden, or no such host; an OSError.
        """
        tags = {name: _etag(data) for name, data in files.items()}

        class Handler(_Handler):
            pages = files
            etags = tags
            loopback = is_loopback(host)

        try:
            self._http = _Http((host, port), Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise PageServerError(
                f"cannot serve at {host}:{port}: {reason}; --port 0 takes any free port"
            ) from error
        self.local = is_loopback(host)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._http.server_address[1]}/"

    def serve(self) -> None:
        """Answers until `stop` is called, then frees the port."""
        try:
            self._http.serve_forever(0.1)
        finally:
            self._http.server_close()

    def stop(self) -> None:
        """Ends `serve`, from another thread."""
        self._http.shutdown()


def _etag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Binds without the look-up of this machine's name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away is not worth a message."""


class _Handler(BaseHTTPRequestHandler):
    pages: Mapping[str, bytes]
    etags: Mapping[str, str]
    loopback: bool
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "edgeiqa", ""
    timeout = _TIMEOUT_S

    def do_GET(self) -> None:
        """Answers."""
        if self.loopback and not self._names_this_machine():
            self._send(403, "text/plain; charset=utf-8", b"this page is for this machine only\n")
            return
        address = self.path.partition("?")[0].lstrip("/") or "index.html"
        data = self.pages.get(address)
        if data is None:
            self._send(404, "text/plain; charset=utf-8", b"there is no such file\n")
            return
        kind = TYPES.get(PurePosixPath(address).suffix, "application/octet-stream")
        etag = self.etags[address]
        if self.headers.get("If-None-Match") == etag:
            self._send(304, kind, b"", etag)
        else:
            self._send(200, kind, data, etag)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def _names_this_machine(self) -> bool:
        """Whether no name of elsewhere was pointed at this machine (DNS rebinding)."""
        host = self.headers.get("Host", "")
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        return is_loopback(name)

    def _send(self, code: int, kind: str, body: bytes, etag: str | None = None) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if etag is not None:
            self.send_header("ETag", etag)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""
