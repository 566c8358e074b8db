"""Shows on standard error how far a long run is: a line on a terminal, else one a minute."""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from typing import TextIO

_FIRST_S = 2.0
"""Runs that end earlier show nothing."""

_INTERVAL_S = 0.2
_LOG_INTERVAL_S = 60.0

_WINDOW_S = 60.0
"""Seconds over which the rate is averaged: folders differ in the size of their photographs."""

_SAMPLES = 120


class Progress:
    """Shows `12/400  3%  5.1/s  1:16 left` on a terminal, from the third second on.

    Where standard error is not a terminal, in a log or under cron, it writes a line a minute. The
    rate, and with it the time left, is that of the last minute.

    Attributes:
        total: How many steps there are; None while that is not known.
        errors: How many steps went wrong.
    """

    def __init__(
        self, total: int | None, *, enabled: bool = True, stream: TextIO | None = None
    ) -> None:
        """Starts the clock.

        Args:
            total: How many steps there are, if that is known.
            enabled: Whether to show anything.
            stream: Where to write; standard error by default.
        """
        self._stream = stream or sys.stderr
        self.total = total
        self.errors = 0
        self._done = 0.0
        self._skipped = 0.0
        self._enabled = enabled and self._stream is not None
        self._live = self._enabled and self._stream.isatty()
        self._start = time.monotonic()
        self._next = self._start + (_FIRST_S if self._live else _LOG_INTERVAL_S)
        self._samples = deque([(self._start, 0.0)], maxlen=_SAMPLES)
        self._shown = False

    @property
    def done(self) -> float:
        """Steps done so far, skipped ones included."""
        return self._done + self._skipped

    def skip(self, steps: int = 1) -> None:
        """Counts steps that needed no work, which do not count for the rate."""
        self._skipped += steps
        self._show()

    def step(self, share: float = 1.0) -> None:
        """Counts a step, or a share of one."""
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
        self._next = now + (_INTERVAL_S if self._live else _LOG_INTERVAL_S)
        line = self._line(now)
        self._stream.write(f"\r\x1b[K{line}" if self._live else f"edgeiqa: {line}\n")
        self._stream.flush()
        self._shown = self._live

    def _line(self, now: float) -> str:
        while len(self._samples) > 2 and now - self._samples[1][0] > _WINDOW_S:
            self._samples.popleft()
        since, before = self._samples[0]
        if since == now:  # The only sample is from this moment.
            since, before = self._start, 0.0
        rate = (self._done - before) / max(now - since, 1e-9)
        done = math.floor(self.done + 1e-6)  # Shares of a step may add up to a little less.
        parts = [f"{done}", f"{rate:.1f}/s"]
        if self.total is not None:
            # There may be more files than when they were counted.
            total = max(self.total, done)
            parts[0] = f"{done}/{total}  {int(100 * done / total) if total else 100}%"
            if rate > 0:
                parts.append(f"{clock((total - self.done) / rate)} left")
        if self.errors:
            parts.append(f"{self.errors} {'error' if self.errors == 1 else 'errors'}")
        return "  ".join(parts)

    def note(self, text: str) -> None:
        """Writes a line above the progress line."""
        if self._enabled:
            self.close()
            print(f"edgeiqa: {text}", file=self._stream, flush=True)

    def close(self) -> None:
        """Erases the line."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False


def clock(seconds: float) -> str:
    """A duration: "1:16", from an hour on "3:12:05", from two days on "4 days"."""
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    if hours:
        return f"{hours}:{minutes:02d}:{whole % 60:02d}"
    return f"{minutes}:{whole % 60:02d}"
