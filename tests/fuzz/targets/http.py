"""Requests to the preview server."""

from __future__ import annotations

import contextlib
import random
import re
import socket
from collections.abc import Sequence

from PIL import Image

from edgeiqa.sinks.preview_server import PreviewServer, is_loopback
from tests.fuzz.target import Target

PICTURE = b"\xff\xd8\xff"


class Requests(Target):
    """Bytes that come in over the connection."""

    name = "http"
    about = (
        "bytes sent to the preview server over a loopback connection: it answers properly or hangs "
        "up, goes on serving, and shows no picture to another host's name"
    )
    tokens = (
        *(
            b"GET ",
            b"HEAD ",
            b"POST ",
            b"PRI * HTTP/2.0\r\n\r\n",
            b" HTTP/1.1\r\n",
            b" HTTP/0.9\r\n",
        ),
        *(
            b"/frame.jpg",
            b"/latest.json",
            b"/stream.mjpg",
            b"/../../etc/passwd",
            b"%2e%2e%2f",
            b"//",
        ),
        *(
            b"Host: localhost\r\n",
            b"Host: evil.example\r\n",
            b"Host: [::1]:80\r\n",
            b"Host: 127.1\r\n",
        ),
        *(
            b"Content-Length: -1\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"\r\n\r\n",
            b"\0",
            b"X: y\r\n" * 120,
        ),
        *(b"Expect: 100-continue\r\n", b"Connection: keep-alive\r\n", b"A" * 70_000, b"\xff\xfe"),
    )

    def seeds(self) -> Sequence[bytes]:
        """Valid requests; the stream, which has no end, is only among the tokens."""
        return [
            b"%s %s HTTP/1.%d\r\nHost: %s\r\nAccept: */*\r\n\r\n" % (verb, path, minor, host)
            for verb in (b"GET", b"HEAD", b"POST")
            for path in (b"/", b"/frame.jpg", b"/latest.json", b"/x?y#z")
            for minor in (0, 1)
            for host in (b"localhost:80", b"127.0.0.1", b"evil.example", b"[::1]:8080")
        ]

    def make(self, rng: random.Random) -> bytes:
        """A mutated request, now and then two."""
        return super().make(rng) + (super().make(rng) if rng.randrange(8) == 0 else b"")

    def open(self) -> None:
        """Starts the server."""
        self._server = PreviewServer(0)
        picture = Image.new("RGB", (8, 8), "red")
        self._server.publish(lambda: picture, {"result": None})

    def close(self) -> None:
        """Ends it."""
        self._server.close()

    def run(self, data: bytes) -> str:
        """Sends it, then asks properly."""
        answer = self._ask(data)
        if not answer:
            return "hung up"
        found = re.match(rb"HTTP/1\.[01] (\d\d\d) ", answer)
        host = re.search(rb"^host[ \t]*:[ \t]*([^\r\n]*)", data, re.IGNORECASE | re.MULTILINE)
        if PICTURE in answer and host is not None and data.count(b"\n") < 90:
            name = host[1].decode("latin-1").strip()
            name = name.rpartition(":")[0] if not name.endswith("]") and ":" in name else name
            assert is_loopback(name), f"shown to {name!r}"
        if found is None:
            # HTTP 0.9, which has no head, and errors about it.
            return "answered without a head"
        return found[1].decode()

    def _ask(self, data: bytes) -> bytes:
        answer = b""
        with socket.create_connection(("127.0.0.1", self._server.port), timeout=8) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                while piece := connection.recv(1 << 16):
                    answer += piece
                    if b"multipart/x-mixed-replace" in answer:
                        break  # The stream: it has no end.
        return answer
