"""Pictures in a folder, or a single one, as a source of frames."""

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
    """The pictures of a folder in alphabetical order, its folders included; or one picture.

    What is searched and skipped is as in `edgeiqa score`. A file that cannot be read is told
    as "skipped" and the others go on. The first picture has the time 0; the others follow at
    `frame_rate`, those that are skipped keep their place.

    Attributes:
        name: The path.
        live: False.

    Args:
        path: A folder or a file.
        frame_rate: Pictures per second, for the timestamps only.
        on_event: Is told what happens.
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
        """Yields an RGB frame per picture, upright."""
        count = 0
        self._tell("opened", self.name)
        for index, item in enumerate(expand([self.name])):
            if self._closed.is_set():
                break
            if item.error is not None:
                self._tell("skipped", f"{item.path}: {item.error}")
                continue
            try:
                pixels = np.asarray(decode(item.path))
            except UnreadableImageError as error:
                self._tell("skipped", str(error))
                continue
            count += 1
            yield Frame(pixels, PixelFormat.RGB, timestamp_ns=round(index * self._step_ns))
        self._tell("ended", f"{self.name}: {count} pictures")

    def close(self) -> None:
        """Ends it after the picture in work."""
        self._closed.set()

    def _tell(self, kind: str, message: str) -> None:
        if self._on_event is not None:
            self._on_event(Event(kind, message))
