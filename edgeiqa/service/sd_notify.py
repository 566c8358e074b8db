"""Notifies systemd of readiness and state, and sends heartbeats.

The protocol of sd_notify(3): datagrams of NAME=VALUE lines to the Unix socket in $NOTIFY_SOCKET.
Outside a service nothing is opened and nothing is sent.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Mapping


class Notifier:
    """The connection to systemd; failures are ignored, since a service cannot fix them.

    Args:
        environ: Replaces the environment of the process.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self.watchdog_s = _watchdog(environ)
        """Seconds within which systemd expects a heartbeat; None if it expects none."""
        self._next_beat = 0.0
        self._lock = threading.Lock()

    @property
    def present(self) -> bool:
        """Whether there is a service manager."""
        return self._address is not None

    def send(self, **values: object) -> None:
        """Sends NAME=VALUE lines, such as READY=1."""
        if self._address is None:
            return
        text = "\n".join(f"{name}={value}" for name, value in values.items())
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one,
        ):
            one.sendto(text.encode(), self._address)

    def beat(self) -> None:
        """Sends a heartbeat, at most four times per watchdog interval."""
        if self._address is None or self.watchdog_s is None:
            return
        with self._lock:
            now = time.monotonic()
            if now < self._next_beat:
                return
            self._next_beat = now + self.watchdog_s / 4
        self.send(WATCHDOG=1)


def _address(text: str) -> str | None:
    if text.startswith("/"):
        return text
    if text.startswith("@"):  # Linux's abstract namespace.
        return "\0" + text[1:]
    return None


def _watchdog(environ: Mapping[str, str]) -> float | None:
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", ""))
        owner = int(environ.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 and owner == os.getpid() else None
