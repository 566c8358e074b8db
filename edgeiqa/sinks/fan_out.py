"""Everything that `edgeiqa live` shows its results on: lines, a live line, a file, a page."""

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

_TROUBLES = ("stalled", "lost", "retrying", "ended")
"""Events that explain why no new frame is seen."""

SERVED_SIDE = 960
"""Longest side of the served picture in pixels; a smaller one is drawn and coded sooner."""


class Outlet(Protocol):
    """Something more that wants to know."""

    def result(self, result: LiveResult, /) -> None:
        """Takes what came of a frame; in the thread that drives, so it returns soon."""
        ...

    def event(self, event: Event, /) -> None:
        """Takes what happened to the source; from any thread."""
        ...


class Outlets:
    """Passes results and events on to each that was asked for."""

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
        """Takes those that there are.

        Args:
            name: Of the source, for the page.
            lines: Where results go line by line.
            line: The live line in a terminal.
            video: The file that gets the overlaid frames.
            server: The page.
            threshold: Least score that the gate accepts, drawn by the overlay.
            others: Told of everything as well, in this order.
        """
        self._name, self._others = name, others
        self._lines, self._line, self._video, self._server = lines, line, video, server
        self._status: dict[str, Any] = {"name": name, "result": None, "event": None}
        options: dict[str, Any] = {"threshold": threshold}
        if video is None:
            options["max_side"] = SERVED_SIDE
        self._overlay = Overlay(**options)

    def result(self, result: LiveResult, live: LiveScorer) -> None:
        """Shows what came of a frame."""
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
            picture = render()  # Once for both.
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
        """Shows what happened to the source; from any thread."""
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
