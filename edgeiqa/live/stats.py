"""How a live stream goes: frames a second, drops, errors and latency, in bounded memory."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

WINDOW_S = 5.0
"""Seconds that rates look back."""

WINDOW = 512
"""Frames that rates and latencies look back at most."""


@dataclass(frozen=True)
class LiveStats:
    """Counts since the start, and rates and latencies of the last frames.

    Attributes:
        frames_in: Frames that were handed in, refused ones among them.
        scored: Frames with a score.
        dropped: Frames that gave way to a newer one before they were scored.
        errors: Frames that were refused or could not be scored.
        callback_errors: How often the callback for results raised.
        fps_in: Frames handed in per second, over the last `WINDOW_S` seconds.
        fps_scored: Frames scored per second, likewise.
        latency_p50_ms: Median time from handing a frame in to its result, in milliseconds, of
            the last `WINDOW` scored frames; None before the first.
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
        """The same ready for JSON, with 2 decimals."""
        return {
            key: round(value, 2) if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }


class LiveMeter:
    """Counts what `LiveStats` tells; from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts at zero.

        Args:
            clock: Seconds that never go back.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(("in", "scored", "dropped", "errors", "callback"), 0)
        self._arrivals: deque[float] = deque(maxlen=WINDOW)
        self._results: deque[float] = deque(maxlen=WINDOW)
        self._latencies: deque[float] = deque(maxlen=WINDOW)

    def arrived(self) -> None:
        """A frame was handed in."""
        with self._lock:
            self._counts["in"] += 1
            self._arrivals.append(self._clock())

    def scored(self, latency_ms: float) -> None:
        """A frame got its score."""
        with self._lock:
            self._counts["scored"] += 1
            self._results.append(self._clock())
            self._latencies.append(latency_ms)

    def dropped(self) -> None:
        """A frame gave way to a newer one."""
        with self._lock:
            self._counts["dropped"] += 1

    def failed(self) -> None:
        """A frame was refused or could not be scored."""
        with self._lock:
            self._counts["errors"] += 1

    def callback_failed(self) -> None:
        """The callback raised."""
        with self._lock:
            self._counts["callback"] += 1

    @property
    def dropped_so_far(self) -> int:
        """Frames dropped since the start."""
        return self._counts["dropped"]

    def stats(self) -> LiveStats:
        """How it goes now."""
        with self._lock:
            now = self._clock()
            ordered = sorted(self._latencies)
            return LiveStats(
                self._counts["in"],
                self._counts["scored"],
                self._counts["dropped"],
                self._counts["errors"],
                self._counts["callback"],
                _rate(self._arrivals, now),
                _rate(self._results, now),
                _percentile(ordered, 0.5),
                _percentile(ordered, 0.9),
                _percentile(ordered, 0.99),
            )


def _rate(times: deque[float], now: float) -> float:
    """Events per second; sinks towards 0 when none come any more."""
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
