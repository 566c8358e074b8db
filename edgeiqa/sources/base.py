"""The interface of all sources: a sequence of frames, and events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from edgeiqa.imaging.frame import Frame

EVENTS = (
    *("opened", "skipped", "stalled", "frozen", "resumed", "lost", "retrying", "ended"),
)  # fmt: skip


@dataclass(frozen=True)
class Event:
    """Something that happened to a source, other than a frame.

    Attributes:
        kind: One of `EVENTS`: "opened"; "skipped" (a frame or file could not be read, the rest
            continues); "stalled" (no frame arrived for a while); "frozen" (frames arrive, but
            all are identical); "resumed" (they differ again); "lost" (unplugged, disconnected,
            cannot be opened); "retrying" (about to reopen); "ended" (no more frames; always the
            last event, unless the caller abandoned `frames`).
        message: One line for display, never with a password.
        attempt: For "retrying", the number of the attempt, starting at 1.

    Raises:
        ValueError: `kind` is not one of `EVENTS`.
    """

    kind: str
    message: str
    attempt: int = 0

    def __post_init__(self) -> None:
        if self.kind not in EVENTS:
            raise ValueError(f"event kind is {self.kind!r}, expected one of {', '.join(EVENTS)}")


OnEvent: TypeAlias = Callable[[Event], None]


class Source(Protocol):
    """A camera, a stream, a video or a folder.

    Attributes:
        name: For display: a file name, a device, an address without its password.
        live: Whether frames that are not taken in time are dropped (cameras, streams); a file
            yields every frame.
    """

    name: str
    live: bool

    def frames(self) -> Iterator[Frame]:
        """Yields frames, each with a later `timestamp_ns` than the previous one.

        Ends with the source, or shortly after `close`. Problems are not raised but reported
        as an `Event`, in the thread that takes the frames.
        """
        ...

    def close(self) -> None:
        """Ends the source, from any thread; `frames` returns within a second."""
        ...
