"""Opens any source of frames by name."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgeiqa.errors import SourceError
from edgeiqa.imaging.discovery import STDIN, SUFFIXES
from edgeiqa.imaging.pixel_format import ColorMatrix, ColorRange, PixelFormat
from edgeiqa.sources.base import OnEvent, Source
from edgeiqa.sources.clock import RisingClock
from edgeiqa.sources.folder import FolderSource
from edgeiqa.sources.reader_thread import Feed
from edgeiqa.sources.reconnect import FROZEN_S, Backoff, ReopeningSource
from edgeiqa.urls import with_environment, without_password

STALL_S = 5.0

SPECS = (
    ("FOLDER", "its pictures, in alphabetical order"),
    ("PICTURE", "a single picture: JPEG, PNG, ..."),
    ("VIDEO", "a video file: MP4, MKV, AVI, MOV, ..."),
    ("/dev/video0", "a V4L2 camera on Linux; also v4l2:/dev/video0"),
    ("rtsp://HOST/PATH", "a network camera; also rtsps://"),
    ("http://HOST/PATH", "an MJPEG or other stream, or a video; also https://"),
    ("picamera2", "the camera of a Raspberry Pi; picamera2:1 is the second one"),
    ("-", "raw frames on standard input; requires size and pixel_format"),
    ("lavfi:FILTER", "a test picture from ffmpeg, such as testsrc2=size=640x480:rate=30"),
)

_SCHEMES = frozenset(
    ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "srt", "udp", "tcp", "rtp")
)
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_DEVICE = re.compile(r"/dev/(video\d+|v4l/.+)")
_PICAMERA = re.compile(r"picamera2(?::(\d+))?")
# Start at once, instead of buffering and probing for seconds.
_LIVE_OPTIONS = {"fflags": "nobuffer", "analyzeduration": "1000000"}
_LIVE_KINDS = ("camera", "picamera", "address")
# Settings that each kind accepts; all of them accept `live`, `on_event` and `stall_s`.
_SETTINGS = {
    "folder": ("frame_rate",),
    "picture": ("frame_rate",),
    "raw frames": ("size", "pixel_format", "frame_rate", "color_matrix", "color_range"),
    "camera": ("size", "pixel_format", "frame_rate", "color_matrix", "color_range", "options"),
    "picamera": ("size", "frame_rate"),
    "address": ("color_matrix", "color_range", "options"),
    "lavfi": ("color_matrix", "color_range", "options"),
    "video": ("color_matrix", "color_range", "options"),
}


class UnknownSourceError(SourceError, ValueError):
    """A name that is not a source of frames; the message lists the valid ones."""


@dataclass(frozen=True)
class _Settings:
    """The arguments of `open_source` that shape the frames."""

    size: tuple[int, int] | None
    pixel_format: str | PixelFormat | None
    frame_rate: float | None
    color_matrix: ColorMatrix | None
    color_range: ColorRange | None
    options: dict[str, str] | None

    def check(self, kind: str, spec: str) -> None:
        """Raises ValueError for numbers out of range, and for settings that `kind` lacks."""
        for name in vars(self):
            if getattr(self, name) is not None and name not in _SETTINGS[kind]:
                raise ValueError(
                    f"{name} does not apply to {without_password(spec)!r}, a source of the kind "
                    f"{kind!r}"
                )
        rate, size = self.frame_rate, self.size
        if rate is not None and not 0 < rate < float("inf"):
            raise ValueError(f"frame_rate is {rate}, expected frames per second above 0")
        if size is not None and (len(size) != 2 or min(size) < 1):
            raise ValueError(f"size is {size}, expected (width, height) of at least 1x1 pixel")


def open_source(
    spec: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    pixel_format: str | PixelFormat | None = None,
    frame_rate: float | None = None,
    color_matrix: ColorMatrix | None = None,
    color_range: ColorRange | None = None,
    live: bool | None = None,
    on_event: OnEvent | None = None,
    retry: bool | Backoff = True,
    stall_s: float = STALL_S,
    options: dict[str, str] | None = None,
) -> Source:
    """Creates a source by name; nothing is opened before `frames`.

    >>> source = open_source("rtsp://user:${CAM_PASSWORD}@camera/stream", on_event=print)
    >>> for frame in source.frames():
    ...     print(scorer.score(frame).score)

    Args:
        spec: One of `SPECS`. In a URL, ${NAME} is replaced by that environment variable,
            percent-encoded.
        size: (width, height) in pixels, requested from a camera; required for raw frames.
        pixel_format: Required for raw frames: one of
            `edgeiqa.sources.raw_pipe.PIXEL_FORMATS`, such as "nv12". Requested from a V4L2
            camera, by ffmpeg's name: "mjpeg", "yuyv422", "nv12".
        frame_rate: Frames per second, requested from a camera; determines the timestamps of raw
            frames (default: arrival times) and folders (default: one picture a second).
        color_matrix: Overrides the YUV matrix of the stream; raw frames default to BT.601.
        color_range: Overrides the YUV range of the stream; raw frames default to limited
            ("yuvj420p": full).
        live: Whether frames that are not taken in time are replaced by newer ones; by default
            true for cameras and URLs, false for files, folders and pipes.
        on_event: Called with each event, in the thread that takes the frames.
        retry: Whether a live source is reopened when it is lost; a `Backoff` sets the delays and
            the number of attempts. Raw frames and non-live sources are never reopened.
        stall_s: Seconds without a frame after which a source counts as stalled.
        options: Further options for ffmpeg, such as {"rtsp_transport": "udp"}.

    Raises:
        UnknownSourceError: No such file, or an unknown name; a subclass of ValueError.
        ValueError: A setting that does not apply to this source, or is out of range.
        ImportError: PyAV or picamera2 is missing; the message says how to install it.
    """
    text = os.fspath(spec)
    if not 0 < stall_s < float("inf"):
        raise ValueError(f"stall_s is {stall_s}, expected seconds above 0")
    kind = _kind(text)
    settings = _Settings(size, pixel_format, frame_rate, color_matrix, color_range, options)
    settings.check(kind, text)
    if kind in ("folder", "picture"):
        return FolderSource(text, frame_rate=frame_rate or 1.0, on_event=on_event)
    is_live = kind in _LIVE_KINDS if live is None else live
    backoff = retry if isinstance(retry, Backoff) else Backoff() if retry else None
    name = text
    if kind == "raw frames":
        name, backoff = "standard input", None
        make_feed = _raw(settings)
    elif kind == "picamera":
        make_feed = _picamera(text, settings)
    else:
        if kind == "address":
            text = with_environment(text)
            name = without_password(text)
        make_feed = _video(kind, text, settings, is_live, stall_s)
    frozen_s = FROZEN_S if is_live or kind == "raw frames" else None
    return ReopeningSource(
        *(name, make_feed),
        live=is_live,
        backoff=backoff,
        stall_s=stall_s,
        on_event=on_event,
        frozen_s=frozen_s,
    )


def _raw(settings: _Settings) -> Callable[[], Feed]:
    from edgeiqa.sources.raw_pipe import PIXEL_FORMATS, RawFeed, raw_pixel_format

    if settings.size is None or settings.pixel_format is None:
        missing = "size" if settings.size is None else "pixel_format"
        raise ValueError(
            f"raw frames on standard input need a size and a pixel format ({missing} is missing), "
            f"such as 1920x1080 and nv12; formats: {', '.join(PIXEL_FORMATS)}"
        )
    pixel_format = raw_pixel_format(settings.pixel_format)
    is_full = isinstance(settings.pixel_format, str) and settings.pixel_format.lower() == "yuvj420p"
    default = ColorRange.FULL if is_full else ColorRange.LIMITED
    size, clock = settings.size, RisingClock()
    return lambda: RawFeed(
        *(0, size, pixel_format, clock),
        frame_rate=settings.frame_rate,
        color_matrix=settings.color_matrix or ColorMatrix.BT601,
        color_range=settings.color_range or default,
    )


def _picamera(text: str, settings: _Settings) -> Callable[[], Feed]:
    from edgeiqa.sources.picamera2 import PicameraFeed, import_picamera2

    import_picamera2()
    number = int(text.partition(":")[2] or 0)
    clock = RisingClock()
    return lambda: PicameraFeed(number, clock, size=settings.size, frame_rate=settings.frame_rate)


def _video(
    kind: str, text: str, settings: _Settings, is_live: bool, stall_s: float
) -> Callable[[], Feed]:
    from edgeiqa.sources.av import VideoFeed, import_av
    from edgeiqa.sources.av_frame import ColorHint

    import_av()
    requested: dict[str, str] = {}
    container_format = None
    if kind == "address":
        if is_live:
            requested |= _LIVE_OPTIONS
        if text.lower().startswith("rtsp"):
            requested["rtsp_transport"] = "tcp"  # Over UDP, lost packets damage pictures.
    elif kind == "camera":
        text, container_format = text.removeprefix("v4l2:"), "v4l2"
        requested |= _camera_options(settings)
    elif kind == "lavfi":
        text, container_format = text.removeprefix("lavfi:"), "lavfi"
    else:
        text = f"file:{text}"  # Otherwise a colon in the file name would look like a protocol.
    requested |= settings.options or {}
    arguments: dict[str, Any] = {
        "live": is_live,
        "container_format": container_format,
        "options": requested,
        "timeout_s": stall_s if kind in ("address", "camera") else None,
        "color": ColorHint(settings.color_matrix, settings.color_range),
    }
    clock = RisingClock()
    return lambda: VideoFeed(text, clock, **arguments)


def _camera_options(settings: _Settings) -> dict[str, str]:
    requested = {"fflags": "nobuffer"}
    if settings.size is not None:
        requested["video_size"] = f"{settings.size[0]}x{settings.size[1]}"
    if settings.frame_rate is not None:
        requested["framerate"] = f"{settings.frame_rate:g}"
    if settings.pixel_format is not None:
        name = settings.pixel_format
        requested["input_format"] = name if isinstance(name, str) else _FFMPEG_NAMES[name]
    return requested


_FFMPEG_NAMES = {
    PixelFormat.RGB: "rgb24",
    PixelFormat.BGR: "bgr24",
    PixelFormat.RGBA: "rgba",
    PixelFormat.BGRA: "bgra",
    PixelFormat.GRAY: "gray",
    PixelFormat.NV12: "nv12",
    PixelFormat.NV21: "nv21",
    PixelFormat.I420: "yuv420p",
    PixelFormat.YUYV: "yuyv422",
    PixelFormat.YUV_420_888: "yuv420p",
}


def _kind(text: str) -> str:
    address = _ADDRESS.match(text)
    if address is not None:
        if address[1].lower() not in _SCHEMES:
            raise _unknown(text, f"URLs start with {', '.join(sorted(_SCHEMES))}")
        return "address"
    if text == STDIN:
        return "raw frames"
    if _PICAMERA.fullmatch(text):
        return "picamera"
    if text.startswith("lavfi:"):
        return "lavfi"
    if text.startswith("v4l2:") or _DEVICE.fullmatch(text):
        return "camera"
    try:
        mode = os.stat(text).st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unknown(text, reason) from error
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISREG(mode) and os.path.splitext(text)[1].lower() in SUFFIXES - _MOVING:
        return "picture"
    return "video"


# Animations, of which a source yields all frames.
_MOVING = {".gif", ".apng"}


def _unknown(text: str, reason: str) -> UnknownSourceError:
    width = max(len(name) for name, _ in SPECS)
    known = "\n".join(f"  {name:{width}}  {meaning}" for name, meaning in SPECS)
    return UnknownSourceError(
        f"{without_password(text)!r} is not a source of frames ({reason}); sources are:\n{known}"
    )
