"""Reads frames in a thread of its own, so that nobody waits for a camera that hangs.

A read inside a camera driver or a network library cannot be ended from outside. So it happens
in a thread that may be left alone: who wants frames waits for that thread only as long as he
likes. At most one frame lies between the two.
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

# A live stream may have something to skip in every frame; that is told in sum, so often.
_SKIPS_EVERY_S = 1.0


@dataclass(frozen=True)
class Opened:
    """It has been opened: what it is, for people."""

    message: str


@dataclass(frozen=True)
class Skipped:
    """Something could not be read and the rest goes on: what and why, for people."""

    message: str
    count: int = 1


@dataclass(frozen=True)
class Ended:
    """No more will come; `error` is why, None at a proper end."""

    error: str | None


Item: TypeAlias = Opened | Skipped | Frame | Ended


class Feed(Protocol):
    """One go at a camera, a stream or a file. All but `interrupt` is called in one thread."""

    def open(self) -> str:
        """Opens it; returns what it is, for people. Raises SourceError."""
        ...

    def read(self) -> Iterator[Frame | Skipped]:
        """Yields frames to the end. Raises SourceError when it breaks off."""
        ...

    def interrupt(self) -> None:
        """Asks `open` and `read`, from another thread, to come to an end soon."""
        ...

    def close(self) -> None:
        """Gives back what `open` took, however far it came."""
        ...


class Reader:
    """Runs a feed in a thread and hands over what it yields.

    Args:
        feed: What to read; nobody else may use it any more.
        name: Of the thread.
        newest_wins: Whether a frame that nobody has taken yet is replaced by a newer one (for
            cameras) or the feed has to wait (for files).
    """

    def __init__(self, feed: Feed, name: str, *, newest_wins: bool) -> None:
        self._dropped = 0
        self._feed = feed
        self._newest_wins = newest_wins
        self._changed = threading.Condition()
        self._opened: Opened | None = None
        self._skipped: Skipped | None = None
        self._skips_from = 0.0  # When skips may be told again.
        self._frame: Frame | None = None
        self._ended: Ended | None = None
        self._stopped = False
        # A daemon, for a program must be able to end while a driver hangs.
        self._thread = threading.Thread(target=self._run, name=f"edgeiqa {name}", daemon=True)

    def start(self) -> None:
        """Begins to open and to read."""
        self._thread.start()

    def take(self, timeout_s: float) -> Item | None:
        """What came next; None if nothing came in time. After `stop` always an `Ended`."""
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
        """How many frames were replaced since this was last asked."""
        with self._changed:
            dropped, self._dropped = self._dropped, 0
        return dropped

    def stop(self) -> None:
        """Asks the thread to end, and lets go of what it has; from any thread, at once."""
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
        elif self._skipped is not None and self._may_tell_skips():
            item, self._skipped = self._skipped, None
        elif self._frame is not None:
            item, self._frame = self._frame, None
        else:
            item = self._ended
        return item

    def _may_tell_skips(self) -> bool:
        now = time.monotonic()
        if self._newest_wins and now < self._skips_from and self._ended is None:
            return False
        self._skips_from = now + _SKIPS_EVERY_S
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
        except Exception as failure:  # Whatever it is, it must not be lost with the thread.
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
        """Lays down one thing; False once nobody wants it any more."""
        with self._changed:
            # Even a skip waits for the frame before it, where frames are not replaced.
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
