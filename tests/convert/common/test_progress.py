from __future__ import annotations

import pytest

from convert.common.progress import progress


def test_quick_work_passes_through_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress(iter([3, 1, 2]), 3, "counting")) == [3, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_there_is_a_line_every_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr("convert.common.progress.time.monotonic", lambda: now)
    for _ in progress(range(8), label="counting"):
        now += 4.0  # every item takes four seconds
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["counting: 3 of 8 (38%)", "counting: 6 of 8 (75%)"]
