"""The command as people and scripts use it."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import edgeiqa
from edgeiqa import Scorer, sample_paths
from edgeiqa.causes import CAUSES
from edgeiqa.cli.common import output_format
from edgeiqa.cli.main import main
from edgeiqa.inference.contract import append, read
from edgeiqa.inference.model import find
from tests.edgeiqa.pictures import bomb, photograph, saved, with_orientation

ROOT = Path(edgeiqa.__file__).parent.parent
COMMAND = [sys.executable, "-m", "edgeiqa"]


def rows(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[dict]]:
    code = main(["score", *map(str, arguments), "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    path.write_bytes(saved(photograph(), "PNG"))
    return path


def test_the_samples_get_a_table_with_a_verdict_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", *map(str, sample_paths())]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(sample_paths()) + 3
    for line, path in zip(lines[1:], sample_paths(), strict=False):
        assert str(path) in line
        assert line.split()[2] in ("accept", "reject")
    assert lines[-1].startswith(f"{len(sample_paths())} photographs: ")


def test_a_folder_scores_as_its_files_do(capsys: pytest.CaptureFixture[str]) -> None:
    folder = sample_paths()[0].parent
    code, got = rows(capsys, folder)
    assert code == 0
    assert [row["path"] for row in got] == [str(path) for path in sample_paths()]
    scorer = Scorer()
    assert [row["score"] for row in got] == [
        round(quality.score, 2) for quality in scorer.score_batch(sample_paths())
    ]


def test_bad_input_gets_a_line_each_and_the_others_are_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = photograph()
    gif = saved(image, "GIF", save_all=True, append_images=[image.rotate(90)])
    readable = {
        "1x1.png": saved(image.resize((1, 1)), "PNG"),
        "alpha.png": saved(image.convert("RGBA"), "PNG"),
        "animated.gif": gif,
        "cmyk.jpg": saved(image.convert("CMYK"), "JPEG"),
        "long.png": saved(image.resize((20_000, 10)), "PNG"),
        "palette.png": saved(image.convert("P"), "PNG"),
        "turned.jpg": with_orientation(image, 6, "JPEG"),
        "wide.png": saved(image.convert("I;16"), "PNG"),
    }
    unreadable = {
        "bomb.png": (bomb(), "megapixels"),
        "empty.jpg": (b"", "empty"),
        "text.jpg": (b"words", "not a picture"),
        "truncated.jpg": (saved(image, "JPEG")[:900], "truncated"),
    }
    files = readable | {name: data for name, (data, _) in unreadable.items()}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "hollow").mkdir()
    code, got = rows(capsys, tmp_path, tmp_path / "hollow", tmp_path / "missing.jpg")
    assert code == 3
    errors = {os.path.basename(row["path"]): row["error"] for row in got}
    assert len(got) == len(files) + 2
    assert errors.pop("hollow") == "a folder without pictures"
    assert errors.pop("missing.jpg") == "no such file"
    for name, error in errors.items():
        if name in readable:
            assert error is None, name
        else:
            assert unreadable[name][1] in error
            assert "\n" not in error
    for row in got:
        assert (row["score"] is None) == (row["accept"] is None) == (row["error"] is not None)


def test_check_turns_rejection_into_an_exit_code(
    photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = Scorer().score(photo).score
    for least, check, expected in (
        (score - 1, True, 0),
        (score + 1, True, 1),
        (score + 1, False, 0),
    ):
        extra = ["--check"] if check else []
        code, got = rows(capsys, photo, "--min-score", least, *extra)
        assert code == expected
        assert got[0]["accept"] is (score >= least)
    # Not to have been read is worse than to have been rejected.
    code, _ = rows(capsys, photo, "missing.jpg", "--min-score", "100", "--check")
    assert code == 3


def test_presets_are_those_of_the_model(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scorer = Scorer()
    score = scorer.score(photo).score
    for preset, least in scorer.contract.gate.items():
        _, got = rows(capsys, photo, "--gate", preset)
        assert got[0]["accept"] is (score >= least)


def test_own_limits_of_causes_count_or_are_said_not_to(
    photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    severity = Scorer().score(photo).causes.get("dark")
    words = ["score", str(photo), "--min-score", "0", "--max", "dark=0.5", "--max", "dark=0"]
    assert main([*words, "--check", "--format", "json"]) == (1 if severity else 0)
    captured = capsys.readouterr()
    assert ("does not measure dark" in captured.err) == (severity is None)
    (row,) = json.loads(captured.out)
    # Of two limits of one cause the last counts.
    assert [r["threshold"] for r in row["reasons"]] == ([0] if severity else [])
    assert main([*words, "--max", "dark=1", "--check"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "with at most" not in captured.out


def test_a_model_without_presets_takes_limits_of_causes(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract, flatbuffer = read(find("base").read_bytes())
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(append(flatbuffer, replace(contract, gate={})))
    for extra, accept in ((["--max", "dark=1"], True), ([], None)):
        _, got = rows(capsys, photo, "--model", bare, *extra)
        assert got[0]["accept"] is accept
    assert main(["score", str(photo), "--model", str(bare), "--check"]) == 2
    assert "none: give min_score" in capsys.readouterr().err


def test_csv_and_json_lines(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(photo), "missing.jpg", "--format", "csv"]) == 3
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert main(["score", str(photo), "missing.jpg", "--format", "jsonl"]) == 3
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [float(table[0]["score"]), table[1]["error"]] == [lines[0]["score"], "no such file"]


@pytest.mark.parametrize("name", ["out.json", "out.jsonl", "out.csv", "out.txt"])
def test_the_suffix_of_the_output_chooses_the_format(
    name: str, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    assert main(["score", str(photo), "--output", str(path)]) == 0
    assert capsys.readouterr().out == ""
    first = {"out.json": "[", "out.jsonl": '{"path"', "out.csv": "path,", "out.txt": "score "}
    assert path.read_text(encoding="utf-8").startswith(first[name])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score"], "required: PATH"),
        (["polish", "a.jpg"], "invalid choice"),
        (["score", "a.jpg", "--min-score", "101"], "from 0 to 100, got"),
        (["score", "a.jpg", "--min-score", "0.6"], "did you mean 60"),
        (["score", "a.jpg", "--min-score", "x"], "from 0 to 100, got"),
        (["score", "a.jpg", "--min-score", "nan"], "from 0 to 100, got"),
        (["score", "a.jpg", "--gate", "normal", "--min-score", "5"], "not allowed with"),
        (["score", "a.jpg", "--gate", "odd"], "no gate preset 'odd'"),
        (["score", "a.jpg", "--max", "blur"], "CAUSE=X, such as blur=0.4, got 'blur'"),
        (["score", "a.jpg", "--max", "blurr=0.5"], "no cause 'blurr', known: blur, noise"),
        (["score", "a.jpg", "--max", "blur=1.01"], "from 0 to 1, got '1.01'"),
        (["score", "a.jpg", "--max", "blur=nan"], "from 0 to 1, got 'nan'"),
        (["score", "a.jpg", "--format", "xml"], "invalid choice"),
        (["score", "a.jpg", "--mod", "base"], "unrecognized arguments"),
        (["score", "a.jpg", "--model", "odd"], "no model 'odd'; shipped: "),
        (["score", "a.jpg", "--model", __file__], "TFL3"),
        (["score", "a.jpg", "--output", "no/such/folder/x"], "cannot write no/such/folder/x"),
        (["score", "-", "-"], "only once"),
    ],
)
def test_wrong_usage_is_2_and_one_clear_message(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert "base" in capsys.readouterr().out
    assert main(["models", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    base = next(entry for entry in entries if entry["model"] == "base")
    assert base["contract"]["outputs"]
    assert main(["models", __file__]) == 3
    assert "TFL3" in capsys.readouterr().out


@pytest.mark.parametrize("form", [["--json"], []])
def test_models_of_names_that_are_no_text_are_reported(form: list[str]) -> None:
    got = run("models", "\udcff\x1b[31m.tflite", *form)
    assert got.returncode == 3, got.stderr
    assert b"\\udcff" in got.stdout
    assert b"\x1b" not in got.stdout
    assert got.stderr == b""


def test_samples_prints_their_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["samples"]) == 0
    assert Path(capsys.readouterr().out.strip()) == sample_paths()[0].parent


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"edgeiqa {edgeiqa._version.__version__}\n"
    assert main(["score", "--help"]) == 0
    assert "exit codes" in capsys.readouterr().out
    assert main(["models", "--help"]) == 0
    assert "  3    some are missing" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_a_folder_does_not_hang_the_run(photo: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    (tmp_path / "b.png").write_bytes(photo.read_bytes())
    got = run("score", str(tmp_path), "--format", "jsonl")
    assert got.returncode == 0, got.stderr
    assert [json.loads(line)["path"] for line in got.stdout.splitlines()] == [
        str(tmp_path / "b.png")
    ]


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # type: ignore[call-overload]
        [*COMMAND, *arguments], capture_output=True, cwd=ROOT, timeout=60, **options
    )


def test_standard_input_is_a_picture(photo: Path) -> None:
    got = run("score", "-", "--format", "jsonl", input=photo.read_bytes())
    assert got.returncode == 0
    row = json.loads(got.stdout)
    assert (row["path"], row["score"]) == ("-", round(Scorer().score(photo).score, 2))
    # The runtime's chatter is kept off the terminal.
    assert got.stderr == b""
    empty = run("score", "-", "--format", "jsonl", input=b"")
    assert empty.returncode == 3
    assert "empty" in json.loads(empty.stdout)["error"]


@pytest.mark.skipif(os.name == "nt", reason="pipes and signals of Unix")
def test_a_reader_that_leaves_early_is_no_error(photo: Path) -> None:
    command = shlex.join([*COMMAND, "score", *[str(photo)] * 300, "--format", "jsonl"])
    line = f"{command} | head -n 1"
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("needs bash")
    got = subprocess.run([shell, "-c", line], capture_output=True, cwd=ROOT, timeout=60)
    assert len(got.stdout.splitlines()) == 1
    assert got.stderr == b""


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_an_interrupt_is_130_and_leaves_the_old_output(photo: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    process = subprocess.Popen(
        [*COMMAND, "score", *[str(photo)] * 20_000, "--output", str(path)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob(".out.jsonl.*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(tmp_path.glob(".out.jsonl.*"))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == b"edgeiqa: interrupted\n"
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.jsonl"]


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_an_interrupt_within_executed_text_is_130_too(tmp_path: Path) -> None:
    # As in an import that makes dataclasses; CPython would have `-m` die of SIGINT.
    (tmp_path / "sitecustomize.py").write_text(
        "from edgeiqa.cli import score\n"
        "def interrupted(arguments):\n"
        "    exec('raise KeyboardInterrupt')\n"
        "score.run = interrupted\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    got = subprocess.run(
        [*COMMAND, "score", "-"],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert (got.returncode, got.stderr) == (130, b"edgeiqa: interrupted\n")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="file names of Linux")
def test_names_that_are_no_text_are_scored(photo: Path, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff\x1b[31m.png"
    Path(os.fsdecode(name)).write_bytes(photo.read_bytes())
    for file_format in ("table", "json", "jsonl", "csv"):
        got = run("score", str(tmp_path), "--format", file_format, env=os.environ | {"LC_ALL": "C"})
        assert got.returncode == 0, got.stderr
        assert b"Traceback" not in got.stderr
    assert b"\x1b" not in run("score", str(tmp_path)).stdout


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ImportError("long\n\nlib.so: failed to map\n"), "ImportError: lib.so: failed to map"),
        (MemoryError(), "MemoryError: not enough memory"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(
    error: Exception,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(arguments: object) -> int:
        raise error

    monkeypatch.setattr("edgeiqa.cli.score.run", broken)
    assert main(["score", "a.jpg"]) == 2
    assert capsys.readouterr().err == f"edgeiqa: error: {message}\n"


def test_help_loads_no_numpy_and_names_every_cause() -> None:
    lines = (
        "import sys; from edgeiqa.cli.main import main; main(['live', '--help'])",
        "print('LOADED', *sorted({'numpy', 'PIL', 'ai_edge_litert', 'av'} & set(sys.modules)))",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    help_text, loaded = done.stdout.split("LOADED")
    assert loaded.split() == []
    for cause in CAUSES:
        assert cause in help_text


def test_the_suffix_of_the_output_says_its_format() -> None:
    for formats, output, expected in (
        (("table", "json", "jsonl", "csv"), "a.JSON", "json"),
        (("table", "json", "jsonl", "csv"), "a.csv", "csv"),
        (("table", "jsonl"), "a.json", "jsonl"),
        (("table", "jsonl"), "a.csv", "table"),
        (("table", "jsonl"), None, "table"),
    ):
        arguments = argparse.Namespace(format=None, output=output, formats=formats)
        assert output_format(arguments) == expected
