"""A source that is read in the background, monitored, and reopened when it is lost."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from edgeiqa.imaging.frame import Frame
from edgeiqa.sources.base import Event, OnEvent
from edgeiqa.sources.reader_thread import Ended, Feed, Opened, Reader, Skipped

FROZEN_S = 10.0
"""Seconds of identical frames after which a camera counts as frozen."""


@dataclass(frozen=True)
class Backoff:
    """Deterministic, growing delays between failed attempts.

    Attributes:
        first_s: Seconds before the first attempt.
        factor: Growth from one delay to the next, at least 1.
        max_s: Upper limit of a delay in seconds.
        tries: Maximum consecutive failed attempts; None for no limit.

    Raises:
        ValueError: A value is out of range.
    """

    first_s: float = 0.5
    factor: float = 2.0
    max_s: float = 15.0
    tries: int | None = None

    def __post_init__(self) -> None:
        if not (0 < self.first_s <= self.max_s < float("inf")):
            raise ValueError(
                f"delays from {self.first_s} to {self.max_s} seconds, expected 0 < first_s <= max_s"
            )
        if not 1 <= self.factor < float("inf"):
            raise ValueError(f"factor is {self.factor}, expected 1 or more")
        if self.tries is not None and self.tries < 1:
            raise ValueError(f"tries is {self.tries}, expected 1 or more, or None")

    def delay_s(self, attempt: int) -> float:
        """Returns the seconds to wait before an attempt; the first attempt is 1."""
        if attempt < 1:
            raise ValueError(f"attempt is {attempt}, expected 1 or more")
        try:
            return min(self.first_s * self.factor ** (attempt - 1), self.max_s)
        except OverflowError:
            return self.max_s

    def gives_up(self, attempt: int) -> bool:
        """Whether an attempt exceeds `tries`."""
        return self.tries is not None and attempt > self.tries


class ReopeningSource:
    """Frames of a feed, with an event for every problem.

    A live source that breaks off is "lost"; one that delivers no frame for `stall_s` is "stalled".
    Both are followed by "retrying" and, on success, "opened", as often as the back-off allows; its
    delays start over once frames arrive. A file is read once; if it pauses (a pipe), that is
    reported, and the source waits.

    Attributes:
        name: For display.
        live: Whether a frame that is not taken in time is replaced by a newer one; otherwise the
            source waits. At most one frame is buffered.
        dropped: Number of frames replaced by newer ones.

    Args:
        name: For display.
        make_feed: Creates a feed for every attempt.
        live: See above.
        backoff: When to reopen; None for never.
        stall_s: Seconds without a frame after which the source counts as stalled.
        on_event: Called with each event, in the thread that takes the frames.
        frozen_s: Seconds of identical frames after which it counts as frozen; None for never.
    """

    def __init__(
        self,
        name: str,
        make_feed: Callable[[], Feed],
        *,
        live: bool,
        backoff: Backoff | None,
        stall_s: float,
        on_event: OnEvent | None = None,
        frozen_s: float | None = None,
    ) -> None:
        self.name = name
        self.live = live
        self.dropped = 0
        self._make_feed = make_feed
        self._backoff = backoff
        self._stall_s = stall_s
        self._frozen_s = frozen_s
        self._on_event = on_event
        self._closed = threading.Event()
        self._lock = threading.Lock()  # Guards setting _closed and replacing _reader.
        self._reader: Reader | None = None
        self._taken = threading.Lock()
        self._count = 0

    def frames(self) -> Iterator[Frame]:
        """Yields frames until the source ends or is closed.

        Raises:
            RuntimeError: Another thread is reading them.
        """
        if not self._taken.acquire(blocking=False):
            raise RuntimeError(f"another thread is reading the frames of {self.name}")
        try:
            self._count = 0
            yield from self._attempts()
        finally:
            try:
                self._stop()
            finally:
                self._taken.release()

    def close(self) -> None:
        """Ends the source at once, from any thread.

        A read that hangs in a driver or in the network continues in a daemon thread until it
        returns, after at most about twice `stall_s` if the library respects its timeouts;
        nothing waits for it.
        """
        with self._lock:
            self._closed.set()
        self._stop()

    def _attempts(self) -> Generator[Frame, None, None]:
        attempt = 0  # Consecutive attempts without a frame.
        while True:
            before = self._count
            reader = self._start()
            if reader is None:
                break
            failure = yield from self._read(reader)
            if self._closed.is_set():
                break
            self._stop()
            if failure is not None and not self.live:
                self._report("skipped", failure)
            if not self.live or self._backoff is None:
                break
            if self._count > before:
                attempt = 0
            attempt += 1
            if self._backoff.gives_up(attempt):
                self._report("ended", f"{self.name}: gave up after {attempt - 1} attempts")
                return
            delay_s = self._backoff.delay_s(attempt)
            self._report("retrying", f"{self.name}: reopening in {delay_s:g} s", attempt)
            if self._closed.wait(delay_s):
                break
            self._wait_for(reader)
        how = "closed" if self._closed.is_set() else "ended"
        self._report("ended", f"{self.name}: {how} after {self._count} frames")

    def _read(self, reader: Reader) -> Generator[Frame, None, str | None]:
        """Yields the frames of one reader; returns the error that ended it, if any."""
        # Opening has two steps, connecting and probing, each with its own timeout inside the
        # library; it counts as stalled only after both.
        patience_s = 2 * self._stall_s + 1
        freeze = None if self._frozen_s is None else _FreezeDetector(self._frozen_s)
        stalled = False
        since = time.monotonic()
        while True:
            item = reader.take(max(since + patience_s - time.monotonic(), 0))
            self.dropped += reader.take_dropped()
            if isinstance(item, Frame):
                stalled = False
                self._count += 1
                if freeze is not None and (change := freeze.update(item)) is not None:
                    self._report(change[0], f"{self.name}: {change[1]}")
                yield item
                since = time.monotonic()
            elif isinstance(item, Opened):
                patience_s = self._stall_s
                since = time.monotonic()
                self._report("opened", f"{self.name}: {item.message}")
            elif isinstance(item, Skipped):
                more = f" ({item.count} times)" if item.count > 1 else ""
                self._report("skipped", f"{self.name}: {item.message}{more}")
            elif isinstance(item, Ended):
                message = f"{self.name}: {item.error or 'no more frames'}"
                if self.live and not self._closed.is_set():
                    self._report("lost", message)
                return None if item.error is None else message
            else:
                if not stalled:
                    self._report("stalled", f"{self.name}: no frame for {patience_s:g} s")
                if self.live and self._backoff is not None:
                    return None
                stalled = True
                since = time.monotonic()

    def _start(self) -> Reader | None:
        with self._lock:
            if self._closed.is_set():
                return None
            self._reader = Reader(self._make_feed(), self.name, newest_wins=self.live)
            self._reader.start()
            return self._reader

    def _stop(self) -> None:
        with self._lock:
            reader = self._reader
        if reader is not None:
            reader.stop()

    def _wait_for(self, reader: Reader) -> None:
        """Waits until a reader has returned: there must never be two of them."""
        if reader.join(0.05):
            return
        self._report("stalled", f"{self.name}: waiting for a read that hangs in the system")
        while not self._closed.is_set() and not reader.join(0.2):
            pass

    def _report(self, kind: str, message: str, attempt: int = 0) -> None:
        if self._on_event is not None:
            self._on_event(Event(kind, message, attempt))


class _FreezeDetector:
    """Detects a camera whose frames are all identical: a real sensor never repeats its noise."""

    def __init__(self, limit_s: float) -> None:
        self._limit_ns = round(limit_s * 1e9)
        self._digest: int | None = None
        self._since_ns = 0
        self._frozen = False

    def update(self, frame: Frame) -> tuple[str, str] | None:
        """Takes the next frame; returns (kind, message) of an event when the state changes."""
        now = frame.timestamp_ns or 0
        # Every eighth row is as unlikely to repeat as the whole picture, and costs little.
        digest = zlib.crc32(frame.pixels[::8].tobytes())
        if digest != self._digest:
            self._digest, self._since_ns = digest, now
            if not self._frozen:
                return None
            self._frozen = False
            return "resumed", "the picture is changing again"
        if self._frozen or now - self._since_ns < self._limit_ns:
            return None
        self._frozen = True
        return "frozen", f"all frames of the last {self._limit_ns / 1e9:g} s are identical"
