"""Time in a stream goes forward: refuses frames that are not later than the one before."""

from __future__ import annotations

import operator
import threading

RESTART_AFTER = 5
"""So many refused frames in a row that rise among themselves show a clock that was set back."""


class StreamClock:
    """Admits rising timestamps; numbers the streams that begin anew. From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stream = 0
        self._last_ns: int | None = None
        self._refused: list[int] = []

    def admit(self, timestamp_ns: int, *, restarts: bool = False) -> int:
        """Takes the time of the next frame.

        Args:
            timestamp_ns: In nanoseconds of any clock.
            restarts: Whether a clock that was set back begins a new stream by itself, see
                `RESTART_AFTER`. Otherwise only `reset` does.

        Returns:
            Which stream the frame belongs to, from 0 on.

        Raises:
            TypeError: No integer.
            ValueError: Not later than the last one that was admitted, which stays the last one.
        """
        try:
            now = operator.index(timestamp_ns)
        except TypeError:
            raise TypeError(f"timestamp_ns is {timestamp_ns!r}, expected an integer") from None
        with self._lock:
            last = self._last_ns
            if last is None or now > last:
                self._last_ns, self._refused = now, []
                return self._stream
            if self._refused and now <= self._refused[-1]:
                self._refused = []
            self._refused.append(now)
            if restarts and len(self._refused) >= RESTART_AFTER:
                self._stream += 1
                self._last_ns, self._refused = now, []
                return self._stream
            self._refused = self._refused[-RESTART_AFTER:]
        raise ValueError(
            f"time goes backwards: timestamp_ns is {now}, expected later than the {last} of the "
            "frame before; reset() begins a new stream"
        )

    def reset(self) -> None:
        """The next frame begins a new stream, whatever its time."""
        with self._lock:
            self._stream += 1
            self._last_ns, self._refused = None, []
