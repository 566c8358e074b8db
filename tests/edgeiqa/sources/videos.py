"""Videos for the tests, encoded here, and a watchful way to read a source."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from edgeiqa.imaging.frame import Frame
from edgeiqa.sources.base import Event, Source

# Far more than anything here takes; a test that hangs fails instead of stopping all others.
PATIENCE_S = 60.0


def picture(width: int = 64, height: int = 48, seed: int = 0) -> np.ndarray:
    """Noise in which every pixel matters, uint8 RGB [height, width, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def scene(width: int = 160, height: int = 120, shift: int = 0) -> np.ndarray:
    """A smooth picture that codecs keep well, uint8 RGB [height, width, 3]."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    red = 128 + 100 * np.sin((x + shift) / 15)
    green = 128 + 100 * np.cos(y / 11)
    blue = 40 + 170 * (x + y) / (width + height)
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


def write_video(
    path: Path | str,
    pictures: Iterable[np.ndarray | Any],
    *,
    codec: str = "mpeg4",
    pixel_format: str = "yuv420p",
    rate: int = 25,
    times: list[int] | None = None,
    options: dict[str, str] | None = None,
    container_format: str | None = None,
) -> None:
    """Encodes RGB arrays, or ready `av.VideoFrame`s; `times` are in thousandths of a second."""
    with av.open(str(path), "w", format=container_format) as container:
        stream: Any = None
        for index, one in enumerate(pictures):
            frame: Any = one
            if isinstance(one, np.ndarray):
                frame = av.VideoFrame.from_ndarray(one, format="rgb24")
            if stream is None:
                stream = container.add_stream(codec, rate=rate, options=options or {})
                stream.width, stream.height = frame.width, frame.height
                stream.pix_fmt = pixel_format
                if times is not None:
                    stream.codec_context.time_base = Fraction(1, 1000)
            frame.pts = index if times is None else times[index]
            frame.time_base = Fraction(1, rate) if times is None else Fraction(1, 1000)
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode())


class Watch:
    """Takes a source's frames in a thread and keeps what happened, in order.

    `log` holds the kinds of events, and "frame" for any number of frames in a row.
    """

    def __init__(self, make: Callable[[Callable[[Event], None]], Source]) -> None:
        self.events: list[Event] = []
        self.times: list[int] = []
        self.log: list[str] = []
        self.last: Frame | None = None
        self.error: BaseException | None = None
        self.source = make(self._report)
        self._thread = threading.Thread(target=self._run, name="watch")
        self._thread.start()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        assert self.error is None, self.error

    def wait(self, condition: Callable[[], bool]) -> None:
        """Returns as soon as the condition holds."""
        until = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < until, f"waited in vain: {self.log} {self.events}"
            assert self.error is None, self.error
            time.sleep(0.01)

    def wait_frames(self, count: int) -> None:
        """Returns once this many more frames have come."""
        target = len(self.times) + count
        self.wait(lambda: len(self.times) >= target)

    def count(self, kind: str) -> int:
        return sum(event.kind == kind for event in self.events)

    def join(self) -> None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), self.log

    def _report(self, event: Event) -> None:
        self.events.append(event)
        self.log.append(event.kind)

    def _run(self) -> None:
        try:
            for frame in self.source.frames():
                assert frame.timestamp_ns is not None
                self.times.append(frame.timestamp_ns)
                self.last = frame
                if not self.log or self.log[-1] != "frame":
                    self.log.append("frame")
        except BaseException as error:
            self.error = error


def read_all(source: Source, most: int = 100_000) -> list[Frame]:
    """All frames of a source that ends by itself; fails where it does not in time."""
    timer = threading.Timer(PATIENCE_S, source.close)
    timer.start()
    frames = []
    try:
        for frame in source.frames():
            frames.append(frame)
            if len(frames) >= most:
                break
        assert timer.is_alive(), "it had to be closed"
    finally:
        timer.cancel()
        timer.join()
    return frames


def readers() -> list[threading.Thread]:
    """The threads in which sources read."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("edgeiqa ")]


def wait_for_no_readers() -> None:
    until = time.monotonic() + PATIENCE_S
    while readers():
        assert time.monotonic() < until, readers()
        time.sleep(0.01)


def open_files() -> int:
    """How many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))


def until_closed(frames: Iterator[Frame], done: threading.Event) -> None:
    """Takes frames to the end, then says so."""
    for _ in frames:
        pass
    done.set()
