"""Saves accepted frames of a stream: the best of each interval, in a thread of its own."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeiqa.files.size import size_words
from edgeiqa.gating.gate import Verdict
from edgeiqa.imaging.frame import Frame
from edgeiqa.quality import Quality
from edgeiqa.sinks.jpeg import encode, name_of
from edgeiqa.sinks.quota_folder import QuotaFolder

if TYPE_CHECKING:
    from edgeiqa.live.result import LiveResult
    from edgeiqa.sources.base import Event

EVERY_S = 1.0
"""Default interval in seconds, of which the best frame is saved."""

MAX_PENDING = 4
"""Frames of a live source that wait for a slow disk; more are counted and not saved."""

_PAUSES = ("stalled", "lost", "ended")


@dataclass(frozen=True)
class _Shot:
    frame: Frame
    quality: Quality
    taken_ns: int


def _print(message: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # Nobody is listening; saving continues.
        print(f"edgeiqa: save: {message}", file=sys.stderr, flush=True)


class FrameSaver:
    """Takes results with their frames, and saves accepted ones.

    Each frame is judged on its own: the gate gets its quality, not the smoothed one of the stream
    (`LiveResult.verdict`). Within `every_s` seconds from an accepted frame, only the one with the
    highest score is saved, at the end of that time.
    """

    def __init__(
        self,
        folder: QuotaFolder,
        gate: Callable[[Quality], Verdict],
        *,
        every_s: float = EVERY_S,
        live: bool = True,
        taken_at: Callable[[int | None], int],
        report: Callable[[str], None] = _print,
    ) -> None:
        """Starts the writing thread.

        Args:
            folder: Destination; closed by `close`.
            gate: Chooses frames.
            every_s: See above; 0 saves every accepted frame.
            live: Whether frames are dropped while the disk is slow; those of files wait.
            taken_at: Converts a frame's timestamp to nanoseconds since 1970.
            report: Called, in any thread, with one line for people when saving fails or recovers.

        Raises:
            ValueError: `every_s` is negative.
        """
        if not every_s >= 0:
            raise ValueError(f"every_s is {every_s}, expected 0 or more seconds")
        self._folder, self._gate, self._live, self._taken_at = folder, gate, live, taken_at
        self._every_ns = round(every_s * 1e9)
        self._report = report
        self._changed = threading.Condition()
        self._best: _Shot | None = None
        self._start: int | None = None
        self._pending: deque[_Shot] = deque()
        self._closing = False
        self._saved = self._missed = 0
        self._trouble: str | None = None
        self._missed_before = 0
        self._last: str | None = None
        self._thread = threading.Thread(target=self._write_all, name="edgeiqa-save", daemon=True)
        self._thread.start()

    def result(self, result: LiveResult) -> None:
        """Takes a result; returns at once for a live source."""
        now = result.timestamp_ns or 0
        with self._changed:
            if self._start is not None and not 0 <= now - self._start < self._every_ns:
                self._end_window()
            frame, quality = result.frame, result.quality
            if frame is None or quality is None:
                return
            better = self._best is None or quality.score > self._best.quality.score
            if not better or not self._gate(quality).accept:
                return
            self._start = now if self._start is None else self._start
            taken_ns = self._taken_at(result.timestamp_ns)
            # Copied, as the next frame may reuse its memory before it is written.
            self._best = _Shot(frame.copy(), quality, taken_ns)

    def event(self, event: Event) -> None:
        """Saves the best frame so far when the source pauses."""
        if event.kind in _PAUSES:
            with self._changed:
                self._end_window(wait=False)

    def status(self) -> dict[str, Any]:
        """Counts and bytes, ready for JSON."""
        with self._changed:
            return {
                "folder": self._folder.path,
                "saved": self._saved,
                "removed": self._folder.removed,
                "not_saved": self._missed,
                "files": self._folder.count,
                "bytes": self._folder.used,
                "quota": self._folder.quota,
                "last": self._last,
                "trouble": self._trouble,
            }

    def summary(self) -> str:
        """What became of the accepted frames, for people."""
        status = self.status()
        parts = [f"{status['saved']} frames in {self._folder.path}"]
        if status["removed"]:
            parts.append(f"{status['removed']} older ones removed for the quota")
        if status["not_saved"]:
            parts.append(f"{status['not_saved']} could not be saved")
        used = f"{size_words(status['bytes'])} of {size_words(status['quota'])} used"
        return f"saved: {', '.join(parts)}; {used}"

    def close(self) -> None:
        """Saves what is left and stops; may be repeated."""
        with self._changed:
            self._end_window(wait=False)
            self._closing = True
            self._changed.notify_all()
        self._thread.join(30.0)
        self._folder.close()

    def _end_window(self, wait: bool = True) -> None:
        """Passes the best frame to the thread; called with the lock held."""
        best, self._best, self._start = self._best, None, None
        if best is None:
            return
        if not self._live and wait:
            self._changed.wait_for(lambda: len(self._pending) < MAX_PENDING)
        if self._live and len(self._pending) >= MAX_PENDING:
            self._failed("the disk is too slow")
            return
        self._pending.append(best)
        self._changed.notify_all()

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closing)
                if not self._pending:
                    return
                shot = self._pending.popleft()
                self._changed.notify_all()
            try:
                name = self._folder.free_name(name_of(shot.taken_ns, shot.quality.score))
                data = encode(shot.frame, shot.quality, name, shot.taken_ns)
                self._folder.save(name, data)
            except Exception as error:  # One lost picture must not end the scoring.
                with self._changed:
                    self._failed(getattr(error, "strerror", None) or str(error))
            else:
                with self._changed:
                    self._worked(name)

    def _failed(self, reason: str) -> None:
        """Counts a frame and reports the first of a series; called with the lock held."""
        self._missed += 1
        if self._trouble is None:
            self._missed_before = self._missed - 1
            self._report(f"{reason}; accepted frames are not saved meanwhile")
        self._trouble = reason

    def _worked(self, name: str) -> None:
        self._saved += 1
        self._last = name
        if self._trouble is not None:
            self._trouble = None
            self._report(f"saving again; {self._missed - self._missed_before} were not saved")
