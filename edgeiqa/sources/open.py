"""Opens whatever frames can come from, by its name."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgeiqa.imaging.discovery import STDIN, SUFFIXES
from edgeiqa.imaging.pixel_format import ColorMatrix, ColorRange, PixelFormat
from edgeiqa.sources.base import OnEvent, Source
from edgeiqa.sources.clock import RisingClock
from edgeiqa.sources.folder import FolderSource
from edgeiqa.sources.reader_thread import Feed
from edgeiqa.sources.reconnect import Backoff, ReopeningSource
from edgeiqa.urls import with_environment, without_password

STALL_S = 5.0

SPECS = (
    ("FOLDER", "the pictures in it, in alphabetical order"),
    ("PICTURE", "a single picture: JPEG, PNG, ..."),
    ("VIDEO", "a video file: MP4, MKV, AVI, MOV, ..."),
    ("/dev/video0", "a V4L2 camera on Linux; also v4l2:/dev/video0"),
    ("rtsp://HOST/PATH", "a network camera; also rtsps://"),
    ("http://HOST/PATH", "an MJPEG or another stream, or a video; also https://"),
    ("picamera2", "the camera of a Raspberry Pi; picamera2:1 is the second one"),
    ("-", "raw frames on standard input; needs size and pixel_format"),
    ("lavfi:FILTER", "a picture that ffmpeg makes, as testsrc2=size=640x480:rate=30"),
)

_SCHEMES = frozenset(
    ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "srt", "udp", "tcp", "rtp")
)
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_DEVICE = re.compile(r"/dev/(video\d+|v4l/.+)")
_PICAMERA = re.compile(r"picamera2(?::(\d+))?")
# Shown at once, not collected and looked through for seconds first.
_LIVE_OPTIONS = {"fflags": "nobuffer", "analyzeduration": "1000000"}
_LIVE_KINDS = ("camera", "picamera", "address")
# What each kind can be told; all of them take `live`, `on_event` and `stall_s`.
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


@dataclass(frozen=True)
class _Wish:
    """The settings of `open_source` that shape the frames."""

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
                    f"{name} was given, but means nothing for a source of the kind {kind!r}, "
                    f"which {without_password(spec)!r} is"
                )
        rate, size = self.frame_rate, self.size
        if rate is not None and not 0 < rate < float("inf"):
            raise ValueError(f"frame_rate is {rate}, expected frames per second, more than 0")
        if size is not None and (len(size) != 2 or min(size) < 1):
            raise ValueError(f"size is {size}, expected (width, height) of at least 1x1 pixels")


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
    """Finds out what a name means and makes a source of it; nothing is opened before `frames`.

    >>> source = open_source("rtsp://user:${CAM_PASSWORD}@camera/stream", on_event=print)
    >>> for frame in source.frames():
    ...     print(scorer.score(frame).score)

    Args:
        spec: One of `SPECS`. In an address, ${NAME} is replaced by that environment variable,
            percent-encoded.
        size: (width, height) in pixels that a camera is asked for; of raw frames, which must
            have it.
        pixel_format: Of raw frames, which must have it: "nv12", "yuv420p" and the others of
            `edgeiqa.sources.raw_pipe.PIXEL_FORMATS`. Of a V4L2 camera, as ffmpeg names what it is
            asked for: "mjpeg", "yuyv422", "nv12".
        frame_rate: Frames per second that a camera is asked for; of raw frames and folders,
            what their timestamps are made of (without it times of arrival, and a second
            between pictures).
        color_matrix: How YUV was made of RGB, where one knows better than the stream; of raw
            frames BT.601 if not given.
        color_range: Which numbers are black and white in YUV, likewise; of raw frames limited
            if not given ("yuvj420p": full).
        live: Whether frames that nobody takes are lost and replaced by newer ones; by default
            so for cameras and addresses, not for files, folders and pipes.
        on_event: Is told what happens, in the thread that takes the frames.
        retry: Whether a live source is opened again when it is lost; a `Backoff` says when and
            how often. Raw frames and what is not live are never opened again.
        stall_s: Seconds without a frame until a source counts as stalled.
        options: More for ffmpeg, such as {"rtsp_transport": "udp"}.

    Returns:
        The source.

    Raises:
        ValueError: No such file, a name that means nothing, or a setting that has no meaning
            for this source.
        ImportError: PyAV or picamera2 is needed and not there; the text says how to get it.
    """
    text = os.fspath(spec)
    if not 0 < stall_s < float("inf"):
        raise ValueError(f"stall_s is {stall_s}, expected seconds, more than 0")
    kind = _kind(text)
    wish = _Wish(size, pixel_format, frame_rate, color_matrix, color_range, options)
    wish.check(kind, text)
    if kind in ("folder", "picture"):
        return FolderSource(text, frame_rate=frame_rate or 1.0, on_event=on_event)
    is_live = kind in _LIVE_KINDS if live is None else live
    backoff = retry if isinstance(retry, Backoff) else Backoff() if retry else None
    name = text
    if kind == "raw frames":
        name, backoff = "standard input", None
        make_feed = _raw(wish)
    elif kind == "picamera":
        make_feed = _picamera(text, wish)
    else:
        if kind == "address":
            text = with_environment(text)
            name = without_password(text)
        make_feed = _video(kind, text, wish, is_live, stall_s)
    return ReopeningSource(
        name, make_feed, live=is_live, backoff=backoff, stall_s=stall_s, on_event=on_event
    )


def _raw(wish: _Wish) -> Callable[[], Feed]:
    from edgeiqa.sources.raw_pipe import PIXEL_FORMATS, RawFeed, raw_pixel_format

    if wish.size is None or wish.pixel_format is None:
        missing = "size" if wish.size is None else "pixel_format"
        raise ValueError(
            f"raw frames on standard input need a size and a pixel format ({missing} is missing), "
            f"such as 1920x1080 and nv12; there are {', '.join(PIXEL_FORMATS)}"
        )
    pixel_format = raw_pixel_format(wish.pixel_format)
    is_full = isinstance(wish.pixel_format, str) and wish.pixel_format.lower() == "yuvj420p"
    usual = ColorRange.FULL if is_full else ColorRange.LIMITED
    size, clock = wish.size, RisingClock()
    return lambda: RawFeed(
        *(0, size, pixel_format, clock),
        frame_rate=wish.frame_rate,
        color_matrix=wish.color_matrix or ColorMatrix.BT601,
        color_range=wish.color_range or usual,
    )


def _picamera(text: str, wish: _Wish) -> Callable[[], Feed]:
    from edgeiqa.sources.picamera2 import PicameraFeed, import_picamera2

    import_picamera2()
    number = int(text.partition(":")[2] or 0)
    clock = RisingClock()
    return lambda: PicameraFeed(number, clock, size=wish.size, frame_rate=wish.frame_rate)


def _video(kind: str, text: str, wish: _Wish, is_live: bool, stall_s: float) -> Callable[[], Feed]:
    from edgeiqa.sources.av import VideoFeed, import_av
    from edgeiqa.sources.av_frame import ColorHint

    import_av()
    asked: dict[str, str] = {}
    container_format = None
    if kind == "address":
        if is_live:
            asked |= _LIVE_OPTIONS
        if text.lower().startswith("rtsp"):
            asked["rtsp_transport"] = "tcp"  # Over UDP lost packets become smeared pictures.
    elif kind == "camera":
        text, container_format = text.removeprefix("v4l2:"), "v4l2"
        asked |= _camera_options(wish)
    elif kind == "lavfi":
        text, container_format = text.removeprefix("lavfi:"), "lavfi"
    else:
        text = f"file:{text}"  # Else a colon in a file's name would end the name of a protocol.
    asked |= wish.options or {}
    settings: dict[str, Any] = {
        "live": is_live,
        "container_format": container_format,
        "options": asked,
        "timeout_s": stall_s if kind in ("address", "camera") else None,
        "color": ColorHint(wish.color_matrix, wish.color_range),
    }
    clock = RisingClock()
    return lambda: VideoFeed(text, clock, **settings)


def _camera_options(wish: _Wish) -> dict[str, str]:
    asked = {"fflags": "nobuffer"}
    if wish.size is not None:
        asked["video_size"] = f"{wish.size[0]}x{wish.size[1]}"
    if wish.frame_rate is not None:
        asked["framerate"] = f"{wish.frame_rate:g}"
    if wish.pixel_format is not None:
        name = wish.pixel_format
        asked["input_format"] = name if isinstance(name, str) else _FFMPEG_NAMES[name]
    return asked


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
            raise ValueError(_unknown(text, f"addresses begin with {', '.join(sorted(_SCHEMES))}"))
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
        raise ValueError(_unknown(text, reason)) from error
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISREG(mode) and os.path.splitext(text)[1].lower() in SUFFIXES - _MOVING:
        return "picture"
    return "video"


# Animations: a source gives all their frames.
_MOVING = {".gif", ".apng"}


def _unknown(text: str, reason: str) -> str:
    width = max(len(name) for name, _ in SPECS)
    known = "\n".join(f"  {name:{width}}  {meaning}" for name, meaning in SPECS)
    return f"{without_password(text)!r} is no source of frames ({reason}); there are:\n{known}"
