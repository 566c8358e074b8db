"""Limits the rate and the duration of a source."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from edgeiqa.imaging.frame import Frame
from edgeiqa.sources.base import Source


class ThrottledSource:
    """Another source at a reduced rate, for a limited time.

    Args:
        source: The source to limit.
        every_s: Minimum seconds between two frames, by timestamp; None for all frames.
        duration_s: Maximum duration in seconds: for a live source in real time, whether frames
            arrive or not; otherwise by timestamp. None for no limit.
        on_frame: Called for every frame of the source, including those that are skipped.
    """

    def __init__(
        self,
        source: Source,
        *,
        every_s: float | None = None,
        duration_s: float | None = None,
        on_frame: Callable[[], object] = lambda: None,
    ) -> None:
        self.name, self.live = source.name, source.live
        self._source = source
        self._every_ns = 0 if every_s is None else round(every_s * 1e9)
        self._duration_s = duration_s
        self._on_frame = on_frame

    def frames(self) -> Iterator[Frame]:
        """Yields the selected frames."""
        timer = None
        if self.live and self._duration_s is not None:
            timer = threading.Timer(self._duration_s, self.close)
            timer.daemon = True
            timer.start()
        try:
            yield from self._taken()
        finally:
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        """Ends the source."""
        self._source.close()

    def _taken(self) -> Iterator[Frame]:
        first: int | None = None
        taken: int | None = None
        for frame in self._source.frames():
            self._on_frame()
            now = frame.timestamp_ns
            if now is None:
                yield frame
                continue
            first = now if first is None else first
            elapsed_s = (now - first) / 1e9
            if not self.live and self._duration_s is not None and elapsed_s >= self._duration_s:
                return
            # A clock that jumps back must not suppress the stream.
            if taken is None or now < taken or now - taken >= self._every_ns:
                taken = now
                yield frame
