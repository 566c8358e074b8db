"""Lines of a stream: whole ones, each at once, into a file that may have been there."""

from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path

import pytest

from edgeiqa.errors import OutputError
from edgeiqa.gating.gate import Reason, Verdict
from edgeiqa.live.result import LiveResult
from edgeiqa.quality import Quality
from edgeiqa.sinks.lines import JsonLines, TableLines, opened_lines
from edgeiqa.sources.base import Event

ACCEPT = Verdict(True)
REJECT = Verdict(False, (Reason("low_quality", 20.0, 50.0),))


def result(milliseconds: int, verdict: Verdict | None = ACCEPT, score: float = 60) -> LiveResult:
    return LiveResult(milliseconds * 1_000_000, Quality(score), Quality(score), verdict)


def test_the_table_shows_changes_at_once_and_otherwise_once_a_second() -> None:
    stream = io.StringIO()
    table = TableLines(stream)
    for time in range(0, 2100, 100):
        table.result(result(time))
    table.result(result(2110, REJECT, 20))
    table.result(LiveResult(2120_000_000, error="ValueError: odd\x1b[31m"))
    table.result(LiveResult(2130_000_000, error="ValueError: odd\x1b[31m"))
    table.event(Event("retrying", "camera: once more", 3))
    table.result(result(5))  # The clock was set back.
    table.finish("the end")
    lines = [line.split(maxsplit=4) for line in stream.getvalue().splitlines()]
    assert lines == [
        ["time", "score", "smooth", "verdict"],
        ["0.00", "60.0", "60.0", "accept"],
        ["1.00", "60.0", "60.0", "accept"],
        ["2.00", "60.0", "60.0", "accept"],
        ["2.11", "20.0", "20.0", "reject", "quality 20.0 is below 50.0"],
        ["2.12", "-", "-", "error", "ValueError: odd\\x1b[31m"],
        ["#", "retrying", "(3):", "camera:", "once more"],
        ["0.01", "60.0", "60.0", "accept"],
        [],
        ["the", "end"],
    ]


def test_json_lines_stay_whole_when_threads_write() -> None:
    stream = io.StringIO()
    lines = JsonLines(stream)

    def write() -> None:
        for number in range(200):
            lines.result(result(number))
            lines.event(Event("stalled", "ä\nb"))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(got) == 1600
    assert {"event": "stalled", "message": "ä\nb", "attempt": 0} in got


def test_an_older_file_goes_with_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("old")
    with opened_lines(str(path)):
        assert path.read_text() == "old"
    assert path.read_text() == "old"
    with opened_lines(str(path)) as stream:
        JsonLines(stream).result(result(1))
        assert json.loads(path.read_text())["score"] == 60.0
        JsonLines(stream).result(result(2))
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_takes_lines_as_well(tmp_path: Path) -> None:
    path, seen = tmp_path / "pipe", list[str]()
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: seen.append(path.read_text()), daemon=True)
    reader.start()
    with opened_lines(str(path)) as stream:
        JsonLines(stream).result(result(1))
    reader.join(20)
    assert json.loads(seen[0])["score"] == 60.0


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "x"):
        with pytest.raises(OutputError, match="cannot write"), opened_lines(str(path)):
            pass
