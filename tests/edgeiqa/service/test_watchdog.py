"""When heartbeats are sent, and what the status file contains."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edgeiqa.gating.gate import Gate
from edgeiqa.live.result import LiveResult
from edgeiqa.quality import Quality
from edgeiqa.service.sd_notify import Notifier
from edgeiqa.service.watchdog import Watchdog
from edgeiqa.sources.base import Event


class Counting(Notifier):
    """Counts heartbeats."""

    def __init__(self) -> None:
        super().__init__({})
        self.beats = 0

    def beat(self) -> None:
        self.beats += 1


def result(score: float = 71.0) -> LiveResult:
    quality = Quality(score)
    return LiveResult(1, quality, quality, Gate(min_score=50)(quality))


def test_frames_left_out_are_heartbeats_only_while_results_arrive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("edgeiqa.service.watchdog.time.monotonic", lambda: now[0])
    notifier = Counting()
    watchdog = Watchdog(notifier, every_s=10.0)
    watchdog.ready()
    watchdog.result(result())
    assert notifier.beats == 2
    now[0] += 39.9
    watchdog.frame()
    assert notifier.beats == 3
    now[0] += 0.2  # Scoring hangs: a result should have come 30 s ago.
    watchdog.frame()
    watchdog.event(Event("lost", "unplugged"))
    assert notifier.beats == 3
    watchdog.result(result())
    watchdog.frame()
    assert notifier.beats == 5


def test_the_status_file_is_whole_and_written_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("edgeiqa.service.watchdog.time.monotonic", lambda: now[0])
    path = tmp_path / "status.json"
    counts = {"accepted": 0}
    watchdog = Watchdog(Notifier({}), path=str(path), parts=lambda: {"counts": counts})
    watchdog.ready()
    document = json.loads(path.read_text())
    assert (document["running"], document["last"]) == (True, None)
    assert document["pid"] == os.getpid()
    now[0] += 1
    watchdog.result(result(71.0))
    now[0] += 0.5
    watchdog.result(result(12.0))
    assert json.loads(path.read_text())["last"]["smoothed"] == 71.0
    watchdog.event(Event("lost", "unplugged"))
    document = json.loads(path.read_text())
    assert document["last"]["accept"] is False
    assert document["event"]["message"] == "unplugged"
    watchdog.ended()
    assert json.loads(path.read_text())["running"] is False
    assert os.listdir(tmp_path) == ["status.json"]


def test_a_status_file_that_cannot_be_written_is_reported_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "missing" / "status.json"
    watchdog = Watchdog(Notifier({}), path=str(path))
    watchdog.ready()
    watchdog.ended()
    (line,) = capsys.readouterr().err.splitlines()
    assert str(path) in line
