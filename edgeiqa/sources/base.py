"""What every source of frames is: frames one after the other, events in between, an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from edgeiqa.imaging.frame import Frame

EVENTS = ("opened", "skipped", "stalled", "lost", "retrying", "ended")


@dataclass(frozen=True)
class Event:
    """Something that happened to a source, other than a frame.

    Attributes:
        kind: "opened", "skipped" (one frame or file could not be read, the others go on),
            "stalled" (no frame came for a while), "lost" (unplugged, connection gone, cannot
            be opened), "retrying" (about to open it again) or "ended" (no more frames will
            come; always the last one, unless `frames` itself was given up).
        message: One line for people; never with a password.
        attempt: Of "retrying": which try in a row, from 1 on.
    """

    kind: str
    message: str
    attempt: int = 0

    def __post_init__(self) -> None:
        """Checks the kind.

        Raises:
            ValueError: It is none of `EVENTS`.
        """
        if self.kind not in EVENTS:
            raise ValueError(f"an event {self.kind!r}, expected one of {', '.join(EVENTS)}")


OnEvent: TypeAlias = Callable[[Event], None]


class Source(Protocol):
    """A camera, a stream, a video or a folder.

    Attributes:
        name: For people: a file's name, a device, an address without its password.
        live: Whether frames are lost when nobody takes them (cameras, streams); of a file
            every frame can be had.
    """

    name: str
    live: bool

    def frames(self) -> Iterator[Frame]:
        """Yields frames, each with a `timestamp_ns` later than the one before.

        It ends with the source, or soon after `close`. What goes wrong on the way is told as
        an `Event`, not raised. Events are told in the thread that takes the frames.
        """
        ...

    def close(self) -> None:
        """Ends it, from any thread; `frames` returns within a second."""
        ...
