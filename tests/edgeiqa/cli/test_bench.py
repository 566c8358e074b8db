"""`edgeiqa bench` as people and scripts use it; how fast anything is, is not tested."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import edgeiqa
from edgeiqa.assets import sample_paths
from edgeiqa.bench.profiler import STAGES
from edgeiqa.cli.bench import FORMATS
from edgeiqa.cli.main import main
from edgeiqa.imaging.frame import PixelFormat

ROOT = Path(edgeiqa.__file__).parent.parent
QUICK = ("--model", "nano", "--runs", "1")
TINY = ("--size", "64x48")


def report(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert main(["bench", *QUICK, *map(str, words), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_the_report_has_all_it_should(capsys: pytest.CaptureFixture[str]) -> None:
    found = report(capsys, *TINY, "--threads", 2, "--rotation", 90)
    assert set(found) == {
        *("edgeiqa", "command", "model", "threads", "versions", "machine", "memory"),
        *("subjects", "notes"),
    }
    assert found["threads"] == 2
    assert found["model"]["name"] == "nano"
    assert found["model"]["causes"]["name"]
    assert set(found["memory"]) == {"before_opening", "opened", "idle", "after", "peak", "end"}
    (subject,) = found["subjects"]
    assert subject["pixel_format"] == "NV21"
    assert (subject["width"], subject["height"], subject["rotation"]) == (64, 48, 90)
    assert set(subject["stages"]) == set(STAGES) - {"decode"}
    for times in (*subject["stages"].values(), subject["total"], subject["outside"]):
        assert set(times) == {"p50", "p90", "p99", "min"}
    names = [rival["name"] for rival in subject["rivals"]]
    assert names == ["laplacian", "laplacian-lean", "tenengrad", "brisque"]
    assert any("sample" in note for note in found["notes"])
    assert any("BRISQUE" in note for note in found["notes"])
    assert found["command"] == (
        "edgeiqa bench --model nano --size 64x48 --rotation 90 --threads 2 --runs 1"
    )


def test_all_formats_come_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    found = report(capsys, "--size", "37x21", "--pixel-format", "all", "--no-rivals")
    assert [subject["pixel_format"] for subject in found["subjects"]] == list(FORMATS)
    assert list(FORMATS) == [kind.value for kind in PixelFormat]
    assert all(subject["rivals"] == [] for subject in found["subjects"])


def test_photographs_are_files_unless_a_frame_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = str(sample_paths()[0])
    (subject,) = report(capsys, path, "--no-rivals", "--no-causes")["subjects"]
    assert subject["kind"] == "file"
    assert "decode" in subject["stages"]
    assert "causes_network" not in subject["stages"]
    (subject,) = report(capsys, path, "--pixel-format", "yuyv", *TINY, "--no-rivals")["subjects"]
    assert (subject["kind"], subject["pixel_format"], subject["name"]) == ("frame", "YUYV", path)


def test_the_table_shows_stages_target_and_baselines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", *QUICK, *TINY]) == 0
    lines = capsys.readouterr().out.splitlines()
    text = "\n".join(lines)
    for stage, words in STAGES.items():
        assert (words in text) == (stage != "decode")
    assert "outside / inside" in text
    assert "at most 1" in text
    assert "cv2.Laplacian(gray, cv2.CV_64F).var()" in text
    assert any(line.startswith("processor  ") for line in lines)


def test_a_folder_with_something_unreadable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jpg").write_bytes(sample_paths()[0].read_bytes())
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    words = ["bench", *QUICK, str(tmp_path), "--no-rivals", "--format", "json"]
    assert main(words) == 3
    printed = capsys.readouterr()
    assert [s["name"] for s in json.loads(printed.out)["subjects"]] == [str(tmp_path / "a.jpg")]
    assert "b.jpg: not a picture" in printed.err
    (tmp_path / "a.jpg").unlink()
    assert main(words) == 2


def test_without_opencv_the_rest_is_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    found = report(capsys, *TINY)
    assert found["subjects"][0]["rivals"] == []
    assert found["subjects"][0]["total"]["p50"] > 0
    assert any("edgeiqa[bench]" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--size", "0x0"), "got '0x0'"),
        (("--size", "1920"), "got '1920'"),
        (("--size", "99999x9"), "argument --size"),
        (("--size", "²x9"), "argument --size"),
        (("--pixel-format", "P010"), "'P010'"),
        (("--rotation", "45"), "--rotation"),
        (("--threads", "0"), "got '0'"),
        (("--runs", "-1"), "got '-1'"),
        (("--runs", "many"), "got 'many'"),
        (("--model", "none-such"), "no model 'none-such'"),
        (("--brisque-model", "x.yml"), "--brisque-range"),
        (("--brisque-model", "none.yml", "--brisque-range", "none.yml"), "none.yml"),
        (("none-such.jpg",), "none-such.jpg: no such file"),
        (("-",), "standard input"),
    ],
)
def test_invalid_usage_is_explained(
    words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--runs", "1", *TINY, *words]) == 2
    assert told in capsys.readouterr().err


def test_the_output_is_whole_or_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "bench.json"
    words = ["bench", *QUICK, *TINY, "--no-rivals", "--output", str(target)]
    assert main(words) == 0
    assert json.loads(target.read_text())["subjects"]
    target.write_text("older")

    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edgeiqa.bench.measure.measure", interrupted)
    assert main(words) == 130
    assert target.read_text() == "older"
    assert list(tmp_path.iterdir()) == [target]
    assert "interrupted" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeiqa.bench.measure.measure", pytest.fail)
    assert main(["bench", *QUICK, "--output", str(tmp_path / "none" / "x.json")]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_ctrl_c_ends_a_long_run(tmp_path: Path) -> None:
    target = tmp_path / "bench.json"
    words = [*TINY, "--runs", "1000000", "--no-rivals", "--output", str(target)]
    running = subprocess.Popen(
        [sys.executable, "-m", "edgeiqa", "bench", *words], cwd=ROOT, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    running.send_signal(signal.SIGINT)
    try:
        _, errors = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130, errors
    assert list(tmp_path.iterdir()) == []
