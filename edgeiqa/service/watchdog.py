"""Keeps systemd's watchdog and the status file up to date while frames arrive."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgeiqa.files.atomic import refuse_picture, write_atomically
from edgeiqa.live.timestamps import iso_time
from edgeiqa.service.sd_notify import Notifier

if TYPE_CHECKING:
    from edgeiqa.live.result import LiveResult
    from edgeiqa.sources.base import Event

WRITE_INTERVAL_S = 1.0
"""Minimum seconds between two writes of the status file."""

_SLACK_S = 30.0


class Watchdog:
    """Sends heartbeats and writes the status file.

    It sends a heartbeat with every result, and with frames that are skipped on purpose (`--every`)
    as long as results keep coming. A camera that hangs or is lost produces neither, so systemd
    restarts the service after `WatchdogSec=`.
    """

    def __init__(
        self,
        notifier: Notifier,
        *,
        every_s: float = 0.0,
        path: str | None = None,
        parts: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        """Sets the destinations.

        Args:
            notifier: The connection to systemd.
            every_s: Requested seconds between two results.
            path: Path of the status file; None for none.
            parts: Returns further content of the status file, such as counts.

        Raises:
            OutputError: The status file would replace a photograph or a video.
        """
        self._notifier = notifier
        self._max_silence_s = every_s + _SLACK_S
        if path is not None:
            refuse_picture(path)
        self._path = path
        self._parts = parts
        self._started = self._result_at = time.monotonic()
        self._start_time = iso_time(time.time_ns())
        self._written = -WRITE_INTERVAL_S
        self._last: dict[str, Any] | None = None
        self._event: dict[str, Any] | None = None
        self._failed, self._running = False, True
        self._lock = threading.Lock()  # Events arrive from other threads.

    def ready(self) -> None:
        """Reports that everything is open and frames may arrive."""
        self._notifier.send(READY=1, STATUS="waiting for the first frame")
        self._notifier.beat()
        self._write(now=True)

    def stopping(self) -> None:
        """Reports that the command is about to end."""
        self._notifier.send(STOPPING=1, STATUS="stopping")

    def ended(self) -> None:
        """Records in the status file that the command has ended."""
        self._running = False
        self._write(now=True)

    def result(self, result: LiveResult) -> None:
        """Reports that a frame was scored, or failed."""
        self._result_at = time.monotonic()
        self._last = {"time": iso_time(time.time_ns()), **result.to_dict()}
        self._notifier.beat()
        self._write()

    def frame(self) -> None:
        """Reports that a frame arrived, which may be skipped."""
        if time.monotonic() - self._result_at < self._max_silence_s:
            self._notifier.beat()

    def event(self, event: Event) -> None:
        """Reports an event of the source."""
        self._event = {
            "time": iso_time(time.time_ns()), "event": event.kind, "message": event.message
        }  # fmt: skip
        self._notifier.send(STATUS=f"{event.kind}: {event.message}".replace("\n", " "))
        self._write(now=True)

    def _write(self, now: bool = False) -> None:
        with self._lock:
            at = time.monotonic()
            if now or at - self._written >= WRITE_INTERVAL_S:
                self._written = at
                self._write_now()

    def _write_now(self) -> None:
        if self._last is not None and self._running:
            score = self._last["smoothed"]
            shown = "no score" if score is None else f"{score:.1f}"
            self._notifier.send(STATUS=f"last verdict {shown} at {self._last['time']}")
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
            if not self._failed:
                self._failed = True
                reason = error.strerror or error
                print(f"edgeiqa: cannot write {self._path}: {reason}", file=sys.stderr, flush=True)
