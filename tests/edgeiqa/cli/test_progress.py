"""How far a long run has come, on a terminal and in a log."""

from __future__ import annotations

import io

import pytest

from edgeiqa.cli.progress import Progress, clock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def last(stream: io.StringIO) -> str:
    return stream.getvalue().rpartition("\x1b[K")[2]


def test_times_are_written_as_people_write_them() -> None:
    assert [clock(s) for s in (0, 9.6, 76, 3599.4, 3600, 11_525, 172_799, 172_800, 1e6)] == [
        *("0:00", "0:10", "1:16", "59:59", "1:00:00", "3:12:05", "47:59:59", "2 days", "12 days"),
    ]


def test_the_rate_is_that_of_the_last_minute(time: Clock) -> None:
    terminal = Terminal()
    progress = Progress(200_000, stream=terminal)
    for _ in range(600):  # Ten minutes at 1/s, then two at 10/s.
        time.now += 1
        progress.step()
    assert "600/200000  0%  1.0/s  55:23:20" not in last(terminal)
    assert last(terminal) == "600/200000  0%  1.0/s  2 days left"
    for _ in range(1200):
        time.now += 0.1
        progress.step()
    assert last(terminal).startswith("1800/200000  0%  10.0/s  5:30:")


def test_what_is_skipped_makes_nothing_look_fast(time: Clock) -> None:
    terminal = Terminal()
    progress = Progress(1000, stream=terminal)
    progress.skip(900)
    for _ in range(10):
        time.now += 1
        progress.step()
    assert last(terminal) == "910/1000  91%  1.0/s  1:30 left"
    progress.errors = 1
    time.now += 1
    progress.step()
    assert last(terminal) == "911/1000  91%  1.0/s  1:29 left  1 error"


def test_the_total_may_come_later_and_be_exceeded(time: Clock) -> None:
    terminal = Terminal()
    progress = Progress(None, stream=terminal)
    time.now += 4
    progress.step(2)
    assert last(terminal) == "2  0.5/s"
    progress.total = 4
    time.now += 4
    progress.step(2)
    assert last(terminal) == "4/4  100%  0.5/s  0:00 left"
    time.now += 2
    progress.step()
    assert last(terminal) == "5/5  100%  0.5/s  0:00 left"


def test_a_log_gets_a_line_a_minute(time: Clock) -> None:
    log = io.StringIO()
    progress = Progress(1000, stream=log)
    for _ in range(150):
        time.now += 1
        progress.step()
    progress.close()
    assert log.getvalue().splitlines() == [
        "edgeiqa: 60/1000  6%  1.0/s  15:40 left",
        "edgeiqa: 120/1000  12%  1.0/s  14:40 left",
    ]
