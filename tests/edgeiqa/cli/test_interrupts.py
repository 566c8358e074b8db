"""The first Ctrl-C ends in order, the second at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from edgeiqa.cli.interrupts import RememberedInterrupt, StopOnInterrupt
from edgeiqa.cli.main import main

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


def test_an_interrupt_that_came_out_as_another_exception_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # As where Ctrl-C meets the import of an extension module.
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.default_int_handler)

    def run(kind: type[Exception] | None) -> int:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            if kind is not None:
                raise kind("initialization failed") from None
        return 0

    for kind in (ImportError, SystemError, RuntimeError, None):
        monkeypatch.setattr("edgeiqa.cli.score.run", lambda arguments, kind=kind: run(kind))
        assert main(["score", "a.jpg"]) == 130
        assert capsys.readouterr().err == "edgeiqa: interrupted\n"


def test_an_interrupt_in_a_callback_comes_again(capsys: pytest.CaptureFixture[str]) -> None:
    class Noisy:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    hook = sys.unraisablehook
    try:
        with RememberedInterrupt() as interrupt:
            noisy, start = Noisy(), time.monotonic()
            del noisy  # Python ignores what is raised in there.
            with pytest.raises(KeyboardInterrupt):
                time.sleep(60)
    finally:
        signal.signal(signal.SIGINT, before)
    assert interrupt.came
    assert time.monotonic() - start < 50
    assert sys.unraisablehook is hook
    assert capsys.readouterr().err == ""


def test_a_handler_of_the_program_stays() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with RememberedInterrupt() as interrupt:
            signal.raise_signal(signal.SIGINT)
        assert not interrupt.came
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
