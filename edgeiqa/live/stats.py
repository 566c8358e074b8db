"""Frame rates, drops, errors and latency of a live stream, in bounded memory."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

WINDOW_S = 5.0
"""Seconds that rates cover."""

WINDOW = 512
"""Maximum number of frames that rates and latencies cover."""


@dataclass(frozen=True)
class LiveStats:
    """Counts since the start, and rates and latencies of recent frames.

    Attributes:
        frames_in: Frames submitted, including refused ones.
        scored: Frames with a score.
        dropped: Frames replaced by a newer one before they were scored.
        errors: Frames that were refused or could not be scored.
        callback_errors: Exceptions raised by the result callback.
        fps_in: Frames submitted per second, over the last `WINDOW_S` seconds.
        fps_scored: Frames scored per second, likewise.
        latency_p50_ms: Median milliseconds from submitting a frame to its result, over the last
            `WINDOW` scored frames; None before the first.
        latency_p90_ms: 90th percentile.
        latency_p99_ms: 99th percentile.
    """

    frames_in: int
    scored: int
    dropped: int
    errors: int
    callback_errors: int
    fps_in: float
    fps_scored: float
    latency_p50_ms: float | None
    latency_p90_ms: float | None
    latency_p99_ms: float | None

    def to_dict(self) -> dict[str, Any]:
        """Returns a JSON-ready dict with 2 decimals."""
        return {
            key: round(value, 2) if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }


class LiveMeter:
    """Collects what `LiveStats` reports; thread-safe.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._arrivals: deque[float] = deque(maxlen=WINDOW)
        self._results: deque[float] = deque(maxlen=WINDOW)
        self._latencies: deque[float] = deque(maxlen=WINDOW)

    def arrived(self) -> None:
        """Counts a submitted frame."""
        with self._lock:
            self._counts["in"] += 1
            self._arrivals.append(self._clock())

    def scored(self, latency_ms: float) -> None:
        """Counts a scored frame."""
        with self._lock:
            self._counts["scored"] += 1
            self._results.append(self._clock())
            self._latencies.append(latency_ms)

    def dropped(self) -> None:
        """Counts a frame replaced by a newer one."""
        self._count("dropped")

    def failed(self) -> None:
        """Counts a frame that was refused or could not be scored."""
        self._count("errors")

    def callback_failed(self) -> None:
        """Counts an exception of the callback."""
        self._count("callback")

    @property
    def dropped_so_far(self) -> int:
        """Frames dropped since the start."""
        return self._counts["dropped"]

    def stats(self) -> LiveStats:
        """Returns the current statistics."""
        with self._lock:
            now = self._clock()
            ordered = sorted(self._latencies)
            return LiveStats(
                frames_in=self._counts["in"],
                scored=self._counts["scored"],
                dropped=self._counts["dropped"],
                errors=self._counts["errors"],
                callback_errors=self._counts["callback"],
                fps_in=_rate(self._arrivals, now),
                fps_scored=_rate(self._results, now),
                latency_p50_ms=_percentile(ordered, 0.5),
                latency_p90_ms=_percentile(ordered, 0.9),
                latency_p99_ms=_percentile(ordered, 0.99),
            )

    def _count(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1


def _rate(times: deque[float], now: float) -> float:
    """Events per second; falls towards 0 when no more arrive."""
    recent = [at for at in times if now - at <= WINDOW_S]
    if len(recent) < 2:
        return 0.0
    span = recent[-1] - recent[0]
    gap = span / (len(recent) - 1)
    if now - recent[-1] > 2 * gap:  # Overdue: the silence counts.
        span = now - recent[0]
    return (len(recent) - 1) / span if span > 0 else 0.0


def _percentile(ordered: list[float], share: float) -> float | None:
    """The nearest-rank percentile of sorted values."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
