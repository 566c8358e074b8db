"""Tells on standard error how far a long run has come: a line on a terminal, else one a minute."""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, TextIO


class Counting:
    """Counts something in a thread; a context manager that gives up at its end."""

    def __init__(self, things: Iterable[Any], tell: Callable[[int], None]) -> None:
        """Takes what to count.

        Args:
            things: To be counted; read by another thread.
            tell: Told how many there were, once, unless the run is over before.
        """
        self._things = things
        self._tell = tell
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True, name="edgeiqa-count")

    def __enter__(self) -> Counting:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(5.0)

    def _count(self) -> None:
        count = 0
        # Whatever goes wrong there goes wrong for whoever does the work, too, and is told there.
        with contextlib.suppress(Exception):
            for _ in self._things:
                if self._over.is_set():
                    return
                count += 1
            self._tell(count)


_FIRST_S = 2.0
"""What is over by then shows nothing."""

_EVERY_S = 0.2
_EVERY_S_IN_A_LOG = 60.0

_WINDOW_S = 60.0
"""The rate is that of so many seconds: photographs of one folder may be larger than another's."""

_SAMPLES = 120


class Progress:
    """Shows `12/400  3%  5.1/s  1:16 left` on a terminal, from the third second on.

    Where standard error is no terminal, in a log or under cron, it is a line of its own every
    minute. The rate, and with it the time left, is that of the last minute.
    """

    def __init__(
        self, total: int | None, *, enabled: bool = True, stream: TextIO | None = None
    ) -> None:
        """Starts the clock.

        Args:
            total: How many steps there are; None if that is not known yet, see `total`.
            enabled: False keeps it silent.
            stream: Where to write; standard error by default.
        """
        self._stream = stream or sys.stderr
        self.total = total
        """How many steps there are, None as long as nobody knows; may be set on the way."""
        self.errors = 0
        """How many steps went wrong, for the line to tell."""
        self._done = 0.0
        self._skipped = 0.0
        self._enabled = enabled and self._stream is not None
        self._live = self._enabled and self._stream.isatty()
        self._start = time.monotonic()
        self._next = self._start + (_FIRST_S if self._live else _EVERY_S_IN_A_LOG)
        self._samples = deque([(self._start, 0.0)], maxlen=_SAMPLES)
        self._shown = False

    @property
    def done(self) -> float:
        """Steps done so far, skipped ones included."""
        return self._done + self._skipped

    def skip(self, steps: int = 1) -> None:
        """Counts steps for which nothing had to be done; they make no run look fast."""
        self._skipped += steps
        self._show()

    def step(self, share: float = 1.0) -> None:
        """Counts one step as done, or a share of it."""
        self._done += share
        self._show()

    def _show(self) -> None:
        now = time.monotonic()
        if not self._enabled:
            return
        if now - self._samples[-1][0] >= _WINDOW_S / _SAMPLES:
            self._samples.append((now, self._done))
        if now < self._next:
            return
        self._next = now + (_EVERY_S if self._live else _EVERY_S_IN_A_LOG)
        line = self._line(now)
        self._stream.write(f"\r\x1b[K{line}" if self._live else f"edgeiqa: {line}\n")
        self._stream.flush()
        self._shown = self._live

    def _line(self, now: float) -> str:
        while len(self._samples) > 2 and now - self._samples[1][0] > _WINDOW_S:
            self._samples.popleft()
        since, before = self._samples[0]
        if since == now:  # The one sample was taken just now.
            since, before = self._start, 0.0
        rate = (self._done - before) / max(now - since, 1e-9)
        done = math.floor(self.done + 1e-6)  # Shares of a step may add up to a little less.
        parts = [f"{done}", f"{rate:.1f}/s"]
        if self.total is not None:
            # Files may have come since they were counted.
            total = max(self.total, done)
            parts[0] = f"{done}/{total}  {int(100 * done / total) if total else 100}%"
            if rate > 0:
                parts.append(f"{clock((total - self.done) / rate)} left")
        if self.errors:
            parts.append(f"{self.errors} {'error' if self.errors == 1 else 'errors'}")
        return "  ".join(parts)

    def close(self) -> None:
        """Wipes the line."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False


def clock(seconds: float) -> str:
    """A time as people write it: "1:16", from an hour on "3:12:05", from two days on "4 days"."""
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    if hours:
        return f"{hours}:{minutes:02d}:{whole % 60:02d}"
    return f"{minutes}:{whole % 60:02d}"
