"""The camera of a Raspberry Pi through picamera2, which comes with its operating system.

A thin adapter; the memory layout is handled by `frame_of_yuv420`. It was written against the
source of picamera2 0.3.36 and has not been run on a Pi.
"""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from edgeiqa.errors import SourceError
from edgeiqa.imaging.frame import Frame
from edgeiqa.imaging.pixel_format import ColorMatrix, ColorRange, PixelFormat
from edgeiqa.sources.clock import RisingClock
from edgeiqa.sources.reader_thread import Skipped

_SIZE = (1280, 720)
_POLL_S = 0.2


def import_picamera2() -> ModuleType:
    """Imports picamera2; an ImportError says how to install it."""
    try:
        import picamera2
    except ImportError as error:
        raise ImportError(
            f"the camera of a Raspberry Pi needs picamera2 ({error}): sudo apt install "
            "python3-picamera2. A virtual environment finds it only if it was created with "
            "python3 -m venv --system-site-packages"
        ) from error
    return picamera2


def frame_of_yuv420(
    data: np.ndarray,
    size: tuple[int, int],
    stride: int,
    *,
    timestamp_ns: int | None = None,
    color_matrix: ColorMatrix = ColorMatrix.BT601,
    color_range: ColorRange = ColorRange.LIMITED,
) -> Frame:
    """Wraps the buffer that libcamera calls YUV420.

    The rows of Y, `stride` bytes apart, are followed without a gap by those of U and of V, half as
    far apart: the result of `request.make_buffer("main")`, or of `capture_array`,
    [height * 3 / 2, stride].

    Args:
        data: uint8, at least stride * height * 3 / 2 bytes.
        size: (width, height) in pixels, both even.
        stride: Bytes from one row of Y to the next, even.
        timestamp_ns: As for `Frame`.
        color_matrix: As for `Frame`.
        color_range: As for `Frame`.

    Returns:
        The frame; it shares memory with `data`.

    Raises:
        ValueError: An odd size or stride, or too few bytes.
    """
    width, height = size
    if width % 2 or height % 2 or stride % 2:
        raise ValueError(
            f"YUV420 of {width}x{height} pixels with stride {stride}, expected even numbers"
        )
    return Frame.from_buffer(
        *(data.reshape(-1), width, height, PixelFormat.I420),
        row_stride=stride,
        chroma_row_stride=stride // 2,
        timestamp_ns=timestamp_ns,
        color_matrix=color_matrix,
        color_range=color_range,
    )


def meaning_of(color_space: object) -> tuple[ColorMatrix, ColorRange]:
    """Returns matrix and range of a libcamera colour space ("sYCC", "SMPTE170M", ...)."""
    text = str(color_space).lower()
    matrix = ColorMatrix.BT709 if "rec709" in text else ColorMatrix.BT601
    is_full = "sycc" in text or "jpeg" in text or "full" in text
    return matrix, ColorRange.FULL if is_full else ColorRange.LIMITED


class PicameraFeed:
    """One connection to a camera of a Raspberry Pi.

    Args:
        number: Number of the camera, as listed by `rpicam-hello --list-cameras`.
        clock: Supplies arrival times.
        size: (width, height) in pixels, both even; None for 1280x720.
        frame_rate: Requested frames per second; None for the camera's default.
    """

    def __init__(
        self,
        number: int,
        clock: RisingClock,
        *,
        size: tuple[int, int] | None = None,
        frame_rate: float | None = None,
    ) -> None:
        self._module = import_picamera2()
        self._number = number
        self._clock = clock
        self._asked_size = size or _SIZE
        self._frame_rate = frame_rate
        self._stopped = threading.Event()
        self._camera: Any = None
        self._size = (0, 0)
        self._stride = 0
        self._meaning = (ColorMatrix.BT601, ColorRange.LIMITED)

    def open(self) -> str:
        """Starts the camera; raises SourceError if it is missing or in use."""
        try:
            self._camera = self._module.Picamera2(self._number)
            controls = {} if self._frame_rate is None else {"FrameRate": self._frame_rate}
            main = {"size": self._asked_size, "format": "YUV420"}
            wanted = self._camera.create_video_configuration(main=main, controls=controls)
            self._camera.configure(wanted)
            got = self._camera.camera_configuration()
            self._size = tuple(got["main"]["size"])
            self._stride = int(got["main"]["stride"])
            self._meaning = meaning_of(got["colour_space"])
            self._camera.start()
        except Exception as error:  # libcamera raises RuntimeError, IndexError and others.
            raise SourceError(f"cannot be opened ({error})") from error
        return f"{self._size[0]}x{self._size[1]} YUV420"

    def read(self) -> Iterator[Frame | Skipped]:
        """Yields frames until `interrupt`; raises SourceError if the camera fails."""
        while not self._stopped.is_set():
            try:
                job = self._camera.capture_request(wait=False)
                request = self._result(job)
                if request is None:
                    return
                try:
                    data = request.make_buffer("main")  # A copy: the camera reuses its own.
                finally:
                    request.release()
            except Exception as error:
                raise SourceError(f"reading failed ({error})") from error
            yield frame_of_yuv420(
                *(data, self._size, self._stride),
                timestamp_ns=self._clock.now(),
                color_matrix=self._meaning[0],
                color_range=self._meaning[1],
            )

    def interrupt(self) -> None:
        """Ends reading within a fifth of a second."""
        self._stopped.set()

    def close(self) -> None:
        """Stops the camera and releases it for other programs."""
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()

    def _result(self, job: Any) -> Any:
        """Returns the request that a job waits for; None after `interrupt`."""
        while not self._stopped.is_set():
            try:
                return self._camera.wait(job, timeout=_POLL_S)
            except (concurrent.futures.TimeoutError, TimeoutError):
                continue
        return None
