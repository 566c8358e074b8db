"""`edgeiqa score` with worker processes, journals, quick decoding and Parquet."""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edgeiqa import Scorer
from edgeiqa.assets import sample_paths
from edgeiqa.batch.run import SMALL_BATCH
from edgeiqa.cli.main import main
from edgeiqa.results.row import COLUMNS
from tests.edgeiqa.batch.trees import ENVIRONMENT, children, is_alive, make_tree, score, started
from tests.edgeiqa.pictures import photograph, saved


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_many_photographs_are_reported_in_order_whoever_scores_them(tmp_path: Path) -> None:
    photos = make_tree(tmp_path / "photos", SMALL_BATCH + 3)
    (tmp_path / "photos" / "b" / "text.jpg").write_bytes(b"words")
    (tmp_path / "hollow").mkdir()
    words = [photos[3], "-", tmp_path / "hollow", tmp_path / "photos", "--format", "jsonl"]
    picture = Path(photos[0]).read_bytes()
    outputs = {}
    for workers in ("1", "2", None):
        more = [] if workers is None else ["--workers", workers]
        with photos[0].open("rb") as stdin:
            done = score(*words, *more, stdin=stdin)
        assert (done.returncode, done.stderr) == (3, "")
        outputs[workers] = done.stdout
    assert outputs["1"] == outputs["2"] == outputs[None]
    rows = lines(outputs["1"])
    assert [row["path"] for row in rows[:3]] == [str(photos[3]), "-", str(tmp_path / "hollow")]
    assert rows[1]["score"] == round(Scorer("nano").score(picture).score, 2)
    assert rows[2]["error"] == "a folder without pictures"
    listed = [row["path"] for row in rows[3:]]
    assert listed == sorted(listed)
    assert [row["error"] for row in rows[3:] if row["error"]] == [
        "not a picture in a format that can be read"
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_photograph_that_hangs_is_given_up(tmp_path: Path) -> None:
    photos = make_tree(tmp_path, 4)
    os.mkfifo(tmp_path / "hangs.jpg")
    words = [photos[0], tmp_path / "hangs.jpg", *photos[1:], "--workers", 1, "--timeout", 2]
    done = score(*words, "--format", "jsonl")
    assert done.returncode == 3
    rows = lines(done.stdout)
    assert [row["error"] for row in rows if row["path"].endswith("hangs.jpg")] == [
        "no answer within 2 s, see --timeout"
    ]
    assert [row["path"] for row in rows if row["error"] is None] == [str(path) for path in photos]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_worker_that_is_killed_at_a_photograph_costs_that_one(tmp_path: Path) -> None:
    photos = make_tree(tmp_path, 4)
    os.mkfifo(tmp_path / "odd.jpg")
    words = [photos[0], tmp_path / "odd.jpg", *photos[1:], "--workers", 1, "--format", "jsonl"]
    process = started(*words)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(0.5)  # It now waits for somebody to write to the pipe.
    for pid in children(process.pid):
        os.kill(pid, signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (3, "")
    rows = lines(first + out)
    assert [row["path"] for row in rows] == [str(word) for word in words[:5]]
    assert "SIGKILL" in rows[1]["error"]
    assert all(row["error"] is None for row in rows if row is not rows[1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_an_interrupt_ends_workers_quietly(tmp_path: Path) -> None:
    photos = make_tree(tmp_path, 2)
    out = tmp_path / "out.csv"
    process = started(*photos * 5000, "--workers", 2, "--output", out)
    deadline = time.monotonic() + 60
    while len(workers := children(process.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "edgeiqa: interrupted\n")
    assert not out.exists()
    deadline = time.monotonic() + 20
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_alive, workers))


def test_other_formats_are_made_from_the_journal_beside_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    photos = make_tree(tmp_path / "photos", 5)
    (tmp_path / "photos" / "b" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    words = ["score", str(tmp_path / "photos"), "--model", "nano", "--min-score", "99"]
    assert main([*words, "--format", "jsonl"]) == 3
    plain = lines(capsys.readouterr().out)
    for name in ("out.csv", "out.json", "out.parquet"):
        out = tmp_path / name
        assert main([*words, "--output", str(out), "--resume", "--check"]) == 3
        assert "6 scored now" not in capsys.readouterr().err
        assert (tmp_path / f"{name}.journal.jsonl").exists()
        photos[0].touch()
        assert main([*words, "--output", str(out), "--resume", "--no-progress"]) == 3
        assert capsys.readouterr().err == ""
    with (tmp_path / "out.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [row["path"] for row in table] == [row["path"] for row in plain]
    keys = plain[0].keys()
    documents = json.loads((tmp_path / "out.json").read_text())
    assert [{key: row[key] for key in keys} for row in documents] == plain
    table = parquet.read_table(tmp_path / "out.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["score"], types["accept"], types["bytes"]) == ("double", "bool", "int64")
    got = table.to_pylist()
    for row, expected in zip(got, plain, strict=True):
        for key in keys - {"causes"}:
            assert row[key] == expected[key], key
        causes = {
            cause: value for cause, value in (row["causes"] or {}).items() if value is not None
        }
        assert causes == expected["causes"]
    assert got[0]["mtime_ns"] == photos[0].stat().st_mtime_ns


def test_parquet_without_a_journal(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out.parquet"
    odd = tmp_path / os.fsdecode(b"odd\xff.png")
    try:
        odd.write_bytes(saved(photograph(), "PNG"))
    except OSError:
        pytest.skip("file names of Linux")
    assert main(["score", str(odd), "--model", "nano", "--output", str(out)]) == 0
    (row,) = parquet.read_table(out).to_pylist()
    assert row["path"] == str(tmp_path / "odd\\udcff.png")
    assert list(row) == list(COLUMNS)


def test_without_pyarrow_the_extra_is_named_before_anything_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    out = tmp_path / "out.parquet"
    for more in ([], ["--resume"]):
        assert main(["score", str(sample_paths()[0]), "--output", str(out), *more]) == 2
        assert 'pip install "edgeiqa[parquet]"' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--resume"], "--resume needs a file"),
        (["--resume", "--output", "-"], "--resume needs a file"),
        (["--resume", "--output", "x.txt"], "--resume cannot write a table"),
        (["--rescore", "--output", "x.jsonl"], "--rescore needs --resume"),
        (["-", "--resume", "--output", "x.jsonl"], "(-)"),
        (["--resume", "--output", "x.jsonl", "--map", "maps"], "combined with --resume"),
        (["--quick", "--map", "maps"], "combined with --quick"),
        (["--workers", "2", "--map", "maps"], "combined with --workers"),
        (["--format", "parquet"], "name a file with --output"),
        (["--workers", "0"], "--workers: "),
        (["--timeout", "0"], "argument --timeout"),
        (["--timeout", "nan"], "argument --timeout"),
        (["--resume", "--output", "no/such/x.jsonl"], "cannot write no/such/x.jsonl"),
    ],
)
def test_what_does_not_go_together_is_said(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["score", *words] if words[0] == "-" else ["score", "a.jpg", *words]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_quick_scores_are_close_and_say_what_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large = tmp_path / "large.jpg"
    with Image.open(sample_paths()[1]) as sample:
        sample.resize((2400, 1600), Image.Resampling.BICUBIC).save(large, quality=92)
    words = ["score", str(large), "--max", "blur=0.3", "--format", "json"]
    assert main(words) == 0
    (exact,) = json.loads(capsys.readouterr().out)
    assert main([*words, "--quick"]) == 0
    captured = capsys.readouterr()
    (quick,) = json.loads(captured.out)
    assert quick["score"] == pytest.approx(exact["score"], abs=3)
    assert list(quick["causes"]) == ["dark", "bright", "low_contrast"]
    for cause, severity in quick["causes"].items():
        assert severity == pytest.approx(exact["causes"][cause], abs=0.02)
    assert "--quick does not measure blur" in captured.err
    assert main([*words[:2], "--quick"]) == 0
    assert ", quick, accepted from" in capsys.readouterr().out
    assert quick["mode"] == "quick"
    assert Scorer().score_quick(large).score == pytest.approx(quick["score"], abs=0.006)


def test_too_many_megapixels_are_refused_here_and_in_workers(tmp_path: Path) -> None:
    Image.new("RGB", (1500, 1000)).save(tmp_path / "a.png")
    for more in ([], ["--workers", 1]):
        done = score(tmp_path, "--max-megapixels", 1, "--format", "jsonl", *more)
        assert done.returncode == 3
        assert "more than the limit of 1" in done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="file names of Linux")
@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_workers_open_names_that_are_no_text(locale: dict[str, str], tmp_path: Path) -> None:
    for name in (b"\xff.png", "\u00e9\n.png".encode()):
        (tmp_path / os.fsdecode(name)).write_bytes(saved(photograph(), "PNG"))
    done = score(tmp_path, "--workers", 1, "--format", "jsonl", env={**ENVIRONMENT, **locale})
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["error"] for row in lines(done.stdout)] == [None, None]


def test_raws_in_folders_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.NEF").write_bytes(b"II*\0" + b"\0" * 40)
    (tmp_path / "b.xmp").write_bytes(b"<x/>")
    assert main(["score", str(tmp_path), "--format", "json"]) == 3
    (row,) = json.loads(capsys.readouterr().out)
    assert row["path"].endswith("a.NEF")
    assert "a camera raw" in row["error"]
