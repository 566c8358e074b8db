"""Videos and MJPEG streams, as ffmpeg's libraries and our wrapping of their pictures see them."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeiqa.errors import SourceError
from edgeiqa.imaging.frame import Frame
from edgeiqa.sources.av import VideoFeed
from edgeiqa.sources.clock import RisingClock
from edgeiqa.sources.reader_thread import Skipped
from tests.edgeiqa.pictures import photograph
from tests.fuzz.target import Target, has_text, scratch

KINDS = (
    *(("mjpeg", "avi", "yuvj420p"), ("mjpeg", "mjpeg", "yuvj420p"), ("mpeg4", "mp4", "yuv420p")),
    *(("libx264", "matroska", "yuv420p"), ("rawvideo", "avi", "yuyv422"), ("gif", "gif", "rgb8")),
    *(("ffv1", "nut", "gray"), ("mjpeg", "mpjpeg", "yuvj422p"), ("png", "mov", "rgba")),
)
MAX_FRAMES = 8


class Videos(Target):
    """Whole files through `VideoFeed`."""

    name = "video"
    about = (
        "videos and MJPEG streams of nine containers and codecs, mutated, through `VideoFeed`: "
        "frames, skipped frames or one error"
    )
    tokens = (
        *(
            b"moov",
            b"mdat",
            b"ftypisom",
            b"RIFF",
            b"AVI LIST",
            b"idx1",
            b"\x1a\x45\xdf\xa3",
            b"\0\0\1",
        ),
        *(
            b"\xff\xd8",
            b"\xff\xd9",
            b"\xff\xda",
            b"--ffmpeg\r\n",
            b"Content-Length: -1\r\n",
            b"GIF89a",
        ),
    )

    def seeds(self) -> Sequence[bytes]:
        """Three frames of each kind."""
        return [_video(*kind) for kind in KINDS]

    def open(self) -> None:
        """Makes a folder for the file; keeps ffmpeg's remarks to itself."""
        import av

        av.logging.set_level(None)
        self._folder = scratch()
        self._file = Path(self._folder.name) / "video"

    def close(self) -> None:
        """Takes it away."""
        self._folder.cleanup()

    def run(self, data: bytes) -> str:
        """Reads its first frames."""
        self._file.write_bytes(data)
        feed = VideoFeed(os.fspath(self._file), RisingClock(), live=False, timeout_s=8.0)
        frames = skipped = 0
        try:
            feed.open()
            for item in feed.read():
                assert isinstance(item, (Frame, Skipped))
                if isinstance(item, Frame):
                    frames += 1
                    assert min(item.size) >= 1
                    # Reaches every row that a frame claims to have.
                    assert 0 <= int(item.pixels[-1].max()) <= 255
                else:
                    skipped += 1
                if frames + skipped >= MAX_FRAMES:
                    break
        except SourceError as error:
            has_text(error)
            return "SourceError after frames" if frames else "SourceError"
        finally:
            feed.close()
        return "frames, some skipped" if skipped and frames else "frames" if frames else "none"


def _video(codec: str, container: str, pixel_format: str) -> bytes:
    import av

    stream = io.BytesIO()
    with av.open(stream, "w", format=container) as output:
        track: Any = output.add_stream(codec, rate=5)
        track.width, track.height, track.pix_fmt = 32, 24, pixel_format
        for index in range(3):
            picture = photograph().rotate(120 * index).resize((32, 24))
            for packet in track.encode(
                av.VideoFrame.from_image(picture).reformat(format=pixel_format)
            ):
                output.mux(packet)
        for packet in track.encode(None):
            output.mux(packet)
    return stream.getvalue()
