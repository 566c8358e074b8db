"""Videos, cameras and streams through PyAV, the Python binding of ffmpeg's libraries."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from edgeiqa.errors import SourceError
from edgeiqa.imaging.frame import Frame
from edgeiqa.sources.av_frame import ColorHint, to_frame
from edgeiqa.sources.clock import RisingClock
from edgeiqa.sources.reader_thread import Skipped

KEYFRAME_WAIT_S = 12.0
"""Maximum wait for a keyframe after lost data, in stream seconds: longer than the ten seconds
between keyframes of common encoders, and finite for streams that refresh gradually without any."""

_MAX_FAILURES = 100
"""Consecutive failed reads after which a file is given up."""

_SECOND_NS = 1_000_000_000


MAX_ALLOCATION = 128 << 20
"""Maximum bytes per memory block of ffmpeg in `edgeiqa live`; an 8K picture needs up to 100 MB.

Without it, a server could send a multipart JPEG of gigabytes, which the demuxer buffers in memory.
"""


def limit_allocations(limit: int = MAX_ALLOCATION) -> bool:
    """Limits the size of single memory blocks in PyAV's ffmpeg, for the whole process.

    Larger packets are truncated, and larger pictures fail.

    Args:
        limit: In bytes.

    Returns:
        Whether the limit was set; False if ffmpeg's symbols are hidden.
    """
    try:
        library = ctypes.CDLL(import_av()._core.__file__)
        library.av_max_alloc.argtypes = [ctypes.c_size_t]
        library.av_max_alloc.restype = None
    except (AttributeError, OSError):
        return False
    library.av_max_alloc(limit)
    return True


def import_av() -> ModuleType:
    """Imports PyAV; an ImportError says how to install it."""
    try:
        import av
    except ImportError as error:
        raise ImportError(
            f'videos, cameras and streams need PyAV ({error}): pip install "edgeiqa[video]"'
        ) from error
    return av


class VideoFeed:
    """One connection to anything ffmpeg opens: the frames of its best video stream.

    After lost or damaged data, decoders continue with pictures that refer to the missing data, and
    flag only the first of them. Therefore no frame is delivered until the next keyframe.

    Args:
        address: A path, a device or a URL.
        clock: Supplies the timestamps.
        live: Whether frames get their arrival time; otherwise their presentation time.
        container_format: ffmpeg's name of the format; None to detect it.
        options: For ffmpeg's demuxer and protocol.
        timeout_s: Seconds that connecting, probing, and each read may take; None for no limit.
        color: Overrides the colour description of YUV streams.
    """

    def __init__(
        self,
        address: str,
        clock: RisingClock,
        *,
        live: bool,
        container_format: str | None = None,
        options: dict[str, str] | None = None,
        timeout_s: float | None = None,
        color: ColorHint | None = None,
    ) -> None:
        self._av = import_av()
        self._address = address
        self._clock = clock
        self._live = live
        self._format = container_format
        self._options = dict(options or {})
        self._timeout_s = timeout_s
        self._color = color or ColorHint()
        self._stopped = threading.Event()
        self._container: Any = None
        self._stream: Any = None
        self._damage = _Damage()
        self._suspect = False

    def open(self) -> str:
        """Opens the address and finds its video stream; raises SourceError."""
        timeout = None if self._timeout_s is None else (self._timeout_s, self._timeout_s)
        started = time.monotonic()
        try:
            self._container = self._av.open(
                self._address, format=self._format, options=self._options, timeout=timeout
            )
        except (self._av.FFmpegError, OSError, ValueError) as error:
            reason = self._reason(error)
            if self._timeout_s is not None and time.monotonic() - started >= self._timeout_s:
                # Interrupted demuxers may report "invalid data" or other errors.
                reason = self._reason(TimeoutError())
            raise SourceError(f"cannot be opened ({reason})") from error
        stream = self._stream = self._video_stream()
        context = stream.codec_context
        # Decoding several frames in parallel delays a camera by that many; files do not matter.
        stream.thread_type = "SLICE" if self._live else "AUTO"
        if not context.width or context.pix_fmt is None:  # Nothing decoded yet.
            return f"{context.name}"
        return f"{context.width}x{context.height} {context.name}, {context.pix_fmt}"

    def read(self) -> Iterator[Frame | Skipped]:
        """Yields frames, and `Skipped` for undecodable data; raises SourceError on failure."""
        failures = 0
        while not self._stopped.is_set():
            try:
                for packet in self._container.demux(self._stream):
                    failures = 0
                    yield from self._decode(packet)
                    if self._stopped.is_set():
                        return
                yield from self._damage.report()
                return
            except self._av.FFmpegError as error:
                failures += 1
                if isinstance(error, BlockingIOError):  # No data yet.
                    self._stopped.wait(0.005)
                elif self._live or failures > _MAX_FAILURES:
                    raise SourceError(f"reading failed ({self._reason(error)})") from error
                else:
                    self._damage.begin(None)
                    yield Skipped(f"unreadable data ({self._reason(error)})")

    def interrupt(self) -> None:
        """Stops after the current read, which `timeout_s` limits."""
        self._stopped.set()

    def close(self) -> None:
        """Closes the container; must not be called during a read."""
        container, self._container, self._stream = self._container, None, None
        if container is not None:
            container.close()

    def _video_stream(self) -> Any:
        streams = list(self._container.streams)
        videos = [
            stream
            for stream in streams
            if stream.type == "video" and stream.codec_context is not None and not _is_cover(stream)
        ]
        if not videos:
            kinds = ", ".join(sorted({stream.type for stream in streams})) or "nothing"
            raise SourceError(f"contains no video, only {kinds}")
        return max(videos, key=lambda stream: stream.width * stream.height)

    def _decode(self, packet: Any) -> Iterator[Frame | Skipped]:
        # Parsers read ahead, so the damaged packet may be the one after the flagged one.
        suspect, self._suspect = self._suspect, packet.is_corrupt
        if packet.is_corrupt or suspect:
            self._damage.begin(packet.pts)
        try:
            decoded = packet.decode()
        except self._av.FFmpegError as error:
            if packet.size:
                self._damage.begin(packet.pts)
                yield Skipped(f"a frame that cannot be decoded ({self._reason(error)})")
            return
        for picture in decoded:
            timestamp_ns = self._clock.now() if self._live else self._presentation(picture)
            if self._damage.covers(picture, timestamp_ns):
                continue
            yield from self._damage.report()
            try:
                frame = to_frame(picture, self._color, timestamp_ns)
            except (self._av.FFmpegError, ValueError) as error:
                yield Skipped(f"a frame of {picture.format.name} ({self._reason(error)})")
                continue
            yield frame

    def _presentation(self, picture: Any) -> int:
        rate = self._stream.average_rate or 25
        step_ns = int(_SECOND_NS / rate) if rate > 0 else _SECOND_NS // 25
        if picture.pts is None or picture.time_base is None:
            return self._clock.at(None, step_ns)
        return self._clock.at(int(picture.pts * picture.time_base * _SECOND_NS), step_ns)

    def _reason(self, error: Exception) -> str:
        """Returns the cause of a failure, without the address, which may contain a password."""
        if isinstance(error, (self._av.error.ExitError, TimeoutError)):
            if self._timeout_s is not None:
                return f"no answer within {self._timeout_s:g} s"
            return "no answer"
        return str(getattr(error, "strerror", None) or error or type(error).__name__)


class _Damage:
    """Tracks damaged pictures: from lost data until the next intact keyframe."""

    def __init__(self) -> None:
        self._active = False
        self._pts: int | None = None  # Of the damage; decoders deliver earlier pictures later.
        self._since_ns: int | None = None
        self._count = 0

    def begin(self, pts: int | None) -> None:
        """Records lost or undecodable data at this time; None if the time is unknown."""
        if not self._active:
            self._pts = None
        self._active, self._since_ns = True, None
        if pts is not None:
            self._pts = pts if self._pts is None else max(pts, self._pts)

    def covers(self, picture: Any, timestamp_ns: int) -> bool:
        """Whether a picture must not be delivered."""
        if picture.is_corrupt:
            self.begin(picture.pts)
        if not self._active:
            return False
        if self._since_ns is None:
            self._since_ns = timestamp_ns
        late = timestamp_ns - self._since_ns > KEYFRAME_WAIT_S * _SECOND_NS
        beyond = None in (self._pts, picture.pts) or picture.pts > self._pts
        if not picture.is_corrupt and ((picture.key_frame and beyond) or late):
            self._active = False
            return False
        self._count += 1
        return True

    def report(self) -> Iterator[Skipped]:
        """Yields the number of pictures skipped since the last report, if any."""
        count, self._count = self._count, 0
        if count:
            yield Skipped("a frame damaged by lost data, up to the next keyframe", count)


def _is_cover(stream: Any) -> bool:
    """Whether a stream is the cover art of an audio file."""
    disposition = getattr(stream, "disposition", None)
    return disposition is not None and "attached_pic" in str(disposition)
