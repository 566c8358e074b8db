"""Ctrl-C: remembered, or the ordinary end of something that runs until it is told to stop."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = ("SIGINT", "SIGTERM")


class RememberedInterrupt:
    """Ctrl-C as ever, but never lost.

    While an extension module written in C is loaded, the KeyboardInterrupt may come out as an
    ImportError or another exception; whoever catches that can tell by `came`. Where Python ignores
    exceptions, in callbacks of the garbage collection, it comes once more a moment later.
    """

    def __init__(self) -> None:
        self.came = False
        """Whether a Ctrl-C came."""
        self._installed = False
        self._hook: Callable[[Any], object] = sys.unraisablehook

    def __enter__(self) -> RememberedInterrupt:
        in_main = threading.current_thread() is threading.main_thread()
        # Where a program has a handler of its own, that one stays.
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._handle)
            self._hook, sys.unraisablehook = sys.unraisablehook, self._ignored
            self._installed = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            sys.unraisablehook = self._hook

    def _ignored(self, what: Any) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            self._hook(what)
            return
        again = threading.Timer(0.02, _interrupt_main)
        again.daemon = True
        again.start()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        signal.default_int_handler(number, frame)


def _interrupt_main() -> None:
    """Sends the main thread a Ctrl-C that wakes it up, where the system can."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


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
