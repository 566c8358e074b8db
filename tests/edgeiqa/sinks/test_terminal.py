"""What the live line says, and when there is none."""

from __future__ import annotations

import io
import sys

import pytest

from edgeiqa.gating.gate import Reason, Verdict
from edgeiqa.live.result import LiveResult
from edgeiqa.live.stats import LiveStats
from edgeiqa.quality import Quality
from edgeiqa.sinks.terminal import LiveLine, TerminalError

STATS = LiveStats(300, 100, 200, 1, 0, 30.0, 10.0, 12.3, 20.0, 30.0)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def result(score: float, verdict: Verdict | None) -> LiveResult:
    return LiveResult(1, Quality(score, 5.0), Quality(score, 5.0), verdict)


def lines(one: LiveResult, threshold: float | None = 50) -> list[str]:
    return LiveLine(threshold=threshold, stream=Terminal()).text(one, STATS).plain.splitlines()


def test_three_lines_whatever_happened() -> None:
    reject = Verdict(False, (Reason("low_quality", 20.0, 50.0),))
    got = lines(result(20, reject))
    assert got[0].startswith("Reject    20 ██████░░░░░░░░░|░░░")
    assert got[1] == "quality 20.0 is below 50.0"
    assert got[2] == "10.0 of 30.0 frames/s, 12 ms, 200 dropped, 1 error; press Ctrl-C to stop"
    accept = lines(result(100, Verdict(True)), threshold=None)
    assert accept[0] == "Accept   100 " + "█" * 30 + " ±5.0"
    assert accept[1] == ""
    failed = lines(LiveResult(1, error="ValueError: \x1b[2J"))
    assert failed[0].startswith("No score   - ░")
    assert failed[1] == "ValueError: \\x1b[2J"
    assert lines(result(0, None))[0].startswith("Scored     0 ░")


def test_it_is_redrawn_in_its_place_and_events_stay_above() -> None:
    terminal = Terminal()
    with LiveLine(stream=terminal) as line:
        line.show(result(60, Verdict(True)), STATS)
        line.print("lost: [bold]camera[/bold] is gone\x07")
    text = terminal.getvalue()
    assert "Accept" in text
    # Neither markup nor control characters of a camera's name mean anything.
    assert "lost: [bold]camera[/bold] is gone\\x07" in text


def test_without_a_terminal_or_rich_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TerminalError, match="terminal"):
        LiveLine(stream=io.StringIO())
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with pytest.raises(TerminalError, match=r'pip install "edgeiqa\[video\]"'):
        LiveLine(stream=Terminal())
