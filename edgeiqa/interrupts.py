"""Ctrl-C as the ordinary end of something that runs until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = ("SIGINT", "SIGTERM")


class StopOnInterrupt:
    """Turns the first Ctrl-C (or SIGTERM) into a call, the second into KeyboardInterrupt.

    The call runs in a thread of its own: a handler interrupts the main thread anywhere, maybe
    while it holds the very lock that the call needs. Outside the main thread, where Python takes
    no handlers, signals stay as they are.
    """

    def __init__(self, stop: Callable[[], Any]) -> None:
        """Takes what to call."""
        self._stop = stop
        self._before: dict[int, Any] = {}
        self.interrupted = False
        """Whether a signal came."""

    def __enter__(self) -> StopOnInterrupt:
        if threading.current_thread() is threading.main_thread():
            for name in _SIGNALS:
                number = getattr(signal, name)
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        threading.Thread(target=self._stop, name="edgeiqa-stop", daemon=True).start()
