"""A network camera as a program: RTSP 1.0 over TCP with H.264 in RTP, on loopback.

    python rtsp_server.py PORT [NAME:PASSWORD]

It prints its port, then one line per request that starts a stream. ffmpeg's libraries encode
and packetise (RFC 6184); the RTSP dialogue (RFC 2326) and the interleaving are done here. The
path says how it behaves: /live sends frames without end; /stall a few and then nothing more.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import socketserver
import sys
import threading
import time
from fractions import Fraction

import av
import numpy as np

FEW = 100
RATE = 25
SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\n"
    "a=control:track1\r\n"
)
CREDENTIALS = sys.argv[2] if len(sys.argv) > 2 else None


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self._dialogue()

    def _dialogue(self) -> None:
        while True:
            line = self.rfile.readline().decode()
            if not line:
                return
            if line.startswith("$"):
                continue
            headers = {}
            while (header := self.rfile.readline().decode().strip()) != "":
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            method, url, _ = line.split()
            self._answer(method, url, headers)
            if method == "PLAY":
                print("PLAY", url, flush=True)
                self._play(stalls="/stall" in url)
                return
            if method == "TEARDOWN":
                return

    def _answer(self, method: str, url: str, headers: dict[str, str]) -> None:
        status, extra, body = "200 OK", "", ""
        if CREDENTIALS is not None and method != "OPTIONS":
            wanted = "Basic " + base64.b64encode(CREDENTIALS.encode()).decode()
            if headers.get("authorization") != wanted:
                status, extra = "401 Unauthorized", 'WWW-Authenticate: Basic realm="camera"\r\n'
        if status == "200 OK":
            if method == "OPTIONS":
                extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
            elif method == "DESCRIBE":
                body = SDP
                extra = f"Content-Base: {url}/\r\nContent-Type: application/sdp\r\n"
            elif method == "SETUP":
                extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
            elif method == "PLAY":
                extra = "Session: 1\r\n"
        self.wfile.write(
            f"RTSP/1.0 {status}\r\nCSeq: {headers.get('cseq', '0')}\r\n{extra}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )

    def _play(self, *, stalls: bool) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as packets:
            packets.bind(("127.0.0.1", 0))
            packets.settimeout(0.5)
            gone = threading.Event()
            camera = threading.Thread(
                target=encode, args=(packets.getsockname()[1], gone, stalls), daemon=True
            )
            camera.start()
            try:
                while True:
                    try:
                        packet = packets.recv(65536)
                    except TimeoutError:
                        continue
                    if not 200 <= packet[1] <= 204:  # Those are RTCP, not RTP.
                        self.wfile.write(b"$\0" + len(packet).to_bytes(2, "big") + packet)
            finally:
                gone.set()
                camera.join()


def encode(port: int, gone: threading.Event, stalls: bool) -> None:
    """Sends RTP packets of a moving picture to a port."""
    address = f"rtp://127.0.0.1:{port}?pkt_size=1200"
    with av.open(address, "w", format="rtp") as container:
        stream = container.add_stream(
            "libx264", rate=RATE, options={"tune": "zerolatency", "preset": "ultrafast"}
        )
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.gop_size = 5
        index = 0
        while not gone.is_set():
            pixels = np.full((120, 160, 3), 60, np.uint8)
            pixels[:, : index * 3 % 160] = (200, 120, 40)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
            index += 1
            if stalls and index >= FEW:
                gone.wait()
            time.sleep(1 / RATE)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # Clients that leave are no news.


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
