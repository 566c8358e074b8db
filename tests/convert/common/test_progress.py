from __future__ import annotations

import pytest

from convert.common import progress as module
from convert.common.progress import progress


def test_quick_work_passes_through_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress(iter([3, 1, 2]), 3, "counting")) == [3, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_there_is_a_line_every_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    assert list(progress(range(8), label="counting")) == list(range(8))
    lines = capsys.readouterr().err.splitlines()
    # Every item takes four seconds, so does reading the clock for the next line.
    assert lines == ["counting: 3 of 8 (38%)", "counting: 5 of 8 (62%)", "counting: 7 of 8 (88%)"]
