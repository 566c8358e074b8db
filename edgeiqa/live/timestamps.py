"""Time in a stream: strictly increasing timestamps, and the time of day of a frame."""

from __future__ import annotations

import operator
import threading
import time
from datetime import datetime, timezone

RESTART_AFTER = 5
"""Rejected frames in a row, increasing among themselves, that show a clock was set back."""

_MAX_AGE_NS = 60_000_000_000


class StreamClock:
    """Enforces strictly increasing timestamps and numbers restarted streams. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stream = 0
        self._last_ns: int | None = None
        self._rejected: list[int] = []

    def admit(self, timestamp_ns: int, *, restarts: bool = False) -> int:
        """Checks the timestamp of the next frame.

        Args:
            timestamp_ns: Nanoseconds of any clock.
            restarts: Whether a clock that was set back starts a new stream automatically, see
                `RESTART_AFTER`. Otherwise only `reset` does.

        Returns:
            The number of the stream that the frame belongs to, starting at 0.

        Raises:
            TypeError: Not an integer.
            ValueError: Not later than the last admitted frame, which remains the last one.
        """
        try:
            now = operator.index(timestamp_ns)
        except TypeError:
            raise TypeError(f"timestamp_ns is {timestamp_ns!r}, expected an integer") from None
        with self._lock:
            last = self._last_ns
            if last is None or now > last:
                self._last_ns, self._rejected = now, []
                return self._stream
            if self._rejected and now <= self._rejected[-1]:
                self._rejected = []
            self._rejected.append(now)
            if restarts and len(self._rejected) >= RESTART_AFTER:
                self._stream += 1
                self._last_ns, self._rejected = now, []
                return self._stream
            self._rejected = self._rejected[-RESTART_AFTER:]
        raise ValueError(
            f"timestamp_ns is {now}, expected later than {last} of the previous frame; "
            "reset() starts a new stream"
        )

    def reset(self) -> None:
        """Starts a new stream with the next frame, whatever its timestamp."""
        with self._lock:
            self._stream += 1
            self._last_ns, self._rejected = None, []


def taken_at(timestamp_ns: int | None, live: bool) -> int:
    """Converts a frame's timestamp to nanoseconds since 1970, UTC.

    Args:
        timestamp_ns: Of a live source by `time.monotonic_ns`; of a file the position in the video.
        live: Whether the source is live. Anything else, and a frame older than a minute, counts
            as taken now.
    """
    now = time.time_ns()
    if live and timestamp_ns is not None:
        age = time.monotonic_ns() - timestamp_ns
        if 0 <= age < _MAX_AGE_NS:
            return now - age
    return now


def iso_time(nanoseconds: int) -> str:
    """Formats nanoseconds since 1970 as "2026-11-24T12:01:02.345Z", truncated to milliseconds."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    day = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{day:%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"
