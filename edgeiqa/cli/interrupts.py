"""Ctrl-C and termination: an orderly end, whatever is going on."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class InterruptHandler:
    """Turns Ctrl-C, SIGTERM and SIGHUP into a KeyboardInterrupt that is never lost.

    While an extension module written in C is loaded, the KeyboardInterrupt may come out as an
    ImportError or another exception; `number` shows what it was. Where Python ignores exceptions,
    in callbacks of the garbage collection, it is raised once more a moment later.

    Signals that are ignored (nohup, a job in the background) or that the program handles itself
    stay as they are.
    """

    def __init__(self) -> None:
        self.number = 0
        """The first signal that came; 0 for none."""
        self._before: dict[int, Any] = {}
        self._hook: Callable[[Any], object] = sys.unraisablehook

    def __enter__(self) -> InterruptHandler:
        if threading.current_thread() is threading.main_thread():
            for name in _NAMES:
                number = getattr(signal, name, None)
                usual = (signal.SIG_DFL, signal.default_int_handler)
                if number is not None and signal.getsignal(number) in usual:
                    self._before[number] = signal.signal(number, self._handle)
        if self._before:
            self._hook, sys.unraisablehook = sys.unraisablehook, self._unraisable
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._before:
            sys.unraisablehook = self._hook

    def ignore(self) -> None:
        """Ignores further signals, so that an impatient user does not interrupt the cleanup."""
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)

    def _unraisable(self, what: Any) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            self._hook(what)
            return
        again = threading.Timer(0.02, _interrupt_main, (self.number or signal.SIGINT,))
        again.daemon = True
        again.start()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
        raise KeyboardInterrupt


class StopOnInterrupt:
    """Turns the first Ctrl-C (or SIGTERM) into a call, the second into a KeyboardInterrupt.

    The call runs in a thread of its own: a handler interrupts the main thread anywhere, maybe
    while it holds the very lock that the call needs. Outside the main thread, where Python allows
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
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        threading.Thread(target=self._stop, name="edgeiqa-stop", daemon=True).start()


def _interrupt_main(number: int) -> None:
    """Sends the main thread a signal that wakes it up, where the system can."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)
