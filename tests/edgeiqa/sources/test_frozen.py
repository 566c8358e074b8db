"""A camera that repeats one picture is reported, and so is its recovery."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeiqa.imaging.frame import Frame
from edgeiqa.sources.base import Event
from edgeiqa.sources.reader_thread import Skipped
from edgeiqa.sources.reconnect import ReopeningSource

SECOND = 1_000_000_000


class Feed:
    """30 frames a second: one second of noise, `still_s` of one picture, one of noise again."""

    def __init__(self, still_s: float, noise: int = 2) -> None:
        self._still, self._noise = still_s, noise

    def open(self) -> str:
        return "a camera"

    def read(self) -> Iterator[Frame | Skipped]:
        generator = np.random.default_rng(0)
        pixels = generator.integers(0, 200, (64, 48, 3), dtype=np.uint8)
        for number in range(round(30 * (self._still + 2))):
            if not 1 <= number / 30 < 1 + self._still:
                moved = generator.integers(0, self._noise, pixels.shape, dtype=np.uint8)
                pixels = 100 + moved
            yield Frame(pixels, timestamp_ns=number * SECOND // 30)

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


def events(still_s: float, frozen_s: float | None = 10.0) -> list[str]:
    found: list[Event] = []
    source = ReopeningSource(
        *("camera", lambda: Feed(still_s)),
        live=False,
        backoff=None,
        stall_s=60.0,
        on_event=found.append,
        frozen_s=frozen_s,
    )
    assert len(list(source.frames())) == round(30 * (still_s + 2))
    return [event.kind for event in found]


def test_a_frozen_camera_is_reported_once_and_so_is_its_recovery() -> None:
    assert events(20.0) == ["opened", "frozen", "resumed", "ended"]


def test_a_short_stop_or_a_file_is_not_reported() -> None:
    assert events(9.0) == ["opened", "ended"]
    assert events(20.0, frozen_s=None) == ["opened", "ended"]


def test_the_slightest_noise_is_a_live_camera() -> None:
    """One grey level of noise in a scene where nothing moves, as at night."""
    assert events(0.0) == ["opened", "ended"]
