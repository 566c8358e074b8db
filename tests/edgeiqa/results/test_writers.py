"""Tables, JSON and CSV, and files that appear whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path

import pytest

from edgeiqa.causes import CAUSES
from edgeiqa.cli.progress import Progress
from edgeiqa.errors import OutputError
from edgeiqa.files.atomic import open_output
from edgeiqa.gating.gate import Gate
from edgeiqa.quality import Quality
from edgeiqa.results.parquet import schema, to_table
from edgeiqa.results.reader import read_results
from edgeiqa.results.row import COLUMNS, Row, printable
from edgeiqa.results.writers import CSV_COLUMNS, FORMATS, WRITERS, CsvWriter

GOOD = Quality(71.256, 11.449, (0.2, 0.8), (0.1, 0.9), {"blur": 0.12345})
POOR = Quality(12.5)
GATE = Gate(min_score=45)
ROWS = [
    Row.scored("good.jpg", GOOD, GATE(GOOD), model="base 1", width=90, height=60),
    Row.scored('poor, "odd".jpg', POOR, GATE(POOR)),
    Row("broken.jpg", error="empty, 0 bytes"),
    Row.scored("no gate.jpg", POOR),
]


def written(file_format: str, rows: list[Row]) -> str:
    stream = io.StringIO()
    writer = WRITERS[file_format](stream)
    for row in rows:
        writer.write(row)
    writer.finish("the summary")
    return stream.getvalue()


def test_there_is_a_writer_for_every_format() -> None:
    assert set(FORMATS) == set(WRITERS)


def test_the_table_is_aligned_and_says_why() -> None:
    assert written("table", ROWS).splitlines() == [
        "score  spread  verdict  photo",
        " 71.3   ±11.4  accept   good.jpg",
        ' 12.5       -  reject   poor, "odd".jpg: quality 12.5 is below 45.0',
        "    -       -  error    broken.jpg: empty, 0 bytes",
        " 12.5       -  -        no gate.jpg",
        "",
        "the summary",
    ]


def test_json_and_json_lines_say_the_same() -> None:
    rows = json.loads(written("json", ROWS))
    assert rows == [json.loads(line) for line in written("jsonl", ROWS).splitlines()]
    assert rows[0] == {
        "path": "good.jpg",
        "score": 71.26,
        "std": 11.45,
        "causes": {"blur": 0.123},
        "accept": True,
        "reasons": [],
        "error": None,
        "model": "base 1",
        "width": 90,
        "height": 60,
        "taken": None,
    }
    assert rows[1]["accept"] is False
    assert rows[1]["reasons"] == [
        {"cause": "low_quality", "value": 12.5, "threshold": 45.0, "decisive": True}
    ]
    assert (rows[2]["score"], rows[2]["accept"], rows[2]["error"]) == (None, None, "empty, 0 bytes")
    assert rows[3]["accept"] is None
    assert all(tuple(row) == COLUMNS for row in rows)


def test_causes_are_reported_whether_they_decide_or_explain() -> None:
    gate = Gate(min_score=45, max_causes={"blur": 0.6})
    blurred = Quality(60.0, causes={"blur": 0.6004, "dark": 0.7})
    explained = Quality(12.5, causes={"blur": 0.2, "dark": 0.7})
    rows = [
        Row.scored("a.jpg", blurred, gate(blurred)),
        Row.scored("b.jpg", explained, gate(explained)),
    ]
    assert written("table", rows).splitlines()[1:3] == [
        " 60.0       -  reject   a.jpg: too blurred: focus again and hold still "
        "(0.6004, at most 0.6000)",
        " 12.5       -  reject   b.jpg: quality 12.5 is below 45.0; somewhat dark: add light or "
        "expose longer (0.70)",
    ]
    first, second = json.loads(written("json", rows))
    assert first["reasons"] == [{"cause": "blur", "value": 0.6, "threshold": 0.6, "decisive": True}]
    assert second["reasons"][1] == {
        **{"cause": "dark", "value": 0.7, "threshold": 1.0},
        "decisive": False,
    }
    table = list(csv.DictReader(io.StringIO(written("csv", rows))))
    assert [row["reason"] for row in table] == ["blur", "low_quality"]
    assert [table[1][cause] for cause in ("blur", "dark", "noise")] == ["0.2", "0.7", ""]


def test_no_rows_are_still_a_document() -> None:
    assert json.loads(written("json", [])) == []
    assert written("jsonl", []) == ""
    assert written("csv", []) == ",".join((*CSV_COLUMNS, *CAUSES)) + "\n"


def test_csv_survives_commas_and_quotes() -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv", ROWS))))
    assert [row["path"] for row in rows] == [row.path for row in ROWS]
    assert [row["accept"] for row in rows] == ["true", "false", "", ""]
    assert (rows[0]["blur"], rows[0]["noise"]) == ("0.123", "")
    assert (rows[0]["model"], rows[0]["width"], rows[0]["height"]) == ("base 1", "90", "60")
    assert rows[1]["reason"] == "low_quality"
    assert rows[2]["score"] == ""


@pytest.mark.parametrize(
    "name", ["=1+1.jpg", "+a.jpg", "-a.jpg", "@a.jpg", "\ta.jpg", "'=a", "''-a"]
)
def test_names_are_no_formulas_in_a_spreadsheet_and_are_read_as_they_were(
    name: str, tmp_path: Path
) -> None:
    text = written("csv", [Row(name, error="=x")])
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["path"] == f"'{name}"
    assert row["error"] == "'=x"
    file = tmp_path / "r.csv"
    file.write_text(text)
    (read,) = read_results(str(file))
    assert (read.path, read.error) == (name, "=x")


@pytest.mark.parametrize("name", ["-", "a=b.jpg", "'a.jpg", "é.jpg"])
def test_other_names_stay_as_they_are_in_csv(name: str) -> None:
    (row,) = csv.DictReader(io.StringIO(written("csv", [Row(name, error="x")])))
    assert row["path"] == name


def test_attributes_of_a_model_reach_every_format() -> None:
    quality = Quality(50.0, attributes={"sharpness": 0.12345678, "=odd": 2.0})
    row = Row.scored("a.jpg", quality)
    assert json.loads(written("json", [row]))[0]["attributes"] == {"sharpness": 0.1235, "=odd": 2.0}
    assert "sharpness 0.1235" in written("table", [row])
    stream = io.StringIO()
    writer = CsvWriter(stream, ["sharpness", "=odd"])
    writer.write(row)
    (cells,) = csv.DictReader(io.StringIO(stream.getvalue()))
    assert (cells["sharpness"], cells["'=odd"]) == ("0.1235", "2.0")
    pytest.importorskip("pyarrow")
    table = to_table([row], schema(attributes=True))
    assert table.to_pylist()[0]["attributes"] == [("sharpness", 0.1235), ("=odd", 2.0)]
    assert Row.from_dict(table.to_pylist()[0]).attributes == {"sharpness": 0.1235, "=odd": 2.0}


def test_odd_paths_survive_json_and_cannot_play_with_the_terminal() -> None:
    path = "\x1b[31mred\n\udcff é.jpg"
    text = written("json", [Row(path, error="x")])
    assert "\x1b" not in text
    assert json.loads(text)[0]["path"] == path
    assert "é" in written("jsonl", [Row("é.jpg", error="x")])
    table = written("table", [Row(path, error="two\nlines")])
    assert "\x1b" not in table
    assert table.count("\n") == 4
    assert printable(path) == "\\x1b[31mred\\n\\udcff é.jpg"


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    with open_output(str(path)) as stream:
        stream.write("ne")
        stream.flush()
        assert path.read_text() == "old"
        stream.write("w")
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["out.json"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_or_not_at_all(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")

    def fail_halfway() -> None:
        with open_output(str(path)) as stream:
            stream.write("half")
            raise error

    with pytest.raises(error):
        fail_halfway()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.json"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "target.csv"
    target.write_text("old")
    link = tmp_path / "link.csv"
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("no symbolic links here")
    with open_output(str(link)) as stream:
        stream.write("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_places_that_cannot_be_written_say_so(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="it is a folder"), open_output(str(tmp_path)):
        pass
    with (
        pytest.raises(OutputError, match="No such file"),
        open_output(str(tmp_path / "no" / "x.csv")),
    ):
        pass


@pytest.mark.skipif(not os.path.exists("/dev/fd/1"), reason="needs /dev/fd")
def test_what_a_descriptor_leads_to_is_written_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "held"
    with path.open("w") as held:
        with open_output(f"/dev/fd/{held.fileno()}") as stream:
            stream.write("through")
        assert os.path.samestat(os.fstat(held.fileno()), path.stat())
    assert path.read_text() == "through"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_remarks_are_wrapped_and_verdicts_coloured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate(min_score=45, max_causes={"blur": 0.2, "noise": 0.2})
    poor = Quality(12.5, causes={"blur": 0.3, "noise": 0.4})
    rows = [Row.scored("a.jpg", poor, gate(poor)), Row.scored("b.jpg", GOOD, GATE(GOOD))]
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def shown() -> str:
        terminal = Terminal()
        writer = WRITERS["table"](terminal)
        for row in rows:
            writer.write(row)
        return terminal.getvalue()

    colored = shown()
    assert "\x1b[31mreject\x1b[0m" in colored
    assert "\x1b[32maccept\x1b[0m" in colored
    monkeypatch.setenv("TERM", "dumb")
    plain = shown()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert shown() == plain
    monkeypatch.setenv("NO_COLOR", "")  # As if it was not set, see no-color.org.
    assert shown() == colored
    monkeypatch.setenv("NO_COLOR", "1")
    assert re.sub(r"\x1b\[\d*m", "", colored) == plain
    lines = plain.splitlines()
    assert len(lines) > 4
    assert max(map(len, lines)) <= 60
    words = " ".join(line.strip() for line in lines[1:-1]).split()
    assert words == written("table", rows[:1]).splitlines()[1].split()


@pytest.mark.parametrize(("width", "lines"), [(67, 1), (66, 2)])
def test_a_line_that_just_fits_is_not_wrapped(
    width: int, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    writer = WRITERS["table"](terminal)
    writer.write(Row.scored("a/long/name.jpg", POOR, GATE(POOR)))
    got = terminal.getvalue().splitlines()[1:]
    assert len(got) == lines


def test_carriage_returns_survive_csv(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text(written("csv", [Row("a\rb.jpg", error="x")]), newline="")
    (row,) = read_results(str(file))
    assert row.path == "a\rb.jpg"


def test_progress_is_silent_at_first_and_off_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    terminal, pipe = Terminal(), io.StringIO()
    shown, hidden = Progress(10, stream=terminal), Progress(10, stream=pipe)
    disabled = Progress(10, stream=terminal, enabled=False)
    shown.step()
    assert terminal.getvalue() == ""
    now += 4
    for progress in (shown, hidden, disabled):
        progress.step()
    assert terminal.getvalue() == "\r\x1b[K2/10  20%  0.5/s  0:16 left"
    shown.close()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert pipe.getvalue() == ""
