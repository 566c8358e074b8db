"""An MJPEG camera as a program: multipart/x-mixed-replace over HTTP, on loopback.

    python mjpeg_server.py PORT

It prints its port, then one line per request. The path says how it behaves: /live sends frames
without end; /stall sends a few and then nothing more, with the connection open; /silent takes the
connection and answers nothing; /garbage sends noise where pictures should be; /dirty sends
noise between pictures; /missing is 404; /auth wants a name and a password.
"""

from __future__ import annotations

import base64
import io
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image

FEW = 20
CREDENTIALS = "Basic " + base64.b64encode(b"viewer:p@ss/w:rd").decode()


def jpeg(index: int) -> bytes:
    """A picture that differs from its neighbours."""
    pixels = np.full((48, 64, 3), (index * 7) % 200 + 20, np.uint8)
    pixels[:, : index % 64] = (200, 60, 20)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return stream.getvalue()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        print("GET", self.path, flush=True)
        if self.path == "/silent":
            time.sleep(3600)
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/auth" and self.headers.get("Authorization") != CREDENTIALS:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        rng = np.random.default_rng(0)
        index = 0
        while True:
            body = jpeg(index)
            is_noise = self.path == "/garbage" or (self.path == "/dirty" and index % 3 == 2)
            if is_noise:
                body = rng.integers(0, 256, len(body), dtype=np.uint8).tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body + b"\r\n")
            index += 1
            if self.path == "/stall" and index == FEW:
                time.sleep(3600)
            time.sleep(0.02)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # Clients that leave are no news.


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
