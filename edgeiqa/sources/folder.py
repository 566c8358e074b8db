"""A source of frames from the pictures of a folder, or from a single picture."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np

from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging.decode import decode
from edgeiqa.imaging.discovery import expand
from edgeiqa.imaging.frame import Frame, PixelFormat
from edgeiqa.sources.base import Event, OnEvent

_SECOND_NS = 1_000_000_000


class FolderSource:
    """The pictures of a folder and its subfolders in alphabetical order; or one picture.

    Folders are searched as in `edgeiqa score`. An unreadable file is reported as "skipped" and
    the rest continues. The first picture has timestamp 0; the others follow at `frame_rate`, and
    skipped files also take up time.

    Attributes:
        name: The path.
        live: False.

    Args:
        path: A folder or a file.
        frame_rate: Pictures per second, for the timestamps only.
        on_event: Called with each event.
    """

    live = False

    def __init__(
        self, path: str, *, frame_rate: float = 1.0, on_event: OnEvent | None = None
    ) -> None:
        self.name = path
        self._step_ns = _SECOND_NS / frame_rate
        self._on_event = on_event
        self._closed = threading.Event()

    def frames(self) -> Iterator[Frame]:
        """Yields an upright RGB frame per picture."""
        count = 0
        self._report("opened", self.name)
        for index, item in enumerate(expand([self.name])):
            if self._closed.is_set():
                break
            if item.error is not None:
                self._report("skipped", f"{item.path}: {item.error}")
                continue
            try:
                pixels = np.asarray(decode(item.path))
            except UnreadableImageError as error:
                self._report("skipped", str(error))
                continue
            count += 1
            yield Frame(pixels, PixelFormat.RGB, timestamp_ns=round(index * self._step_ns))
        self._report("ended", f"{self.name}: {count} pictures")

    def close(self) -> None:
        """Ends the source after the current picture."""
        self._closed.set()

    def _report(self, kind: str, message: str) -> None:
        if self._on_event is not None:
            self._on_event(Event(kind, message))
