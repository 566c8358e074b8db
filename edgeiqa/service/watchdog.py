"""Keeps systemd's watchdog and the status file up to date while frames come."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from edgeiqa.files.atomic import write_atomically
from edgeiqa.imaging.frame import Frame
from edgeiqa.live.wall_clock import iso_time
from edgeiqa.service.sd_notify import Notifier

if TYPE_CHECKING:
    from edgeiqa.live.result import LiveResult
    from edgeiqa.sources.base import Event, Source

WRITE_EVERY_S = 1.0
"""Seconds between two writes of the status file, at least."""

_SLACK_S = 30.0


class Pulse:
    """Feels the pulse of a stream.

    It beats with every result, and with frames that are left out on purpose (`--every`) as long
    as results do not stay away. A camera that hangs or is lost gives neither, so after
    `WatchdogSec=` systemd starts the service again.
    """

    def __init__(
        self,
        notifier: Notifier,
        *,
        every_s: float = 0.0,
        path: str | None = None,
        parts: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        """Chooses what is kept up to date.

        Args:
            notifier: The way to systemd.
            every_s: Seconds between two results that are asked for.
            path: Of the status file; None for none.
            parts: Gives more for the status file, such as counts.
        """
        self._notifier = notifier
        self._most_silence_s = every_s + _SLACK_S
        self._path = path
        self._parts = parts
        self._started = self._result_at = time.monotonic()
        self._start_time = iso_time(time.time_ns())
        self._written = -WRITE_EVERY_S
        self._last: dict[str, Any] | None = None
        self._event: dict[str, Any] | None = None
        self._told, self._running = False, True
        self._lock = threading.Lock()  # Events come from other threads.

    def ready(self) -> None:
        """Everything is open and frames may come."""
        self._notifier.send(READY=1, STATUS="waits for the first frame")
        self._notifier.beat()
        self._write(now=True)

    def stopping(self) -> None:
        """It is about to end."""
        self._notifier.send(STOPPING=1, STATUS="ends")

    def ended(self) -> None:
        """It has ended; the status file says so."""
        self._running = False
        self._write(now=True)

    def result(self, result: LiveResult) -> None:
        """A frame was scored, or failed."""
        self._result_at = time.monotonic()
        self._last = {"time": iso_time(time.time_ns()), **result.to_dict()}
        self._notifier.beat()
        self._write()

    def left_out(self) -> None:
        """A frame came that is not to be scored."""
        if time.monotonic() - self._result_at < self._most_silence_s:
            self._notifier.beat()

    def event(self, event: Event) -> None:
        """Something happened to the source."""
        self._event = {
            "time": iso_time(time.time_ns()), "event": event.kind, "message": event.message
        }  # fmt: skip
        self._notifier.send(STATUS=f"{event.kind}: {event.message}".replace("\n", " "))
        self._write(now=True)

    def _write(self, now: bool = False) -> None:
        with self._lock:
            at = time.monotonic()
            if now or at - self._written >= WRITE_EVERY_S:
                self._written = at
                self._write_now()

    def _write_now(self) -> None:
        if self._last is not None and self._running:
            score = self._last["smoothed"]
            told = "no score" if score is None else f"{score:.1f}"
            self._notifier.send(STATUS=f"last verdict {told} at {self._last['time']}")
        if self._path is None:
            return
        document = {
            "pid": os.getpid(),
            "running": self._running,
            "started": self._start_time,
            "written": iso_time(time.time_ns()),
            "last": self._last,
            "event": self._event,
            **self._parts(),
        }
        try:
            write_atomically(self._path, json.dumps(document).encode())
        except OSError as error:
            if not self._told:
                self._told = True
                reason = error.strerror or error
                print(f"edgeiqa: cannot write {self._path}: {reason}", file=sys.stderr, flush=True)


class WatchedSource:
    """A source whose frames are felt before some of them are left out."""

    def __init__(self, source: Source, pulse: Callable[[], None]) -> None:
        """Takes the source, and what to call for each of its frames."""
        self.name, self.live = source.name, source.live
        self._source, self._pulse = source, pulse

    def frames(self) -> Iterator[Frame]:
        """Yields the frames."""
        for frame in self._source.frames():
            self._pulse()
            yield frame

    def close(self) -> None:
        """Ends the source."""
        self._source.close()
