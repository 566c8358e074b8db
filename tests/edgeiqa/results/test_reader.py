"""What `edgeiqa score` writes is read again, and what else there is gets a clear word."""

from __future__ import annotations

import io
import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeiqa.causes import CAUSES
from edgeiqa.errors import ResultsError
from edgeiqa.gating.gate import Gate
from edgeiqa.quality import Quality
from edgeiqa.results.reader import read_results
from edgeiqa.results.row import Row, rounded_reason
from edgeiqa.results.writers import WRITERS

SEVERITIES = st.dictionaries(st.sampled_from(CAUSES), st.floats(0, 1))
QUALITIES = st.builds(
    Quality,
    st.floats(0, 100),
    st.none() | st.floats(0, 40),
    causes=SEVERITIES,
)
GATES = st.none() | st.just(Gate(min_score=45, max_causes={"blur": 0.5, "dark": 0.3}))
# With lone surrogates, as bytes in names that are no UTF-8 become; without the text of an escape,
# which CSV cannot distinguish from one.
PATHS = st.text(
    st.characters(exclude_characters="\\") | st.characters(codec=None, categories=["Cs"]),
    min_size=1,
).map(
    lambda text: "".join(
        c if not "\ud800" <= c <= "\udfff" else chr(0xDC80 + ord(c) % 128) for c in text
    )
)
SCORED = st.builds(
    lambda path, quality, gate: Row.scored(path, quality, None if gate is None else gate(quality)),
    PATHS,
    QUALITIES,
    GATES,
)
BROKEN = st.builds(lambda path, error: Row(path, error=error), PATHS, st.just("damaged (x, y)"))


def written(folder: Path, file_format: str, rows: list[Row]) -> str:
    stream = io.StringIO()
    writer = WRITERS[file_format](stream)
    for row in rows:
        writer.write(row)
    writer.finish("")
    file = folder / f"results.{file_format}"
    # As `edgeiqa.files.atomic.open_output` does.
    with open(file, "w", encoding="utf-8", errors="backslashreplace", newline="") as target:
        target.write(stream.getvalue())
    return str(file)


def saved(folder: Path, content: str | bytes, name: str = "results") -> str:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(file)


def rows_and_notes(path: str) -> tuple[list[Row], list[str]]:
    notes: list[str] = []
    return list(read_results(path, notes.append)), notes


@pytest.mark.parametrize("file_format", ["json", "jsonl", "csv"])
@given(rows=st.lists(SCORED | BROKEN, max_size=8))
def test_what_was_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, file_format: str, rows: list[Row]
) -> None:
    if file_format == "csv":  # Whose writer leaves them bare before Python 3.13.
        rows = [row for row in rows if "\r" not in row.path]
    path = written(tmp_path_factory.mktemp("results"), file_format, rows)
    got, notes = rows_and_notes(path)
    assert notes == []
    assert [result.path for result in got] == [row.path for row in rows]
    for result, row in zip(got, rows, strict=True):
        wanted = row.to_dict()
        assert result.score == wanted["score"]
        assert result.std == wanted["std"]
        assert result.causes == wanted["causes"]
        assert result.accept is wanted["accept"]
        assert result.error == wanted["error"]
        expected = wanted["reasons"]
        if file_format == "csv":  # Which has only the name of the first one.
            expected = expected[:1]
            assert all(math.isnan(reason.threshold) for reason in result.reasons)
        else:
            assert [rounded_reason(reason) for reason in result.reasons] == expected
        assert [r.cause for r in result.reasons] == [r["cause"] for r in expected]
        assert [r.value for r in result.reasons] == [r["value"] for r in expected]


@pytest.mark.parametrize("flat", [False, True], ids=["nested", "as in CSV"])
def test_parquet_is_read(tmp_path: Path, flat: bool) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    gate = Gate(min_score=45, max_causes={"blur": 0.5})
    good, poor = Quality(71.2, 4.5, causes={"blur": 0.1}), Quality(20.0, causes={"blur": 0.75})
    rows = [
        Row.scored("a/good.jpg", good, gate(good)).to_dict(),
        Row.scored("a/poor.jpg", poor, gate(poor)).to_dict(),
        Row("b/broken.jpg", error="empty, 0 bytes").to_dict(),
    ]
    if flat:
        for row in rows:
            row["causes"] = " ".join(f"{name}={value}" for name, value in row["causes"].items())
            row["reasons"] = " ".join(reason["cause"] for reason in row["reasons"])
    file = tmp_path / "results"
    parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    got, notes = rows_and_notes(str(file))
    assert notes == []
    assert [(r.path, r.score, r.accept, r.error) for r in got] == [
        ("a/good.jpg", 71.2, True, None),
        ("a/poor.jpg", 20.0, False, None),
        ("b/broken.jpg", None, None, "empty, 0 bytes"),
    ]
    assert got[1].causes == {"blur": 0.75}
    assert [reason.cause for reason in got[1].reasons] == ["blur", "low_quality"]


def test_a_map_of_parquet_is_severities_too(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    kind = pyarrow.map_(pyarrow.string(), pyarrow.float32())
    table = pyarrow.table(
        {
            "path": ["caf\\udce9.jpg"],
            "score": pyarrow.array([50.5], pyarrow.float32()),
            "causes": pyarrow.array([[("blur", 0.25)]], kind),
        }
    )
    parquet.write_table(table, tmp_path / "r.parquet")
    (got,), _ = rows_and_notes(str(tmp_path / "r.parquet"))
    assert got == Row("caf\udce9.jpg", 50.5, None, {"blur": 0.25})


def test_parquet_without_pyarrow_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r'pip install "edgeiqa\[parquet\]"'):
        rows_and_notes(saved(tmp_path, b"PAR1 and so on"))


def test_sentences_say_what_is_known(tmp_path: Path) -> None:
    gate = Gate(min_score=45, max_causes={"dark": 0.5})
    quality = Quality(23.94, causes={"dark": 0.74})
    row = Row.scored("a.jpg", quality, gate(quality))
    (full,), _ = rows_and_notes(written(tmp_path, "jsonl", [row]))
    (short,), _ = rows_and_notes(written(tmp_path, "csv", [row]))
    assert full.sentences == (
        "too dark: add light or expose longer (0.74, at most 0.50)",
        "quality 23.9 is below 45.0",
    )
    assert short.sentences == ("too dark: add light or expose longer",)


LINE = '{"path": "a.jpg", "score": 50}\n'


def test_a_line_that_was_cut_off_is_reported_and_costs_nothing_else(tmp_path: Path) -> None:
    got, notes = rows_and_notes(saved(tmp_path, LINE + '{"path": "b.jpg", "sco'))
    assert [result.path for result in got] == ["a.jpg"]
    assert len(notes) == 1
    assert notes[0].startswith("line 2,")
    # A whole one without the end of its line is no loss.
    got, notes = rows_and_notes(saved(tmp_path, LINE + LINE.strip()))
    assert (len(got), notes) == (2, [])


def test_broken_rows_are_passed_over_and_reported(tmp_path: Path) -> None:
    bad = [
        "\0\0\0\n",
        "nonsense\n",
        "[1, 2]\n",
        '{"path": "", "score": 1}\n',
        '{"path": "b.jpg"}\n',
        '{"path": "c.jpg", "score": NaN}\n',
        '{"path": "c.jpg", "score": true}\n',
        '{"path": "d.jpg", "score": 101}\n',
        '{"path": "e.jpg", "score": 5, "causes": 3}\n',
        '{"path": "e.jpg", "score": 5, "causes": {"blur": 2}}\n',
        '{"path": "f.jpg", "score": 5, "accept": "maybe"}\n',
        '{"path": "f.jpg", "score": 5, "reasons": [7]}\n',
    ]
    got, notes = rows_and_notes(saved(tmp_path, LINE + "".join(bad) + LINE))
    assert [result.path for result in got] == ["a.jpg", "a.jpg"]
    assert len(notes) == 4
    assert notes[0].startswith("skipped line 3: damaged JSON")
    assert notes[1].startswith("skipped line 4:")
    # The zeros of a power cut are no row.
    assert f"{len(bad) - 4} more rows" in notes[3]


def test_a_damaged_line_of_csv_costs_that_line(tmp_path: Path) -> None:
    text = "path,score\na.jpg,1\nb.jpg," + "9" * 200_000 + "\nc.jpg,2,3\nd.jpg,4\n"
    got, notes = rows_and_notes(saved(tmp_path, text))
    assert [row.path for row in got] == ["a.jpg", "d.jpg"]
    assert ["line 3" in notes[0], "line 4" in notes[1], len(notes)] == [True, True, 2]


def test_unknown_keys_are_kept_aside(tmp_path: Path) -> None:
    row = {"path": "a.jpg", "score": 50, "bytes": 7, "mtime_ns": 8, "model": "nano 0.1.0", "x": []}
    (got,), notes = rows_and_notes(saved(tmp_path, json.dumps(row)))
    assert notes == []
    assert (got.path, got.score, got.model) == ("a.jpg", 50.0, "nano 0.1.0")
    assert got.extra == {"bytes": 7, "mtime_ns": 8, "x": []}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name,age\nann,5\n", "there is no column path and no column score in the first line"),
        ("score  spread  verdict  photo\n 71.3   ±11.4  accept   good.jpg\n", "no column path"),
        ("[1, 2", "damaged JSON"),
        ("[1, 2]", "element 1: expected an object with path and score, got 1"),
        ('{"score": 5}\n', "line 1: the path is None, expected a text"),
        ('{"t": 1.5, "score": 5}\n{"t": 2}\n', "line 1: the path is None"),
        (b"PAR1 but nothing else", "damaged Parquet"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "no column path"),
        ("[" * 100_000, "damaged JSON"),
        ("path,score\na.jpg,1," + "x" * 200_000 + "\n", "line 2: damaged CSV"),
    ],
)
def test_what_holds_no_results_is_refused(tmp_path: Path, content: str | bytes, said: str) -> None:
    if content[:4] == b"PAR1":
        pytest.importorskip("pyarrow")
    with pytest.raises(ResultsError, match=said.replace("[", r"\[")):
        rows_and_notes(saved(tmp_path, content))


@pytest.mark.parametrize("content", ["", "\n\n", "[]", "path,score\n"])
def test_no_results_are_no_error(tmp_path: Path, content: str) -> None:
    assert rows_and_notes(saved(tmp_path, content)) == ([], [])


def test_files_of_spreadsheets_and_consoles_are_read(tmp_path: Path) -> None:
    wanted = [Row("ä.jpg", 50.5)]
    assert rows_and_notes(saved(tmp_path, "\ufeffpath;score\r\nä.jpg;50.5\r\n"))[0] == wanted
    line = '{"path": "ä.jpg", "score": 50.5}\r\n'
    assert rows_and_notes(saved(tmp_path, line.encode("utf-16")))[0] == wanted
    assert rows_and_notes(saved(tmp_path, b'{"path": "\xe9", "score": 1}\n'))[0] == [
        Row("\udce9", 1.0)
    ]


def test_utf_16_that_ends_within_a_unit_costs_the_last_row_only(tmp_path: Path) -> None:
    line = '{"path": "a.jpg", "score": 5, "error": null}\n'
    file = tmp_path / "r.jsonl"
    file.write_bytes((line + line.replace("a.jpg", "b.jpg")).encode("utf-16")[:-3])
    assert [result.path for result in read_results(str(file))][:1] == ["a.jpg"]


def test_parquet_whose_texts_are_no_utf_8_is_refused(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    text = pyarrow.array([b"a\x80.jpg"]).view(pyarrow.string())
    table = pyarrow.table({"path": text, "score": [5.0], "error": pyarrow.array([""])})
    file = tmp_path / "r.parquet"
    parquet.write_table(table, file)
    with pytest.raises(ResultsError, match="damaged Parquet"):
        list(read_results(str(file)))


def test_a_pipe_or_a_device_is_not_waited_for(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs named pipes")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ResultsError, match="regular"):
            list(read_results(str(path)))


@pytest.mark.parametrize(
    "row",
    [
        {"path": "x" * 70_000, "score": 1},
        {"path": "a", "score": 1, "causes": {f"c{n}": 0.1 for n in range(15_000)}},
        {"path": "a", "score": 1, "causes": {"x" * 5000: 0.1}},
        {"path": "a", "score": 1, "reasons": [{"cause": "blur"}] * 100},
    ],
)
def test_rows_of_absurd_size_are_refused(row: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ResultsError):
        rows_and_notes(saved(tmp_path, json.dumps(row)))


def test_long_texts_are_shortened(tmp_path: Path) -> None:
    row = {"path": "a", "score": None, "error": "x" * 10_000, "model": "y" * 10_000}
    (got,), _ = rows_and_notes(saved(tmp_path, json.dumps(row)))
    assert len(str(got.error)) == len(str(got.model)) == 4096


@pytest.mark.parametrize("start", ["", LINE, "path,score\n"])
def test_an_endless_line_is_refused(
    start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeiqa.results.reader.MAX_LINE", 1000)
    with pytest.raises(ResultsError):
        rows_and_notes(saved(tmp_path, start + '{"path": "' + "x" * 2000))


def test_a_json_array_is_read_as_a_whole_only_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeiqa.results.reader.MAX_ARRAY", 100)
    with pytest.raises(ResultsError, match="JSON lines"):
        rows_and_notes(saved(tmp_path, json.dumps([{"path": "a" * 99, "score": 1}])))


@pytest.mark.parametrize("kind", ["one text repeated", "different texts", "long lists"])
def test_parquet_that_unpacks_to_gigabytes_is_refused(kind: str, tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "bomb.parquet"
    if kind == "long lists":
        reason = pyarrow.array([{"cause": "blur", "value": 0.5}] * 1_000_000)
        reasons = pyarrow.ListArray.from_arrays(range(0, 1_000_001, 10_000), reason)
        table = pyarrow.table({"path": ["a"] * 100, "score": [1.0] * 100, "reasons": reasons})
    else:
        text = pyarrow.array(["x" * 1_000_000]).dictionary_encode()
        column = pyarrow.DictionaryArray.from_arrays([0] * 1000, text.dictionary)
        table = pyarrow.table({"path": column, "score": [1.0] * 1000})
    repeated = kind != "different texts"
    parquet.write_table(table, file, compression="zstd", use_dictionary=repeated)
    assert file.stat().st_size < 200_000
    before = pyarrow.total_allocated_bytes()
    with pytest.raises(ResultsError):
        list(read_results(str(file)))
    assert pyarrow.total_allocated_bytes() - before < 1 << 20
