"""Writes pictures with timestamps to an MP4 file, atomically."""

from __future__ import annotations

import contextlib
import os
from fractions import Fraction
from types import TracebackType
from typing import Any

from PIL import Image

from edgeiqa.errors import EdgeIQAError
from edgeiqa.files.atomic import AtomicFile

_CLOCK = 60_000
"""Ticks per second: divisible by common frame rates, and within MPEG-4's 16 bits."""

_ENCODERS: tuple[tuple[str, dict[str, str]], ...] = (
    # yuv420p plays everywhere; veryfast keeps up with a camera on a small board.
    ("libx264", {"preset": "veryfast", "crf": "23"}),
    ("libopenh264", {}),
    ("mpeg4", {"b": "6M"}),
)


class VideoFileError(EdgeIQAError, OSError):
    """The video cannot be written; the text is for the user."""


class VideoFile:
    """An MP4 file that grows picture by picture.

    It is written to a temporary file, which `close` moves into place; `discard` keeps an older
    file of that name. As a context manager it closes even after Ctrl-C, so that an interrupted
    recording can be played; any other error discards it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Opens the file.

        Args:
            path: Its path, ending in .mp4.

        Raises:
            ImportError: PyAV is missing; the text says how to install it.
            VideoFileError: It cannot be written; an OSError.
        """
        self.path = os.fspath(path)
        self.frames = 0
        """Number of pictures written."""
        self._av = _import_av()
        try:
            self._file = AtomicFile(self.path)
        except OSError as error:
            raise VideoFileError(f"cannot write {self.path}: {error.strerror or error}") from error
        self._container: Any = self._av.open(self._file.stream, "w", format="mp4")
        self._stream: Any = None
        self._size = (0, 0)
        self._start_ns = 0
        self._last = -1
        self._closed = False

    def write(self, picture: Image.Image, timestamp_ns: int) -> None:
        """Appends a picture.

        Args:
            picture: Mode RGB. The first one sets the size of the video, rounded up to even
                numbers; others are fitted into it with black bars.
            timestamp_ns: Presentation time in nanoseconds of any clock. A picture that is not
                later than the previous one follows it immediately.

        Raises:
            VideoFileError: It cannot be encoded or written, for instance on a full disk.
        """
        try:
            if self._stream is None:
                self._start_ns = timestamp_ns
                self._size = (
                    picture.width + picture.width % 2,
                    picture.height + picture.height % 2,
                )
                self._stream = self._add_stream()
            if picture.size != self._size:
                picture = _fitted(picture, self._size)
            frame = self._av.VideoFrame.from_image(picture)
            ticks = (timestamp_ns - self._start_ns) * _CLOCK // 1_000_000_000
            self._last = max(ticks, self._last + 1)
            frame.pts, frame.time_base = self._last, Fraction(1, _CLOCK)
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except (OSError, ValueError) as error:
            raise VideoFileError(f"cannot write {self.path}: {error}") from error
        self.frames += 1

    def close(self) -> None:
        """Completes the file and moves it into place; without a picture there is no file.

        Raises:
            VideoFileError: It cannot be completed; there is no file then.
        """
        if self._closed:
            return
        if self._stream is None:
            self.discard()
            return
        try:
            for packet in self._stream.encode(None):
                self._container.mux(packet)
            self._container.close()
            self._file.commit()
            self._closed = True
        except (OSError, ValueError) as error:
            raise VideoFileError(f"cannot write {self.path}: {error}") from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Discards the file unless it is complete."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError, ValueError):
            self._container.close()
        self._file.discard()

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None or issubclass(kind, (KeyboardInterrupt, SystemExit)):
            self.close()
        else:
            self.discard()

    def _add_stream(self) -> Any:
        names = self._av.codec.codecs_available
        for name, options in _ENCODERS:
            if name not in names:
                continue
            try:
                stream = self._container.add_stream(name, rate=30, options=options)
            except (ValueError, LookupError):  # Listed, but not for writing.
                continue
            stream.width, stream.height = self._size
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, _CLOCK)
            return stream
        known = ", ".join(name for name, _ in _ENCODERS)
        raise VideoFileError(f"cannot write {self.path}: PyAV lacks the encoders {known}")


def _fitted(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Centred on black, as large as possible."""
    sheet = Image.new("RGB", size)
    factor = min(size[0] / picture.width, size[1] / picture.height)
    if not 1.0 <= factor < 1.05:  # Otherwise it differs only by the row that makes it even.
        inner = tuple(max(1, round(side * factor)) for side in picture.size)
        picture = picture.resize((inner[0], inner[1]), Image.Resampling.BILINEAR)
    sheet.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))
    return sheet


def _import_av() -> Any:
    try:
        import av
    except ImportError as error:
        raise ImportError(
            'a video file needs PyAV, which is not installed: pip install "edgeiqa[video]"'
        ) from error
    return av
