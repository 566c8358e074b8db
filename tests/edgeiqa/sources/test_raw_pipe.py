"""Raw frames through real pipes, with the bytes that ffmpeg's own rawvideo encoder writes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest

import edgeiqa
from edgeiqa.imaging.frame import Frame
from edgeiqa.imaging.pixel_format import PixelFormat
from edgeiqa.preprocessing.resize import to_rgb
from edgeiqa.sources.base import Event
from edgeiqa.sources.clock import RisingClock
from edgeiqa.sources.open import open_source
from edgeiqa.sources.raw_pipe import PIXEL_FORMATS, RawFeed, raw_pixel_format
from edgeiqa.sources.reconnect import ReopeningSource
from tests.edgeiqa.sources.videos import Watch, picture, read_all, wait_for_no_readers

ROOT = Path(edgeiqa.__file__).parents[1]
FFMPEG_NAMES = ("nv12", "nv21", "yuv420p", "yuyv422", "gray", "rgb24", "bgr24", "rgba", "bgra")


def as_ffmpeg_writes(pixels: np.ndarray, pixel_format: str) -> bytes:
    """`-f rawvideo` by libavcodec."""
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pixel_format)
    stream = io.BytesIO()
    with av.open(stream, "w", format="rawvideo") as container:
        encoder = container.add_stream("rawvideo", rate=25)
        encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, pixel_format
        container.mux(encoder.encode(frame))
        container.mux(encoder.encode())
    return stream.getvalue()


def source(
    descriptor: int,
    size: tuple[int, int],
    pixel_format: PixelFormat,
    on_event: Callable[[Event], None] | None = None,
    *,
    stall_s: float = 5.0,
    live: bool = False,
    frame_rate: float | None = None,
) -> ReopeningSource:
    clock = RisingClock()
    return ReopeningSource(
        "pipe",
        lambda: RawFeed(descriptor, size, pixel_format, clock, frame_rate=frame_rate),
        live=live,
        backoff=None,
        stall_s=stall_s,
        on_event=on_event,
    )


@pytest.fixture
def pipe() -> Iterator[tuple[int, io.FileIO]]:
    reading, writing = os.pipe()
    with io.FileIO(writing, "wb") as writer:
        yield reading, writer
    wait_for_no_readers()
    os.close(reading)


def fill(writer: io.FileIO, data: bytes) -> threading.Thread:
    """Writes from another thread, as a pipe holds little, and closes."""

    def write() -> None:
        view = memoryview(data)
        while view:
            view = view[writer.write(view) :]
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    return thread


@pytest.mark.parametrize("size", [(64, 48), (63, 47), (1, 1), (2, 3), (5, 2)])
@pytest.mark.parametrize("name", FFMPEG_NAMES)
def test_frames_are_as_large_as_ffmpeg_writes_them(
    name: str, size: tuple[int, int], pipe: tuple[int, io.FileIO]
) -> None:
    reading, writer = pipe
    pictures = [picture(*size, seed=seed) for seed in range(3)]
    raw = [as_ffmpeg_writes(pixels, name) for pixels in pictures]
    pixel_format = PIXEL_FORMATS[name]
    thread = fill(writer, b"".join(raw))
    events: list[Event] = []
    got = read_all(source(reading, size, pixel_format, events.append))
    thread.join()
    assert [event.kind for event in events] == ["opened", "ended"]
    assert len(got) == 3
    for frame, data in zip(got, raw, strict=True):
        assert frame.pixel_format is pixel_format
        expected = Frame.from_buffer(data, *size, pixel_format)
        np.testing.assert_array_equal(frame.pixels, expected.pixels)
        for plane, same in zip(frame.chroma or (), expected.chroma or (), strict=True):
            np.testing.assert_array_equal(plane, same)
    if name in ("rgb24", "bgr24"):
        for frame, pixels in zip(got, pictures, strict=True):
            np.testing.assert_array_equal(to_rgb(frame), pixels)


def test_a_truncated_frame_at_the_end_is_reported_and_the_others_are_there(
    pipe: tuple[int, io.FileIO],
) -> None:
    reading, writer = pipe
    data = as_ffmpeg_writes(picture(), "nv12")
    thread = fill(writer, data * 2 + data[:1000])
    events: list[Event] = []
    got = read_all(source(reading, (64, 48), PixelFormat.NV12, events.append))
    thread.join()
    assert len(got) == 2
    assert [event.kind for event in events] == ["opened", "skipped", "ended"]
    assert "a truncated frame of 1000 bytes at the end, expected 4608" in events[1].message
    assert "after 2 complete frames" in events[1].message


def test_an_empty_pipe_says_so(pipe: tuple[int, io.FileIO]) -> None:
    reading, writer = pipe
    writer.close()
    events: list[Event] = []
    assert read_all(source(reading, (64, 48), PixelFormat.NV12, events.append)) == []
    assert [event.kind for event in events] == ["opened", "skipped", "ended"]
    assert "0 bytes" in events[1].message


def test_close_ends_a_blocked_read_within_a_second(pipe: tuple[int, io.FileIO]) -> None:
    reading, writer = pipe
    with Watch(lambda report: source(reading, (64, 48), PixelFormat.GRAY, report)) as watch:
        writer.write(bytes(64 * 48 + 10))
        watch.wait_frames(1)
        started = time.monotonic()
        watch.source.close()
        watch.join()
        assert time.monotonic() - started < 1
    assert watch.log == ["opened", "frame", "ended"]


def test_a_pause_is_reported_once_and_waited_for(pipe: tuple[int, io.FileIO]) -> None:
    reading, writer = pipe
    frame = bytes(64 * 48)
    with Watch(
        lambda report: source(reading, (64, 48), PixelFormat.GRAY, report, stall_s=0.1)
    ) as watch:
        writer.write(frame)
        watch.wait(lambda: watch.count("stalled") == 1)
        time.sleep(0.3)
        writer.write(frame)
        watch.wait(lambda: watch.log[-1] == "frame" and len(watch.times) == 2)
        watch.wait(lambda: watch.count("stalled") == 2)
        writer.close()
        watch.join()
    assert watch.log == ["opened", "frame", "stalled", "frame", "stalled", "ended"]


def test_times_are_those_of_arrival_or_of_the_frame_rate(pipe: tuple[int, io.FileIO]) -> None:
    reading, writer = pipe
    before = time.monotonic_ns()
    thread = fill(writer, bytes(5 * 8 * 6))
    got = read_all(source(reading, (8, 6), PixelFormat.GRAY, frame_rate=25))
    thread.join()
    assert [frame.timestamp_ns for frame in got] == [n * 40_000_000 for n in range(5)]
    again, writing = os.pipe()
    os.write(writing, bytes(5 * 8 * 6))
    os.close(writing)
    times = [frame.timestamp_ns or 0 for frame in read_all(source(again, (8, 6), PixelFormat.GRAY))]
    os.close(again)
    assert before < times[0] < times[-1] < time.monotonic_ns()
    assert times == sorted(set(times))


def test_a_slow_taker_misses_nothing_unless_it_is_live(pipe: tuple[int, io.FileIO]) -> None:
    reading, writer = pipe
    data = b"".join(bytes([n]) * 48 for n in range(200))
    thread = fill(writer, data)
    values = []
    for frame in source(reading, (8, 6), PixelFormat.GRAY).frames():
        values.append(int(frame.pixels[0, 0]))
        if len(values) % 50 == 0:
            time.sleep(0.02)
    thread.join()
    assert values == list(range(200))


def test_of_a_live_pipe_the_newest_frame_wins(pipe: tuple[int, io.FileIO]) -> None:
    reading, writer = pipe
    live = source(reading, (8, 6), PixelFormat.GRAY, live=True)
    frames = live.frames()
    writer.write(bytes(48))
    assert int(next(frames).pixels[0, 0]) == 0
    for value in range(1, 51):
        writer.write(bytes([value]) * 48)
    time.sleep(0.3)
    assert int(next(frames).pixels[0, 0]) == 50
    live.close()
    assert list(frames) == []
    assert live.dropped == 49


def test_raw_frames_from_a_file_work_too(tmp_path: Path) -> None:
    path = tmp_path / "frames.raw"
    path.write_bytes(bytes(48) * 3)
    with path.open("rb") as file:
        assert len(read_all(source(file.fileno(), (8, 6), PixelFormat.GRAY))) == 3


def test_a_terminal_is_refused() -> None:
    pty = pytest.importorskip("pty")
    first, second = pty.openpty()
    events: list[Event] = []
    assert read_all(source(second, (8, 6), PixelFormat.GRAY, events.append)) == []
    os.close(first)
    os.close(second)
    assert "terminal" in events[0].message


def test_names_of_pixel_formats() -> None:
    assert raw_pixel_format("NV12") is PixelFormat.NV12
    assert raw_pixel_format(PixelFormat.I420) is PixelFormat.I420
    for wrong in ("yuv422p10le", PixelFormat.YUV_420_888):
        with pytest.raises(ValueError, match="expected one of nv12, nv21, yuv420p"):
            raw_pixel_format(wrong)


_PROGRAM = """
from edgeiqa.sources.open import open_source
source = open_source("-", size=(63, 47), pixel_format="yuvj420p", on_event=lambda e: print(e.kind))
for frame in source.frames():
    print(frame.size, frame.pixel_format.value, frame.color_range.value, int(frame.pixels[0, 0]))
"""


@pytest.mark.parametrize("closed", [False, True])
def test_standard_input_of_a_program(closed: bool) -> None:
    pixels = np.full((47, 63, 3), 255, np.uint8)
    data = as_ffmpeg_writes(pixels, "yuvj420p") * 2 + b"123"
    code = "import os; os.close(0)\n" + _PROGRAM if closed else _PROGRAM
    done = subprocess.run(
        [sys.executable, "-c", code], input=b"" if closed else data, cwd=ROOT,
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    line = "(47, 63) I420 full 255"
    expected = ["opened", line, line, "skipped", "ended"]
    assert done.stdout.decode().split("\n")[:-1] == (["skipped", "ended"] if closed else expected)


@pytest.mark.parametrize("missing", ["size", "pixel_format"])
def test_size_and_pixel_format_are_needed(missing: str) -> None:
    settings: dict = {"size": (8, 6), "pixel_format": "gray"}
    del settings[missing]
    with pytest.raises(ValueError, match=rf"{missing} is missing.*1920x1080 and nv12"):
        open_source("-", **settings)
