"""Tells systemd that a service is ready, how it is, and that it still lives.

The protocol of sd_notify(3): datagrams with lines NAME=VALUE to the Unix socket that
$NOTIFY_SOCKET names. Outside of a service nothing is opened and nothing is sent.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Mapping


class Notifier:
    """The connection to systemd; all that fails is ignored, as a service can do nothing then."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Looks whether there is a service manager.

        Args:
            environ: Instead of the environment of the process.
        """
        environ = os.environ if environ is None else environ
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self.watchdog_s = _watchdog(environ)
        """Seconds within which systemd wants a sign of life; None if it wants none."""
        self._next_beat = 0.0
        self._lock = threading.Lock()

    @property
    def present(self) -> bool:
        """Whether there is somebody to tell."""
        return self._address is not None

    def send(self, **values: object) -> None:
        """Sends lines NAME=VALUE, such as READY=1."""
        if self._address is None:
            return
        text = "\n".join(f"{name}={value}" for name, value in values.items())
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one,
        ):
            one.sendto(text.encode(), self._address)

    def beat(self) -> None:
        """A sign of life; of many only as many are sent as systemd needs."""
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
    if text.startswith("@"):  # The abstract name space of Linux.
        return "\0" + text[1:]
    return None


def _watchdog(environ: Mapping[str, str]) -> float | None:
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", ""))
        owner = int(environ.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 and owner == os.getpid() else None
