"""One line on standard error that tells how far a long run has come."""

from __future__ import annotations

import math
import sys
import time
from typing import TextIO


class Progress:
    """Shows `12/400  3%  5.1/s  1:16 left` on a terminal, from the third second on."""

    def __init__(self, total: int, *, enabled: bool = True, stream: TextIO | None = None) -> None:
        """Starts the clock.

        Args:
            total: How many steps there are.
            enabled: False keeps it silent; so does a stream that is no terminal.
            stream: Where to write; standard error by default.
        """
        self._stream = stream or sys.stderr
        self._total = total
        self._done = 0.0
        self._enabled = enabled and self._stream.isatty()
        self._start = time.monotonic()
        self._next = self._start + 2.0
        self._shown = False

    @property
    def done(self) -> float:
        """Steps done so far."""
        return self._done

    def step(self, share: float = 1.0) -> None:
        """Counts one step as done, or a share of it."""
        self._done += share
        now = time.monotonic()
        if not self._enabled or now < self._next:
            return
        self._next = now + 0.2
        rate = self._done / (now - self._start)
        done = math.floor(self._done + 1e-6)  # Shares of a step may add up to a little less.
        left = round((self._total - self._done) / rate)
        self._stream.write(
            f"\r\x1b[K{done}/{self._total}  {int(100 * self._done / self._total)}%  "
            f"{rate:.1f}/s  {left // 60}:{left % 60:02d} left"
        )
        self._stream.flush()
        self._shown = True

    def close(self) -> None:
        """Wipes the line."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False
