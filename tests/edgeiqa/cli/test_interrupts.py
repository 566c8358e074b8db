"""The first Ctrl-C ends in order, the second at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from edgeiqa.cli.interrupts import InterruptHandler, StopOnInterrupt
from edgeiqa.cli.main import main
from edgeiqa.files.atomic import AtomicFile

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
        with InterruptHandler() as interrupt:
            noisy, start = Noisy(), time.monotonic()
            del noisy  # Python ignores what is raised in there.
            with pytest.raises(KeyboardInterrupt):
                time.sleep(60)
    finally:
        signal.signal(signal.SIGINT, before)
    assert interrupt.number == signal.SIGINT
    assert time.monotonic() - start < 50
    assert sys.unraisablehook is hook
    assert capsys.readouterr().err == ""


def test_a_handler_of_the_program_stays() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with InterruptHandler() as interrupt:
            signal.raise_signal(signal.SIGINT)
        assert interrupt.number == 0
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_signals_leave_no_unfinished_file(
    name: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(arguments: object) -> int:
        part = AtomicFile(tmp_path / "out")
        part.stream.write(b"half")
        signal.raise_signal(getattr(signal, name))
        return 0

    monkeypatch.setattr("edgeiqa.cli.score.run", run)
    before = signal.getsignal(getattr(signal, name))
    assert main(["score", "a.jpg"]) == code
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(getattr(signal, name)) is before
