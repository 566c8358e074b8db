"""What a hostile camera can make `edgeiqa live` hold in memory."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("av")

GIGABYTE = 1000

RUN = r"""
import json, re, sys
from edgeiqa.cli.main import main
code = main(["live", sys.argv[1], "--model", "nano", "--duration", "6"])
# Not ru_maxrss, which a process takes over from the one that started it.
peak = re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())
print(json.dumps([code, int(peak[1]) // 1024]))
"""


class Endless(http.server.BaseHTTPRequestHandler):
    """Sends a part of a gigabyte, with or without its length, at full speed."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=f")
        self.end_headers()
        length = b"Content-Length: %d\r\n" % (GIGABYTE << 20) if "length" in self.path else b""
        try:
            self.wfile.write(b"--f\r\nContent-Type: image/jpeg\r\n" + length + b"\r\n")
            for _ in range(GIGABYTE):
                self.wfile.write(bytes(1 << 20))
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("path", ["", "length"])
def test_a_part_of_a_gigabyte_is_not_collected(port: int, path: str, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{port}/{path}"
    done = subprocess.run(
        [sys.executable, "-c", RUN, address],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout, done.stderr
    _, megabytes = json.loads(done.stdout.splitlines()[-1])
    assert megabytes < 400, done.stderr
