"""Enforces strictly increasing timestamps."""

from __future__ import annotations

import time

# A smaller step back is one misplaced frame; a larger one means that the clock restarted.
_SLIP_NS = 1_000_000_000


class RisingClock:
    """Keeps a source's timestamps strictly increasing across wraps, splices and reconnects."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._offset = 0

    def now(self) -> int:
        """Returns the arrival time, from `time.monotonic_ns`."""
        return self._rise(time.monotonic_ns())

    def at(self, time_ns: int | None, step_ns: int) -> int:
        """Returns the presentation time of a frame.

        A frame slightly earlier than the last one gets the next nanosecond. If time jumps back by a
        second or more (a counter that wrapped, concatenated files), all later frames are shifted
        to follow the last one.

        Args:
            time_ns: Nanoseconds from the stream; None if it has none.
            step_ns: Duration of a frame, used if the stream has no time.
        """
        if self._last is None:
            return self._rise(0 if time_ns is None else time_ns)
        if time_ns is None:
            return self._rise(self._last + max(step_ns, 1))
        shifted = time_ns + self._offset
        if shifted <= self._last - _SLIP_NS:
            self._offset += self._last + max(step_ns, 1) - shifted
            shifted = time_ns + self._offset
        return self._rise(shifted)

    def _rise(self, time_ns: int) -> int:
        if self._last is not None and time_ns <= self._last:
            time_ns = self._last + 1
        self._last = time_ns
        return time_ns
