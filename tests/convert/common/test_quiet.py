from __future__ import annotations

import os
import sys

import pytest

from convert.common.quiet import quiet, tail


def test_swallows_python_and_native_output_and_gives_it_back(
    capfd: pytest.CaptureFixture[str],
) -> None:
    print("before")
    with quiet() as log:
        print("from python", flush=True)
        print("from python, error", file=sys.stderr, flush=True)
        os.write(2, b"from C++\n")  # what a C++ library does
        assert tail(log).endswith("from C++")
        assert tail(log, 3) == "++"
    print("after")
    os.write(2, b"native after\n")
    out, err = capfd.readouterr()
    assert out == "before\nafter\n"
    assert err == "native after\n"


def test_restores_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with quiet():
            os.write(1, b"hidden\n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    os.write(1, b"seen\n")
    assert capfd.readouterr().out == "seen\n"


def test_can_be_switched_off(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet(enabled=False):
        os.write(1, b"seen\n")
    assert capfd.readouterr().out == "seen\n"


def test_leaves_no_descriptor_open() -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with quiet():
            pass
    assert len(os.listdir("/proc/self/fd")) == before
