"""Lines are in the file whole, at once, or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from edgeiqa.errors import OutputError
from edgeiqa.files.append import WholeLines
from edgeiqa.results.row import Row
from edgeiqa.results.writers import WRITERS


def test_lines_are_there_at_once_and_behind_the_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("old\n")
    with WholeLines(str(path)) as stream:
        assert stream.seekable()
        stream.write("ä\udcff\n")
        assert path.read_text(encoding="utf-8") == "old\nä\\udcff\n"
        stream.truncate(0)
        stream.write("new\n")
    assert path.read_text() == "new\n"


def test_half_a_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, path = os.write, tmp_path / "lines"

    def full(descriptor: int, data: bytes) -> int:
        if len(data) < 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:3])

    with WholeLines(str(path)) as stream:
        stream.write("old\n")
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OutputError, match=r"cannot write .*lines: No space left"):
            stream.write("a longer line\n")
        monkeypatch.undo()
        stream.write("next\n")
    assert path.read_text() == "old\nnext\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "no" / "file"):
        with pytest.raises(OutputError, match=f"cannot write {place}"):
            WholeLines(str(place))


def test_it_takes_a_table_of_results(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    with WholeLines(str(path)) as stream:
        assert not stream.isatty()
        WRITERS["table"](stream).write(Row("a.jpg", error="x"))  # type: ignore[arg-type]
    assert path.read_text().splitlines()[1].endswith("a.jpg: x")
