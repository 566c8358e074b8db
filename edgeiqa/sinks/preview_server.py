"""Serves a live stream to browsers: a page, MJPEG and the latest result as JSON.

| path | content |
| --- | --- |
| `/` | the page |
| `/stream.mjpg` | the frames with overlay, `multipart/x-mixed-replace` of JPEGs |
| `/frame.jpg` | the newest of them |
| `/latest.json` | the newest result, statistics and event |

Each viewer gets the newest frame when it is ready for one: a slow viewer skips frames and never
makes memory grow. A frame is drawn and encoded once for all viewers, and not at all while nobody
is watching. Connections are bounded: when there are too many, the oldest that does not watch the
stream is closed. Only this machine can connect unless another host is requested, and then a
request must name this machine as its host, so that no web page elsewhere can read the camera
through a name that it resolves to 127.0.0.1 (DNS rebinding).
"""

from __future__ import annotations

import contextlib
import io
import ipaddress
import json
import select
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

from edgeiqa.errors import EdgeIQAError
from edgeiqa.sinks.preview_page import PAGE

HOST = "127.0.0.1"
MAX_VIEWERS = 16
MAX_CONNECTIONS = 64
JPEG_QUALITY = 80

_BOUNDARY = "edgeiqa-frame"
_SEND_TIMEOUT_S = 10.0
"""A viewer that accepts nothing for this long is disconnected."""

_CHECK_INTERVAL_S = 2.0
"""Interval of checks for disconnected viewers while no frame arrives."""

_SEND_BUFFER = 256 * 1024
"""Bytes that the system buffers for a viewer; more would delay a slow one."""

_POLICY = (
    "default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
)


class PreviewServerError(EdgeIQAError, OSError):
    """The preview cannot be served; the text is for the user."""


class PreviewServer:
    """Serves whatever was published last, in its own threads."""

    def __init__(self, port: int, *, host: str = HOST) -> None:
        """Starts listening.

        Args:
            port: TCP port; 0 for any free one, see `url`.
            host: Address to listen on. The default is reachable from this machine only; with
                "0.0.0.0" anybody who can reach it sees the camera.

        Raises:
            PreviewServerError: The port is taken or forbidden, or the host unknown; an OSError.
        """
        self._changed = threading.Condition()
        self._encoding = threading.Lock()
        self._number = 0
        self._render: Callable[[], Image.Image] | None = None
        self._encoded: tuple[int, bytes] = (0, b"")
        self._status: dict[str, Any] = {}
        self._closed = False
        self._viewers = 0
        self.local = is_loopback(host)
        """Whether only this machine can connect."""
        server = self

        class Handler(_Handler):
            preview = server

        try:
            self._http = _Http((host, port), Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise PreviewServerError(f"cannot serve at {host}:{port}: {reason}") from error
        shown = f"[{host}]" if ":" in host else host
        self.port: int = self._http.server_address[1]
        self.url = f"http://{shown}:{self.port}/"
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.1,), name="edgeiqa-preview", daemon=True
        )
        self._thread.start()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @property
    def viewers(self) -> int:
        """Number of viewers of the stream."""
        return self._viewers

    def publish(self, render: Callable[[], Image.Image] | None, status: dict[str, Any]) -> None:
        """Shows the next frame; returns at once.

        Args:
            render: Creates the picture, mode RGB; called at most once, in a viewer's thread, and
                only if somebody is watching. None keeps the current picture.
            status: For `/latest.json`; must not be changed any more.
        """
        with self._changed:
            self._status = status
            if render is not None:
                self._render = render
                self._number += 1
                self._changed.notify_all()

    def close(self) -> None:
        """Disconnects all viewers and frees the port; may be repeated."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(1.0)

    def status(self) -> dict[str, Any]:
        """The content of `/latest.json`."""
        with self._changed:
            return self._status

    def next_jpeg(self, after: int, timeout: float | None = None) -> tuple[int, bytes] | None:
        """Waits for a frame newer than number `after`, 0 for any.

        Returns:
            Its number and the JPEG; None after `close` or the timeout.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._number > after, timeout)
            if self._closed or self._number <= after:
                return None
        with self._encoding:  # The others wait for the one that draws, and take its result.
            with self._changed:
                number, render = self._number, self._render
            if self._encoded[0] != number and render is not None:
                stream = io.BytesIO()
                render().save(stream, "JPEG", quality=JPEG_QUALITY)
                self._encoded = (number, stream.getvalue())
            return self._encoded

    @contextlib.contextmanager
    def watching(self) -> Iterator[bool]:
        """Counts a viewer; yields whether there is room for it."""
        with self._changed:
            room = self._viewers < MAX_VIEWERS
            self._viewers += room
        try:
            yield room
        finally:
            with self._changed:
                self._viewers -= room


def is_loopback(host: str) -> bool:
    """Whether an address or name stands for this machine only."""
    name = host.strip("[]").partition("%")[0].lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.address_family = family
        self._lock = threading.Lock()
        self._waiting: dict[socket.socket, None] = {}  # Not watching the stream, oldest first.
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Binds without looking up this machine's name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Makes room for a new connection."""
        with self._lock:
            while len(self._waiting) >= MAX_CONNECTIONS - MAX_VIEWERS:
                oldest = next(iter(self._waiting))
                del self._waiting[oldest]
                with contextlib.suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)  # Its thread notices and closes it.
            self._waiting[request] = None
        super().process_request(request, client_address)

    def forget(self, request: socket.socket) -> None:
        """A connection ended, or watches the stream from now on."""
        with self._lock:
            self._waiting.pop(request, None)

    def shutdown_request(self, request: Any) -> None:
        """Closes a connection."""
        self.forget(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A viewer that disconnects is not worth a message."""


class _Handler(BaseHTTPRequestHandler):
    preview: PreviewServer
    protocol_version = "HTTP/1.0"  # One response per connection, ended by closing it.
    server_version, sys_version = "edgeiqa", ""
    timeout = _SEND_TIMEOUT_S

    def do_GET(self) -> None:
        """Responds to a request."""
        if not self._is_for_us():
            self._send(403, "text/plain", b"this preview is for this machine only\n")
            return
        path = self.path.partition("?")[0]
        if path == "/":
            self._send(200, "text/html; charset=utf-8", PAGE.encode())
        elif path == "/latest.json":
            text = json.dumps(self.preview.status(), allow_nan=False)
            self._send(200, "application/json", text.encode())
        elif path == "/frame.jpg":
            newest = self.preview.next_jpeg(0, timeout=5.0)
            if newest is None:
                self._send(503, "text/plain", b"no frame yet\n")
            else:
                self._send(200, "image/jpeg", newest[1])
        elif path == "/stream.mjpg":
            with self.preview.watching() as room:
                if room:
                    self.server.forget(self.connection)  # type: ignore[attr-defined]
                    self._stream()
                else:
                    self._send(503, "text/plain", b"too many viewers\n")
        else:
            paths = b"paths: /, /stream.mjpg, /frame.jpg, /latest.json\n"
            self._send(404, "text/plain", paths)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def _is_for_us(self) -> bool:
        if not self.preview.local:
            return True
        host = self.headers.get("Host", "")
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        return is_loopback(name)

    def _send(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        self._headers(kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _headers(self, kind: str) -> None:
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")

    def _stream(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send_response(200)
        self._headers(f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        self.end_headers()
        number = 0
        while self.command != "HEAD":
            newest = self.preview.next_jpeg(number, _CHECK_INTERVAL_S)
            if newest is None:
                if self.preview.closed or self._is_gone():
                    return
                continue
            number, jpeg = newest
            head = (
                f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            )
            self.wfile.write(head.encode() + jpeg + b"\r\n")

    def _is_gone(self) -> bool:
        """Whether the viewer has disconnected, which otherwise only the next frame would show."""
        poll = select.poll() if hasattr(select, "poll") else None
        if poll is None:  # Windows.
            ready = bool(select.select([self.connection], [], [], 0)[0])
        else:  # select() fails for descriptors above 1023.
            poll.register(self.connection, select.POLLIN)
            ready = bool(poll.poll(0))
        return ready and not self.connection.recv(1024, socket.MSG_PEEK)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""
