"""Reads frames in a thread, so that a camera that hangs does not block the consumer.

A read inside a camera driver or a network library cannot be interrupted. It therefore runs in a
thread that may be abandoned, and the consumer waits with a timeout. At most one frame is buffered
between the two.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from edgeiqa.errors import SourceError
from edgeiqa.imaging.frame import Frame
from edgeiqa.urls import without_password

_SKIP_INTERVAL_S = 1.0
"""Minimum seconds between two reports of skips in a live stream; they are summed up."""


@dataclass(frozen=True)
class Opened:
    """The feed was opened; `message` describes it."""

    message: str


@dataclass(frozen=True)
class Skipped:
    """Something could not be read and the rest continues; `message` says what and why."""

    message: str
    count: int = 1


@dataclass(frozen=True)
class Ended:
    """The feed has ended; `error` says why, None for a regular end."""

    error: str | None


Item: TypeAlias = Opened | Skipped | Frame | Ended


class Feed(Protocol):
    """One connection to a camera, a stream or a file. All but `interrupt` run in one thread."""

    def open(self) -> str:
        """Opens the feed and returns its description; raises SourceError."""
        ...

    def read(self) -> Iterator[Frame | Skipped]:
        """Yields frames until the end; raises SourceError when the feed breaks off."""
        ...

    def interrupt(self) -> None:
        """Asks `open` and `read`, from another thread, to return soon."""
        ...

    def close(self) -> None:
        """Releases whatever `open` acquired, even if it failed half-way."""
        ...


class Reader:
    """Runs a feed in a thread and hands over what it yields.

    Args:
        feed: What to read; it must not be used elsewhere.
        name: Name of the thread.
        newest_wins: Whether a frame not taken yet is replaced by a newer one (cameras), or the
            feed waits (files).
    """

    def __init__(self, feed: Feed, name: str, *, newest_wins: bool) -> None:
        self._dropped = 0
        self._feed = feed
        self._newest_wins = newest_wins
        self._changed = threading.Condition()
        self._opened: Opened | None = None
        self._skipped: Skipped | None = None
        self._next_skip_report = 0.0
        self._frame: Frame | None = None
        self._ended: Ended | None = None
        self._stopped = False
        # A daemon, so that the program can exit while a driver hangs.
        self._thread = threading.Thread(target=self._run, name=f"edgeiqa {name}", daemon=True)

    def start(self) -> None:
        """Starts opening and reading."""
        self._thread.start()

    def take(self, timeout_s: float) -> Item | None:
        """Returns the next item; None after the timeout. After `stop` always an `Ended`."""
        until = time.monotonic() + timeout_s
        with self._changed:
            while True:
                item = self._next()
                left = until - time.monotonic()
                if item is not None or left <= 0:
                    self._changed.notify_all()
                    return item
                self._changed.wait(left)

    def take_dropped(self) -> int:
        """Returns how many frames were replaced since the last call."""
        with self._changed:
            dropped, self._dropped = self._dropped, 0
        return dropped

    def stop(self) -> None:
        """Asks the thread to end and drops what it holds; from any thread, without waiting."""
        with self._changed:
            self._stopped = True
            self._frame = self._skipped = None
            self._changed.notify_all()
        self._feed.interrupt()

    def join(self, timeout_s: float) -> bool:
        """Waits for the thread to end; returns whether it has."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _next(self) -> Item | None:
        if self._stopped:
            return Ended(None)
        item: Item | None
        if self._opened is not None:
            item, self._opened = self._opened, None
        elif self._skipped is not None and self._may_report_skips():
            item, self._skipped = self._skipped, None
        elif self._frame is not None:
            item, self._frame = self._frame, None
        else:
            item = self._ended
        return item

    def _may_report_skips(self) -> bool:
        now = time.monotonic()
        if self._newest_wins and now < self._next_skip_report and self._ended is None:
            return False
        self._next_skip_report = now + _SKIP_INTERVAL_S
        return True

    def _run(self) -> None:
        error: str | None = None
        try:
            opened = Opened(self._feed.open())
            with self._changed:
                self._opened = opened
                self._changed.notify_all()
            for item in self._feed.read():
                if not self._put(item):
                    break
        except SourceError as failure:
            error = without_password(str(failure))
        except Exception as failure:  # Report every error; the thread has no caller.
            error = without_password(f"{type(failure).__name__}: {failure}")
        finally:
            try:
                self._feed.close()
            except Exception as failure:
                error = error or without_password(f"{type(failure).__name__}: {failure}")
            with self._changed:
                self._ended = Ended(error)
                self._changed.notify_all()

    def _put(self, item: Frame | Skipped) -> bool:
        """Stores one item; returns False once the reader was stopped."""
        with self._changed:
            # If frames are not replaced, even a skip waits until the frame before it was taken.
            while self._frame is not None and not self._newest_wins and not self._stopped:
                self._changed.wait()
            if self._stopped:
                return False
            if isinstance(item, Skipped):
                count = item.count + (self._skipped.count if self._skipped else 0)
                self._skipped = Skipped(item.message, count)
            else:
                self._dropped += self._frame is not None
                self._frame = item
            self._changed.notify_all()
            return True
