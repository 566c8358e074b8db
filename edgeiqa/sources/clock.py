"""Timestamps that rise from frame to frame, whatever the stream says."""

from __future__ import annotations

import time

# A step back by less than this is a slip of one frame; by more, the count began anew.
_SLIP_NS = 1_000_000_000


class RisingClock:
    """Makes a source's timestamps strictly rising, over wraps, splices and reconnections."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._offset = 0

    def now(self) -> int:
        """The time of arrival, by `time.monotonic_ns`."""
        return self._rise(time.monotonic_ns())

    def at(self, time_ns: int | None, step_ns: int) -> int:
        """The presentation time of a frame.

        A frame that comes a little before the last one gets the next nanosecond. Where time
        falls back by a second or more (a counter that wrapped, files joined together), what
        follows is moved behind the last frame.

        Args:
            time_ns: Nanoseconds as the stream has them; None where it has none.
            step_ns: How long a frame lasts, for where the stream does not say.

        Returns:
            Nanoseconds, more than the last time.
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
