"""A source of which only some frames are taken, or for some time only."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from edgeiqa.imaging.frame import Frame
from edgeiqa.sources.base import Source


class ThinnedSource:
    """Another source, one frame in a while, for a while."""

    def __init__(
        self, source: Source, *, every_s: float | None = None, duration_s: float | None = None
    ) -> None:
        """Chooses what is left out.

        Args:
            source: Where frames come from.
            every_s: Seconds between two frames, at least, by their timestamps; None for all.
            duration_s: Seconds until the end: of a live source by the clock on the wall, whether
                frames come or not; of another by the timestamps of its frames. None for no end.
        """
        self.name, self.live = source.name, source.live
        self._source = source
        self._every_ns = 0 if every_s is None else round(every_s * 1e9)
        self._duration_s = duration_s

    def frames(self) -> Iterator[Frame]:
        """Yields those that are taken."""
        timer = None
        if self.live and self._duration_s is not None:
            timer = threading.Timer(self._duration_s, self.close)
            timer.daemon = True
            timer.start()
        try:
            yield from self._some()
        finally:
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        """Ends the source."""
        self._source.close()

    def _some(self) -> Iterator[Frame]:
        first: int | None = None
        taken: int | None = None
        for frame in self._source.frames():
            now = frame.timestamp_ns
            if now is None:
                yield frame
                continue
            first = now if first is None else first
            elapsed_s = (now - first) / 1e9
            if not self.live and self._duration_s is not None and elapsed_s >= self._duration_s:
                return
            # A clock that was set back must not silence the stream.
            if taken is None or now < taken or now - taken >= self._every_ns:
                taken = now
                yield frame
