"""A live line in a terminal: score bar, verdict, reasons, rates."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from edgeiqa.errors import EdgeIQAError
from edgeiqa.live.result import LiveResult
from edgeiqa.live.stats import LiveStats
from edgeiqa.results.row import printable
from edgeiqa.sinks.overlay import verdict_word

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

REFRESH_S = 0.1
"""Seconds between two updates."""

_BAR = 30
_COLOURS = {"Accept": "green", "Reject": "red", "Scored": "cyan", "No score": "yellow"}


class TerminalError(EdgeIQAError):
    """Why no live line can be shown; the text is for the user."""


class LiveLine:
    """Lines that are redrawn in place; everything else is printed above them."""

    def __init__(self, *, threshold: float | None = None, stream: TextIO | None = None) -> None:
        """Prepares the live line.

        Args:
            threshold: Minimum score 0-100 accepted by the gate, marked on the bar.
            stream: A terminal; standard output by default.

        Raises:
            TerminalError: Not a terminal, or rich is missing.
        """
        stream = stream or sys.stdout
        if not stream.isatty():
            raise TerminalError("standard output is not a terminal")
        try:
            from rich.console import Console
            from rich.live import Live
        except ImportError as error:
            raise TerminalError('rich is not installed: pip install "edgeiqa[video]"') from error
        self._threshold = threshold
        self._console: Console = Console(file=stream, highlight=False)
        self._live: Any = Live(console=self._console, auto_refresh=False, transient=True)
        self._next = 0.0

    def show(self, result: LiveResult, stats: LiveStats) -> None:
        """Redraws it, at most every `REFRESH_S`."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + REFRESH_S
        self._live.update(self.text(result, stats), refresh=True)

    def print(self, line: str) -> None:
        """Prints a permanent line above it, such as an event."""
        from rich.text import Text

        self._console.print(Text(printable(line)))

    def text(self, result: LiveResult, stats: LiveStats) -> Text:
        """The three lines shown: score bar, reasons, rates."""
        from rich.text import Text

        word = verdict_word(result)
        colour = _COLOURS[word]
        score = 0.0 if result.smoothed is None else result.smoothed.score
        number = "  -" if result.smoothed is None else f"{score:3.0f}"
        filled = round(_BAR * score / 100)
        mark = None
        if self._threshold is not None:
            mark = min(_BAR - 1, round(_BAR * self._threshold / 100))
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{word:<8} ", f"bold {colour}")
        text.append(f"{number} ", "bold")
        for at in range(_BAR):
            if at == mark:
                text.append("|", "bold")
            else:
                text.append("█" if at < filled else "░", colour if at < filled else "dim")
        if result.smoothed is not None and result.smoothed.std is not None:
            text.append(f" ±{result.smoothed.std:.1f}", "dim")
        wrong = result.error or ""
        if result.verdict is not None:
            wrong = "; ".join(reason.sentence for reason in result.verdict.reasons)
        text.append(f"\n{printable(wrong)}\n")
        latency = "" if stats.latency_p50_ms is None else f", {stats.latency_p50_ms:.0f} ms"
        errors = "error" if stats.errors == 1 else "errors"
        text.append(
            f"{stats.fps_scored:.1f} of {stats.fps_in:.1f} frames/s{latency}, "
            f"{stats.dropped} dropped, {stats.errors} {errors}; press Ctrl-C to stop",
            "dim",
        )
        return text

    def __enter__(self) -> LiveLine:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, traceback)
