"""When a frame was taken, by the clock on the wall."""

from __future__ import annotations

import time
from datetime import datetime, timezone

_OLDEST_NS = 60_000_000_000


def taken_at(timestamp_ns: int | None, live: bool) -> int:
    """Turns the timestamp of a frame into a time of day.

    Args:
        timestamp_ns: Of the frame; of a live source by `time.monotonic_ns`.
        live: Whether it is; of files it is the place in the video, and now is as good a time.

    Returns:
        Nanoseconds since 1970, UTC. Now, unless the frame is from the last minute.
    """
    now = time.time_ns()
    if live and timestamp_ns is not None:
        age = time.monotonic_ns() - timestamp_ns
        if 0 <= age < _OLDEST_NS:
            return now - age
    return now


def iso_time(nanoseconds: int) -> str:
    """Nanoseconds since 1970 as "2026-11-24T12:01:02.345Z"; UTC, milliseconds cut off."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    day = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{day:%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"
