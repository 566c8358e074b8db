"""A source that is read in the background, watched, and opened again when it is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from edgeiqa.imaging.frame import Frame
from edgeiqa.sources.base import Event, OnEvent
from edgeiqa.sources.reader_thread import Ended, Feed, Opened, Reader, Skipped


@dataclass(frozen=True)
class Backoff:
    """Waits that grow from one failed try to the next, always in the same way.

    Attributes:
        first_s: Seconds before the first try.
        factor: By which the wait grows, 1 or more.
        most_s: Seconds that are never exceeded.
        tries: Failed tries in a row after which it is given up; None for never.

    Raises:
        ValueError: A number outside of its range.
    """

    first_s: float = 0.5
    factor: float = 2.0
    most_s: float = 15.0
    tries: int | None = None

    def __post_init__(self) -> None:
        """Checks the numbers."""
        if not (0 < self.first_s <= self.most_s < float("inf")):
            raise ValueError(
                f"waits from {self.first_s} to {self.most_s} seconds, "
                "expected 0 < first_s <= most_s"
            )
        if not 1 <= self.factor < float("inf"):
            raise ValueError(f"factor is {self.factor}, expected 1 or more")
        if self.tries is not None and self.tries < 1:
            raise ValueError(f"tries are {self.tries}, expected 1 or more, or None")

    def delay_s(self, attempt: int) -> float:
        """Seconds to wait before try `attempt`, which is 1 for the first.

        Raises:
            ValueError: `attempt` is less than 1.
        """
        if attempt < 1:
            raise ValueError(f"attempt is {attempt}, expected 1 or more")
        try:
            return min(self.first_s * self.factor ** (attempt - 1), self.most_s)
        except OverflowError:
            return self.most_s

    def gives_up(self, attempt: int) -> bool:
        """Whether try `attempt` is one too many."""
        return self.tries is not None and attempt > self.tries


class ReopeningSource:
    """Frames of a feed, with events for all that goes wrong.

    A live source that breaks off is "lost"; one that gives no frame for `stall_s` is
    "stalled". Both are followed by "retrying" and, when it works, "opened", as often as the
    back-off allows; its waits begin anew after every frame. A file is read once; where it
    pauses (a pipe), that is told and waited for.

    Attributes:
        name: For people.
        live: Whether frames are lost when nobody takes them: then of two the newer is kept,
            otherwise the source waits. At most one frame lies ready.
        dropped: Frames that were replaced by newer ones because nobody took them.

    Args:
        name: For people.
        make_feed: Makes a feed for every time it is opened.
        live: See above.
        backoff: When to try again; None for never.
        stall_s: Seconds without a frame until it counts as stalled.
        on_event: Is told what happens, in the thread that takes the frames.
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
    ) -> None:
        self.name = name
        self.live = live
        self.dropped = 0
        self._make_feed = make_feed
        self._backoff = backoff
        self._stall_s = stall_s
        self._on_event = on_event
        self._closed = threading.Event()
        self._lock = threading.Lock()  # Of _closed being set and _reader being replaced.
        self._reader: Reader | None = None
        self._taken = threading.Lock()
        self._count = 0

    def frames(self) -> Iterator[Frame]:
        """Yields frames until the source ends or is closed.

        Raises:
            RuntimeError: Another thread is reading them already.
        """
        if not self._taken.acquire(blocking=False):
            raise RuntimeError(f"the frames of {self.name} are being read already")
        try:
            self._count = 0
            yield from self._tries()
        finally:
            try:
                self._stop()
            finally:
                self._taken.release()

    def close(self) -> None:
        """Ends it, from any thread, at once.

        A read that hangs in a driver or in the network goes on in a daemon thread until it
        comes back, at the latest after about twice `stall_s` where the library keeps its
        timeouts; nothing waits for it.
        """
        with self._lock:
            self._closed.set()
        self._stop()

    def _tries(self) -> Generator[Frame, None, None]:
        attempt = 0  # Tries in a row that gave no frame.
        while True:
            before = self._count
            reader = self._start()
            if reader is None:
                break
            stopped = yield from self._read(reader)
            if self._closed.is_set():
                break
            self._stop()
            if stopped is not None and not self.live:
                self._tell("skipped", stopped)
            if not self.live or self._backoff is None:
                break
            if self._count > before:
                attempt = 0
            attempt += 1
            if self._backoff.gives_up(attempt):
                self._tell("ended", f"{self.name}: given up after {attempt - 1} tries")
                return
            delay_s = self._backoff.delay_s(attempt)
            self._tell("retrying", f"{self.name}: opening again in {delay_s:g} s", attempt)
            if self._closed.wait(delay_s):
                break
            self._wait_for(reader)
        how = "closed" if self._closed.is_set() else "ended"
        self._tell("ended", f"{self.name}: {how} after {self._count} frames")

    def _read(self, reader: Reader) -> Generator[Frame, None, str | None]:
        """Yields what one reader gives; returns why that is all, None at a proper end."""
        # Opening takes two steps (connecting, then finding out what it is), and each has its
        # own timeout within the library; only beyond both of them it counts as stalled.
        patience_s = 2 * self._stall_s + 1
        stalled = False
        since = time.monotonic()
        while True:
            item = reader.take(max(since + patience_s - time.monotonic(), 0))
            self.dropped += reader.take_dropped()
            if isinstance(item, Frame):
                stalled = False
                self._count += 1
                yield item
                since = time.monotonic()
            elif isinstance(item, Opened):
                patience_s = self._stall_s
                since = time.monotonic()
                self._tell("opened", f"{self.name}: {item.message}")
            elif isinstance(item, Skipped):
                more = f" ({item.count} times)" if item.count > 1 else ""
                self._tell("skipped", f"{self.name}: {item.message}{more}")
            elif isinstance(item, Ended):
                message = f"{self.name}: {item.error or 'no more frames came'}"
                if self.live and not self._closed.is_set():
                    self._tell("lost", message)
                return None if item.error is None else message
            else:
                if not stalled:
                    self._tell("stalled", f"{self.name}: no frame for {patience_s:g} s")
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
        """Waits until a reader has come back, for there must never be two of them."""
        if reader.join(0.05):
            return
        self._tell("stalled", f"{self.name}: waiting for a read that hangs in the system")
        while not self._closed.is_set() and not reader.join(0.2):
            pass

    def _tell(self, kind: str, message: str, attempt: int = 0) -> None:
        if self._on_event is not None:
            self._on_event(Event(kind, message, attempt))
