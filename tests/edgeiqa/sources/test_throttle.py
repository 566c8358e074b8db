"""Takes some frames of a source, for some time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from edgeiqa.imaging.frame import Frame
from edgeiqa.sources.base import Source
from edgeiqa.sources.throttle import ThrottledSource

MS = 1_000_000


class Frames:
    def __init__(self, times: list[int | None], live: bool = False) -> None:
        self.name, self.live, self.closed = "frames", live, threading.Event()
        self._times = times

    def frames(self) -> Iterator[Frame]:
        for one in self._times:
            stamp = None if one is None else one * MS
            yield Frame(np.zeros((1, 1, 3), np.uint8), timestamp_ns=stamp)
        while self.live and not self.closed.wait(0.01):
            pass

    def close(self) -> None:
        self.closed.set()


def taken(source: Source) -> list[int | None]:
    return [f.timestamp_ns if f.timestamp_ns is None else f.timestamp_ns // MS
            for f in source.frames()]  # fmt: skip


@pytest.mark.parametrize(
    ("times", "every", "duration", "expected"),
    [
        ([0, 33, 66, 100, 133], None, None, [0, 33, 66, 100, 133]),
        ([0, 33, 66, 100, 133, 200], 0.1, None, [0, 100, 200]),
        ([5000, 5033, 5066, 5100], None, 0.06, [5000, 5033]),
        ([900, 950, 10, 40, 120], 0.1, None, [900, 10, 120]),  # The clock was set back.
        ([None, 10, None], 1.0, 1.0, [None, 10, None]),
    ],
)
def test_which_frames_are_taken(
    times: list[int | None], every: float | None, duration: float | None, expected: list[int | None]
) -> None:
    assert taken(ThrottledSource(Frames(times), every_s=every, duration_s=duration)) == expected


def test_a_live_source_ends_by_the_clock_though_no_frame_comes() -> None:
    frames = Frames([0, 10], live=True)
    source = ThrottledSource(frames, duration_s=0.2)
    assert (source.name, source.live) == ("frames", True)
    start = time.monotonic()
    assert taken(source) == [0, 10]
    assert 0.15 < time.monotonic() - start < 10
    assert frames.closed.is_set()


def test_a_file_ends_by_its_timestamps_however_slowly_it_is_read() -> None:
    frames = Frames([0, 10, 20, 30, 40])
    source = ThrottledSource(frames, duration_s=0.03)
    got = []
    for frame in source.frames():
        got.append((frame.timestamp_ns or 0) // MS)
        time.sleep(0.03)
    assert got == [0, 10, 20]
    assert not frames.closed.is_set()


def test_every_frame_that_arrives_is_counted() -> None:
    count = []
    source = ThrottledSource(
        Frames([0, 33, 66, 100, 133]), every_s=0.1, on_frame=lambda: count.append(1)
    )
    assert taken(source) == [0, 100]
    assert len(count) == 5
