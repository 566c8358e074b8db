"""Raw frames from a pipe, as written by `ffmpeg -f rawvideo -`."""

from __future__ import annotations

import io
import os
import select
import threading
from collections.abc import Iterator

import numpy as np

from edgeiqa.errors import SourceError
from edgeiqa.imaging.frame import Frame
from edgeiqa.imaging.pixel_format import ColorMatrix, ColorRange, PixelFormat
from edgeiqa.sources.clock import RisingClock
from edgeiqa.sources.reader_thread import Skipped

# The names used by ffmpeg (-pix_fmt) and V4L2, and common ones.
PIXEL_FORMATS = {
    "nv12": PixelFormat.NV12,
    "nv21": PixelFormat.NV21,
    "yuv420p": PixelFormat.I420,
    "yuvj420p": PixelFormat.I420,
    "i420": PixelFormat.I420,
    "yuyv422": PixelFormat.YUYV,
    "yuyv": PixelFormat.YUYV,
    "yuy2": PixelFormat.YUYV,
    "gray": PixelFormat.GRAY,
    "gray8": PixelFormat.GRAY,
    "rgb24": PixelFormat.RGB,
    "rgb": PixelFormat.RGB,
    "bgr24": PixelFormat.BGR,
    "bgr": PixelFormat.BGR,
    "rgba": PixelFormat.RGBA,
    "bgra": PixelFormat.BGRA,
}
# How long a read may wait before it checks for an interruption.
_POLL_S = 0.2
_PIPE_BYTES = 1 << 20
_SECOND_NS = 1_000_000_000


def raw_pixel_format(name: str | PixelFormat) -> PixelFormat:
    """Looks up a pixel format by name, case-insensitively; ValueError if it is not supported."""
    found = name if isinstance(name, PixelFormat) else PIXEL_FORMATS.get(name.lower())
    if found is None or found is PixelFormat.YUV_420_888:
        raise ValueError(f"pixel_format is {name!r}, expected one of {', '.join(PIXEL_FORMATS)}")
    return found


class RawFeed:
    """Consecutive frames of one size and format, without headers.

    Args:
        descriptor: Descriptor of an open file or pipe; it is left open.
        size: (width, height) in pixels.
        pixel_format: Pixel format; odd sizes are packed as by ffmpeg.
        clock: Supplies the timestamps.
        frame_rate: Frames per second for the timestamps; None for arrival times.
        color_matrix: For YUV, as in `Frame`.
        color_range: For YUV, as in `Frame`.
    """

    def __init__(
        self,
        descriptor: int,
        size: tuple[int, int],
        pixel_format: PixelFormat,
        clock: RisingClock,
        *,
        frame_rate: float | None = None,
        color_matrix: ColorMatrix = ColorMatrix.BT601,
        color_range: ColorRange = ColorRange.LIMITED,
    ) -> None:
        self._descriptor = descriptor
        self._width, self._height = size
        self._pixel_format = pixel_format
        self._clock = clock
        self._frame_rate = frame_rate
        self._matrix = color_matrix
        self._range = color_range
        self._bytes = pixel_format.frame_bytes(*size)
        self._stopped = threading.Event()
        self._file: io.FileIO | None = None

    def open(self) -> str:
        """Checks that the descriptor is readable; raises SourceError if it is a terminal."""
        try:
            if os.isatty(self._descriptor):
                raise SourceError("standard input is a terminal; pipe raw frames into it")
            self._file = io.FileIO(self._descriptor, "rb", closefd=False)
        except (OSError, ValueError) as error:
            raise SourceError(f"cannot be read ({_reason(error)})") from error
        _widen(self._descriptor)
        return (
            f"{self._width}x{self._height} {self._pixel_format.value}, "
            f"{self._bytes} bytes per frame"
        )

    def read(self) -> Iterator[Frame | Skipped]:
        """Yields frames until the end of the pipe; reports a partial frame there.

        Raises:
            SourceError: The pipe was empty, or reading fails.
        """
        index = 0
        while not self._stopped.is_set():
            # A new buffer for every frame, because the frame keeps it.
            data = np.empty(self._bytes, np.uint8)
            got = self._fill(data.data)
            if self._stopped.is_set():
                return
            if got < self._bytes:
                if index == 0 and got == 0:
                    raise SourceError("empty, 0 bytes")
                if got:
                    yield Skipped(
                        f"a truncated frame of {got} bytes at the end, expected {self._bytes} "
                        f"for {self._width}x{self._height} {self._pixel_format.value}, "
                        f"after {index} complete frames"
                    )
                return
            yield Frame.from_buffer(
                *(data, self._width, self._height, self._pixel_format),
                timestamp_ns=self._timestamp(index),
                color_matrix=self._matrix,
                color_range=self._range,
            )
            index += 1

    def interrupt(self) -> None:
        """Ends reading within a fifth of a second."""
        self._stopped.set()

    def close(self) -> None:
        """Releases the descriptor, which stays open."""
        self._file = None

    def _timestamp(self, index: int) -> int:
        if self._frame_rate is None:
            return self._clock.now()
        return self._clock.at(round(index * _SECOND_NS / self._frame_rate), 1)

    def _fill(self, target: memoryview) -> int:
        """Reads until the target is full, the end or `interrupt`; returns the bytes read."""
        assert self._file is not None
        done = 0
        try:
            while done < len(target) and not self._stopped.is_set():
                if not _wait(self._descriptor):
                    continue
                count = self._file.readinto(target[done:])
                if count == 0:
                    break
                done += count or 0  # None if another process made the pipe non-blocking.
        except OSError as error:
            raise SourceError(f"reading failed ({_reason(error)})") from error
        return done


def _wait(descriptor: int) -> bool:
    """Whether a read would not block, as far as the system knows."""
    if not hasattr(select, "poll"):  # Windows: the read blocks, which only delays `interrupt`.
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(_POLL_S * 1000))


def _widen(descriptor: int) -> None:
    """Enlarges the pipe from 64 KiB, so that a frame takes a few reads instead of fifty."""
    try:
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    except (ImportError, AttributeError, OSError):  # Not Linux, not a pipe, or not permitted.
        pass


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
