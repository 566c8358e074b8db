"""The first Ctrl-C ends in order, the second at once."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from edgeiqa.interrupts import StopOnInterrupt

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of Unix")


def test_the_first_calls_and_the_second_raises() -> None:
    before, called = signal.getsignal(signal.SIGINT), threading.Event()
    with StopOnInterrupt(called.set) as stop:
        signal.raise_signal(signal.SIGINT)
        assert called.wait(20)
        assert stop.interrupted
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_elsewhere_signals_stay_as_they_are() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    def enter() -> None:
        with StopOnInterrupt(lambda: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join(20)
    assert seen == [before]
