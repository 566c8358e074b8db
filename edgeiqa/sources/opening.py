"""Opens whatever frames can come from, by its name."""

from __future__ import annotations

import os
import re
import stat

from edgeiqa.listing import SUFFIXES
from edgeiqa.sources.address import with_environment, without_password
from edgeiqa.sources.backoff import Backoff
from edgeiqa.sources.base import OnEvent, Source
from edgeiqa.sources.clock import RisingClock
from edgeiqa.sources.folder import FolderSource
from edgeiqa.sources.reopening import ReopeningSource

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
# Shown at once, not collected and looked through for seconds first.
_LIVE_OPTIONS = {"fflags": "nobuffer", "analyzeduration": "1000000"}


def open_source(
    spec: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    pixel_format: str | None = None,
    frame_rate: float | None = None,
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
            `edgeiqa.sources.raw.PIXEL_FORMATS`. Of a V4L2 camera, as ffmpeg names what it is
            asked for: "mjpeg", "yuyv422", "nv12".
        frame_rate: Frames per second that a camera is asked for; of raw frames and folders,
            what their timestamps are made of.
        live: Whether frames that nobody takes are lost and replaced by newer ones; by default
            so for cameras and addresses, not for files, folders and pipes.
        on_event: Is told what happens, in the thread that takes the frames.
        retry: Whether a live source is opened again when it is lost; a `Backoff` says when and
            how often.
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
    if frame_rate is not None and not 0 < frame_rate < float("inf"):
        raise ValueError(f"frame_rate is {frame_rate}, expected frames per second, more than 0")
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise ValueError(f"size is {size}, expected (width, height) of at least 1x1 pixels")
    scheme = _ADDRESS.match(text)
    if scheme is not None and scheme[1].lower() in _SCHEMES:
        kind = "address"
    elif text.startswith("lavfi:"):
        kind = "lavfi"
    else:
        kind = _kind_of_path(text)
    if kind in ("folder", "picture"):
        return FolderSource(text, frame_rate=frame_rate or 1.0, on_event=on_event)
    from edgeiqa.sources.video import VideoFeed, import_av

    import_av()
    name, clock = text, RisingClock()
    asked = dict(options or {})
    is_live = kind in ("camera", "address") if live is None else live
    container_format = None
    if kind == "address":
        text = with_environment(text)
        name = without_password(text)
        asked = _LIVE_OPTIONS | asked if is_live else asked
        if text.lower().startswith("rtsp"):
            asked = {"rtsp_transport": "tcp"} | asked
    elif kind == "camera":
        name = text = text.removeprefix("v4l2:")
        container_format = "v4l2"
        asked = {"fflags": "nobuffer+nonblock"} | asked
        if size is not None:
            asked["video_size"] = f"{size[0]}x{size[1]}"
        if frame_rate is not None:
            asked["framerate"] = f"{frame_rate:g}"
        if pixel_format is not None:
            asked["input_format"] = pixel_format
    elif kind == "lavfi":
        text, container_format = text.removeprefix("lavfi:"), "lavfi"
    backoff = retry if isinstance(retry, Backoff) else Backoff() if retry else None
    return ReopeningSource(
        name,
        lambda: VideoFeed(
            text,
            clock,
            live=is_live,
            container_format=container_format,
            options=asked,
            timeout_s=stall_s if kind in ("address", "camera") else None,
        ),
        live=is_live,
        backoff=backoff,
        stall_s=stall_s,
        on_event=on_event,
    )


def _kind_of_path(text: str) -> str:
    if text.startswith("v4l2:") or _DEVICE.fullmatch(text):
        return "camera"
    if os.path.isdir(text):
        return "folder"
    try:
        mode = os.stat(text).st_mode
    except (OSError, ValueError) as error:
        raise ValueError(_unknown(text, error)) from error
    if stat.S_ISREG(mode) and os.path.splitext(text)[1].lower() in SUFFIXES:
        return "picture"
    return "video"


def _unknown(text: str, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    width = max(len(name) for name, _ in SPECS)
    known = "\n".join(f"  {name:{width}}  {meaning}" for name, meaning in SPECS)
    return f"{without_password(text)!r} is no source of frames ({reason}); there are:\n{known}"
