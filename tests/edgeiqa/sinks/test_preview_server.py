"""Browsers see the newest frame, slow ones skip, and nobody else's page can look."""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from edgeiqa.sinks.preview_server import (
    MAX_CONNECTIONS,
    MAX_VIEWERS,
    PreviewServer,
    PreviewServerError,
    is_loopback,
)

WAIT_S = 20.0


@pytest.fixture
def server() -> Iterator[PreviewServer]:
    one = PreviewServer(0)
    yield one
    one.close()


def picture(value: int, size: tuple[int, int] = (64, 48)) -> Callable[[], Image.Image]:
    return lambda: Image.new("RGB", size, (value, value, value))


def get(
    server: PreviewServer, path: str, **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_S)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


class Viewer:
    """Reads the stream part by part."""

    def __init__(self, server: PreviewServer, path: str = "/stream.mjpg") -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S)
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(": ")
            self.headers[name.lower()] = value

    def part(self) -> int | None:
        """The brightness of the next picture; None at the end."""
        if not self.file.readline():
            return None
        length = 0
        while line := self.file.readline().strip():
            if line.lower().startswith(b"content-length"):
                length = int(line.split()[1])
        with Image.open(io.BytesIO(self.file.read(length))) as image:
            value = int(np.asarray(image).mean().round())
        self.file.readline()
        return value

    def close(self) -> None:
        self.file.close()
        self.socket.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_page_needs_nothing_from_elsewhere(server: PreviewServer) -> None:
    code, headers, body = get(server, "/")
    assert (code, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    text = body.decode()
    assert not re.search(r"(src|href)=\"(https?:)?//|@import|url\(", text)
    assert 'src="stream.mjpg"' in text
    assert 'lang="en"' in text
    assert "alt=" in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


def test_the_latest_result(server: PreviewServer) -> None:
    assert json.loads(get(server, "/latest.json")[2]) == {}
    server.publish(None, {"name": "Kamera ä", "result": {"score": 50.0}})
    code, headers, body = get(server, "/latest.json?now")
    assert (code, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body)["name"] == "Kamera ä"
    # Another site's page may neither read nor embed it.
    assert "Access-Control-Allow-Origin" not in headers
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_several_viewers_see_each_frame_and_it_is_drawn_once(server: PreviewServer) -> None:
    drawn = []

    def render() -> Image.Image:
        drawn.append(1)
        return picture(200)()

    viewers = [Viewer(server) for _ in range(3)]
    assert viewers[0].headers["content-type"].startswith("multipart/x-mixed-replace; boundary=")
    until(lambda: server.viewers == 3)
    server.publish(render, {})
    assert [viewer.part() for viewer in viewers] == [200] * 3
    server.publish(picture(100), {})
    assert [viewer.part() for viewer in viewers] == [100] * 3
    assert len(drawn) == 1
    for viewer in viewers:
        viewer.close()
    until(lambda: server.viewers == 0)


def test_nobody_looks_nothing_is_drawn(server: PreviewServer) -> None:
    for _ in range(10):
        server.publish(lambda: pytest.fail("drawn for nobody"), {})
    server.publish(picture(70), {})
    code, headers, body = get(server, "/frame.jpg")
    assert (code, headers["Content-Type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(body)) as image:
        assert image.size == (64, 48)


def test_a_slow_viewer_skips_frames_and_holds_up_nobody(server: PreviewServer) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    slow, quick = Viewer(server), Viewer(server)
    until(lambda: server.viewers == 2)
    drawn: list[int] = []

    def render(number: int) -> Callable[[], Image.Image]:
        def draw() -> Image.Image:
            drawn.append(number)
            return Image.fromarray(noise)

        return draw

    for number in range(60):  # Some 400 kB each: far more than the system holds for a viewer.
        server.publish(render(number), {})
        assert quick.part() is not None
    assert drawn == list(range(60))
    server.publish(picture(33), {})
    assert quick.part() == 33
    # What the slow one finds is what was on its way, then the newest.
    seen = 0
    while slow.part() != 33:
        seen += 1
    assert seen < 40
    slow.close()
    quick.close()


def test_a_viewer_that_leaves_is_forgotten_though_no_frame_comes(server: PreviewServer) -> None:
    viewer = Viewer(server)
    until(lambda: server.viewers == 1)
    viewer.close()
    until(lambda: server.viewers == 0)


def test_too_many_viewers_are_sent_away(server: PreviewServer) -> None:
    viewers = [Viewer(server) for _ in range(MAX_VIEWERS)]
    until(lambda: server.viewers == MAX_VIEWERS)
    late = Viewer(server)
    assert late.status == 503
    for viewer in (late, *viewers):
        viewer.close()


def test_closing_sends_viewers_away_at_once_and_frees_the_port(server: PreviewServer) -> None:
    viewers = [Viewer(server) for _ in range(3)]
    until(lambda: server.viewers == 3)
    start = time.monotonic()
    server.close()
    server.close()
    assert [viewer.part() for viewer in viewers] == [None] * 3
    assert time.monotonic() - start < 1.0
    PreviewServer(server.port).close()
    until(lambda: not [t for t in threading.enumerate() if t.name == "edgeiqa-preview"])


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("localhost", 200), ("127.0.0.1:80", 200), ("[::1]:9000", 200), ("[::1]", 200),
        ("camera.example", 403), ("127.0.0.1.example:80", 403), ("", 403), ("10.0.0.1", 403),
    ],
)  # fmt: skip
def test_only_requests_to_this_machine_are_answered(
    server: PreviewServer, host: str, code: int
) -> None:
    for path in ("/", "/latest.json"):
        assert get(server, path, Host=host)[0] == code


def test_other_addresses_answer_other_names() -> None:
    server = PreviewServer(0, host="0.0.0.0")
    try:
        assert not server.local
        assert get(server, "/", Host="camera.example")[0] == 200
    finally:
        server.close()


def test_what_is_not_there(server: PreviewServer) -> None:
    for path in ("/nothing", "/../etc/passwd", "/stream.mjpg/x"):
        code, _, body = get(server, path)
        assert code == 404
        assert b"/latest.json" in body


def test_a_port_that_is_taken(server: PreviewServer) -> None:
    with pytest.raises(PreviewServerError, match=rf"cannot serve at 127\.0\.0\.1:{server.port}"):
        PreviewServer(server.port)
    with pytest.raises(PreviewServerError, match="cannot serve at 127"):
        PreviewServer(70_000)
    with pytest.raises(PreviewServerError, match="cannot serve at 192"):
        PreviewServer(0, host="192.0.2.1")


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("LocalHost", True),
     ("0.0.0.0", False), ("::", False), ("example.org", False), ("", False)],
)  # fmt: skip
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
def test_slow_connections_exhaust_no_descriptors(server: PreviewServer) -> None:
    """Each sends half a request and waits; a viewer and an ordinary request still get through."""
    viewer = Viewer(server)
    until(lambda: server.viewers == 1)
    before = len(os.listdir("/proc/self/fd"))
    slow = []
    for _ in range(400):
        slow.append(socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S))
        slow[-1].sendall(b"GET / HTT")
    until(lambda: len(os.listdir("/proc/self/fd")) - before - len(slow) <= MAX_CONNECTIONS)
    assert get(server, "/latest.json")[0] == 200
    server.publish(picture(90), {})
    assert viewer.part() == 90
    viewer.close()
    for one in slow:
        one.close()
