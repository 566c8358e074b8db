"""Videos, cameras and streams through PyAV, the Python face of ffmpeg's libraries."""

from __future__ import annotations

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

# After so many failed reads in a row there is nothing left worth reading.
_MOST_FAILURES = 100
_SECOND_NS = 1_000_000_000


def import_av() -> ModuleType:
    """PyAV.

    Raises:
        ImportError: It is not there; says how to get it.
    """
    try:
        import av
    except ImportError as error:
        raise ImportError(
            f'videos, cameras and streams need PyAV ({error}): pip install "edgeiqa[video]"'
        ) from error
    return av


class VideoFeed:
    """One go at whatever ffmpeg opens: the frames of its best video stream.

    Args:
        address: A path, a device or an address.
        clock: Gives the timestamps.
        live: Whether frames get their time of arrival; else their presentation time.
        container_format: ffmpeg's name of the format; None to find out.
        options: For ffmpeg's demuxer and protocol.
        timeout_s: Seconds that connecting, finding out what it is, and each read may take;
            None for as long as they like.
        color: For YUV whose stream does not say.
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

    def open(self) -> str:
        """Opens it and finds the video stream in it.

        Raises:
            SourceError: It cannot be opened, or there is no video in it.
        """
        timeout = None if self._timeout_s is None else (self._timeout_s, self._timeout_s)
        started = time.monotonic()
        try:
            self._container = self._av.open(
                self._address, format=self._format, options=self._options, timeout=timeout
            )
        except (self._av.FFmpegError, OSError, ValueError) as error:
            reason = self._reason(error)
            if self._timeout_s is not None and time.monotonic() - started >= self._timeout_s:
                # Demuxers that are interrupted may call it "invalid data" and other things.
                reason = self._reason(TimeoutError())
            raise SourceError(f"cannot be opened ({reason})") from error
        stream = self._stream = self._video_stream()
        context = stream.codec_context
        # Several frames at once cost a camera as many frames of delay, and a file nothing.
        stream.thread_type = "SLICE" if self._live else "AUTO"
        if not context.width or context.pix_fmt is None:  # Nothing could be decoded yet.
            return f"{context.name}"
        return f"{context.width}x{context.height} {context.name}, {context.pix_fmt}"

    def read(self) -> Iterator[Frame | Skipped]:
        """Yields the frames; what cannot be decoded is skipped.

        Raises:
            SourceError: It breaks off.
        """
        failures = 0
        while not self._stopped.is_set():
            try:
                for packet in self._container.demux(self._stream):
                    failures = 0
                    yield from self._decode(packet)
                    if self._stopped.is_set():
                        return
                return
            except self._av.FFmpegError as error:
                failures += 1
                if isinstance(error, BlockingIOError):  # Nothing there yet.
                    self._stopped.wait(0.005)
                elif self._live or failures > _MOST_FAILURES:
                    raise SourceError(f"reading failed ({self._reason(error)})") from error
                else:
                    yield Skipped(f"a piece cannot be read ({self._reason(error)})")

    def interrupt(self) -> None:
        """Ends it after the read in work, which keeps `timeout_s`."""
        self._stopped.set()

    def close(self) -> None:
        """Closes it; must not be called while it is being read."""
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
            raise SourceError(f"no video in it, only {kinds}")
        return max(videos, key=lambda stream: stream.width * stream.height)

    def _decode(self, packet: Any) -> Iterator[Frame | Skipped]:
        try:
            decoded = packet.decode()
        except self._av.FFmpegError as error:
            if packet.size:
                yield Skipped(f"a frame cannot be decoded ({self._reason(error)})")
            return
        for picture in decoded:
            if picture.is_corrupt:
                yield Skipped("a damaged frame")
                continue
            timestamp_ns = self._clock.now() if self._live else self._presentation(picture)
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
        """Why it failed, without the address, as that may hold a password."""
        if isinstance(error, (self._av.error.ExitError, TimeoutError)):
            if self._timeout_s is not None:
                return f"no answer within {self._timeout_s:g} s"
            return "no answer"
        return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _is_cover(stream: Any) -> bool:
    """Whether a stream is the picture on the cover of a piece of music."""
    disposition = getattr(stream, "disposition", None)
    return disposition is not None and "attached_pic" in str(disposition)
