"""Raw frames out of a pipe."""

from __future__ import annotations

import os
import tempfile

from edgeiqa.errors import SourceError
from edgeiqa.sources.clock import RisingClock
from edgeiqa.sources.open import open_source
from edgeiqa.sources.raw_pipe import PIXEL_FORMATS, RawFeed, raw_pixel_format
from edgeiqa.sources.reader_thread import Skipped
from tests.fuzz.draw import Draw
from tests.fuzz.target import DrawnTarget, has_text

NAMES = (*PIXEL_FORMATS, "YUYV422", "yuv444p", "", "YUV_420_888", "ﬁ", "\0")


class Raw(DrawnTarget):
    """`RawFeed`, and the settings of the source that it belongs to."""

    name = "raw"
    about = (
        "raw frames of every pixel format out of a file, cut anywhere, and names and settings of "
        "sources at random: whole frames are delivered, the rest is reported"
    )
    length = 80

    def run(self, data: bytes) -> str:
        """Opens a source by a made-up name, or reads frames."""
        draw = Draw(data)
        if draw.chance(3):
            return self._open(draw)
        try:
            pixel_format = raw_pixel_format(draw.choice(NAMES))
        except ValueError:
            return "ValueError"
        size = draw.integer(1, 40), draw.integer(1, 40)
        whole = pixel_format.frame_bytes(*size)
        count, rest = draw.integer(0, 3), draw.integer(0, whole - 1)
        with tempfile.TemporaryFile() as stream:
            stream.write(os.urandom(count * whole + rest))
            stream.seek(0)
            feed = RawFeed(
                *(stream.fileno(), size, pixel_format, RisingClock()),
                frame_rate=draw.choice((None, 1.0, 1e-9, 1e9)),
            )
            feed.open()
            try:
                got = list(feed.read())
            except SourceError:
                assert count == rest == 0, "nothing came, but there was something"
                return "SourceError"
            feed.close()
        assert len(got) == count + (rest > 0)
        assert isinstance(got[-1], Skipped) == (rest > 0)
        return "frames"

    def _open(self, draw: Draw) -> str:
        words = (
            "",
            "-",
            "x.mp4",
            "/dev/video9",
            "picamera2:99999",
            "v4l2:",
            "lavfi:",
            "rtsp:/x",
            "a://",
        )
        spec = draw.choice((*words, draw.piece(20).decode("utf-8", "surrogateescape")))
        options = {
            "size": draw.choice((None, (1, 1), (0, 5), (1, 2, 3), (1 << 40, 1 << 40))),
            "pixel_format": draw.choice((None, *NAMES)),
            "frame_rate": draw.choice((None, 0, -1.0, float("nan"), float("inf"), 25)),
            "stall_s": draw.choice((5.0, 0.0, float("nan"), float("inf"))),
        }
        chosen = {key: value for key, value in options.items() if value is not None}
        try:
            source = open_source(spec, **chosen)  # type: ignore[arg-type]
        except (ValueError, ImportError) as error:
            has_text(error)
            return type(error).__name__
        source.close()
        return "source"
