"""Distributes results and events to every destination of `edgeiqa live`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from edgeiqa.live.result import LiveResult
from edgeiqa.sinks.lines import Lines
from edgeiqa.sinks.overlay import Overlay, verdict_word

if TYPE_CHECKING:
    from edgeiqa.live.scorer import LiveScorer
    from edgeiqa.sinks.preview_server import PreviewServer
    from edgeiqa.sinks.terminal import LiveLine
    from edgeiqa.sinks.video_file import VideoFile
    from edgeiqa.sources.base import Event

_TROUBLES = ("stalled", "frozen", "lost", "retrying", "ended")
"""Events that explain why the preview stands still."""

SERVED_SIDE = 960
"""Longest side of the served picture in pixels; smaller is faster to draw and encode."""


class Outlet(Protocol):
    """A further destination."""

    def result(self, result: LiveResult, /) -> None:
        """Takes the result for a frame; called in the main loop, so it must return quickly."""
        ...

    def event(self, event: Event, /) -> None:
        """Takes an event of the source; from any thread."""
        ...


class Outlets:
    """Passes results and events on to each destination.

    Args:
        name: Of the source, for the preview page.
        lines: Output line by line.
        line: The live line in a terminal.
        video: The file for frames with the overlay.
        server: The preview page.
        threshold: Minimum score accepted by the gate, drawn by the overlay.
        others: Further destinations, called in this order.
    """

    def __init__(
        self,
        name: str,
        *,
        lines: Lines | None = None,
        line: LiveLine | None = None,
        video: VideoFile | None = None,
        server: PreviewServer | None = None,
        threshold: float | None = None,
        others: Sequence[Outlet] = (),
    ) -> None:
        self._name, self._others = name, others
        self._lines, self._line, self._video, self._server = lines, line, video, server
        self._status: dict[str, Any] = {"name": name, "result": None, "event": None}
        options: dict[str, Any] = {"threshold": threshold}
        if video is None:
            options["max_side"] = SERVED_SIDE
        self._overlay = Overlay(**options)

    def result(self, result: LiveResult, live: LiveScorer) -> None:
        """Shows the result for a frame."""
        if self._lines is not None:
            self._lines.result(result)
        if self._line is not None:
            self._line.show(result, live.stats())
        for other in self._others:
            other.result(result)
        if self._video is None and self._server is None:
            return
        frame, render = result.frame, None
        if frame is not None:
            render = self._overlay.prepare(frame, result)
        else:
            self._overlay.remember(result)
        if self._video is not None and render is not None:
            picture = render()  # Shared by both.
            self._video.write(picture, result.timestamp_ns or 0)
            render = picture.copy
        if self._server is not None:
            verdict = result.verdict
            sentences = [] if verdict is None else [r.sentence for r in verdict.reasons]
            self._status = {
                "name": self._name,
                "word": verdict_word(result),
                "result": result.to_dict(),
                "sentences": sentences,
                "stats": live.stats().to_dict(),
                "event": None,
            }
            self._server.publish(render, self._status)

    def event(self, event: Event) -> None:
        """Shows an event of the source; from any thread."""
        if self._lines is not None:
            self._lines.event(event)
        for other in self._others:
            other.event(event)
        if self._line is not None and event.kind != "opened":
            self._line.print(f"{event.kind}: {event.message}")
        if self._server is not None and event.kind in _TROUBLES:
            self._server.publish(None, {**self._status, "event": f"{event.kind}: {event.message}"})

    def finish(self, summary: str) -> None:
        """Writes the summary below the lines."""
        if self._lines is not None:
            self._lines.finish(summary)
