"""`edgeiqa live` with files, a broker and a status file."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

import edgeiqa
from edgeiqa import Scorer
from edgeiqa.assets import FOLDER
from edgeiqa.cli.main import main
from edgeiqa.sinks.jpeg import is_ours
from edgeiqa.sinks.mqtt import import_paho
from tests.edgeiqa.sinks.mosquitto import Mosquitto, Reader, free_port, wait_for

ROOT = Path(edgeiqa.__file__).parent.parent
VIDEO = "lavfi:testsrc2=size=320x240:rate=20:duration=2"
ENDLESS = "lavfi:testsrc2=size=320x240:rate=20,realtime"


def live(*words: object) -> int:
    return main(["live", *map(str, words), "--model", "nano"])


def rows(text: str) -> list[dict]:
    lines = [json.loads(line) for line in text.splitlines()]
    return [line for line in lines if "event" not in line]


def test_the_source_can_be_named_by_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert live(VIDEO, "--format", "jsonl", "--max-frames", 3) == 0
    first = rows(capsys.readouterr().out)
    assert live("--source", VIDEO, "--format", "jsonl", "--max-frames", 3) == 0
    scores = [row["score"] for row in rows(capsys.readouterr().out)]
    assert scores == [row["score"] for row in first]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "SOURCE"),
        (["x.mp4", "--source", "y.mp4"], "--source"),
        (["x.mp4", "--save-every", "1"], "--save-every requires --save"),
        (["x.mp4", "--mqtt-ca", "x"], "--mqtt-ca requires --mqtt"),
        (["x.mp4", "--append"], "--append requires --output"),
        (["x.mp4", "--save", "x", "--save-quota", "much"], "argument --save-quota"),
        (["x.mp4", "--save", "x", "--save-every", "-1"], "argument --save-every"),
        (["x.mp4", "--mqtt", "mqtt://h/t", "--mqtt-buffer", "0"], "argument --mqtt-buffer"),
        ([VIDEO, "--mqtt", "http://h/t"], "expected mqtt:// or mqtts://"),
        ([VIDEO, "--mqtt", "mqtt://h/t", "--mqtt-ca", "/no/such"], "mqtts://"),
        ([VIDEO, "--mqtt", "mqtts://h/t", "--mqtt-ca", "/no/such"], "PEM"),
        ([VIDEO, "--save", str(ROOT / "pyproject.toml")], "--save: "),
        ([VIDEO, "--save", "x", "--save-quota", "0"], "quota is 0"),
    ],
)
def test_wrong_usage(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["live", *words]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_accepted_pictures_of_a_folder_are_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scorer = Scorer("nano")
    gate = scorer.gate()
    qualities = [scorer.score(path) for path in sorted(FOLDER.glob("*.jpg"))]
    accepted = sorted(quality.score for quality in qualities if gate(quality).accept)
    assert 0 < len(accepted) < len(qualities)
    assert live(FOLDER, "--save", tmp_path / "new" / "a", "--save-every", 0) == 0
    saved = list((tmp_path / "new" / "a").iterdir())
    assert all(is_ours(str(path)) for path in saved)
    in_names = sorted(float(path.stem.split("_")[1].split("-")[0]) for path in saved)
    assert in_names == [round(score, 1) for score in accepted]
    for path in saved:
        with Image.open(path) as image:
            assert min(image.size) > 100
    text = capsys.readouterr().out
    assert f"saved: {len(accepted)} frames in {tmp_path}" in text


def test_of_a_video_the_best_of_each_second_is_saved_within_the_quota(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "holiday.jpg").write_bytes(bytes(50_000))
    words = [VIDEO, "--save", tmp_path, "--min-score", 1, "--max", "compression=1"]
    assert live(*words, "--format", "jsonl") == 0
    scores = [row["score"] for row in rows(capsys.readouterr().out)]
    saved = sorted(tmp_path.glob("2*.jpg"))
    best = [max(scores[:20]), max(scores[20:])]
    assert [float(path.stem.split("_")[1]) for path in saved] == pytest.approx(best, abs=0.06)
    quota = max(path.stat().st_size for path in saved) * 3 // 2
    assert live(*words, "--save-quota", quota) == 0
    assert sum(path.stat().st_size for path in tmp_path.glob("2*.jpg")) <= quota
    assert (tmp_path / "holiday.jpg").stat().st_size == 50_000
    assert re.search(r"\d older ones removed for the quota", capsys.readouterr().out)


@pytest.mark.slow
def test_verdicts_reach_a_broker_that_comes_late_and_goes_in_between(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    status = tmp_path / "status.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "edgeiqa", "live", ENDLESS, "--model", "nano", "--format", "jsonl",
         "--mqtt", f"mqtt://127.0.0.1:{broker.port}/camera/a%20b", "--status", str(status)],
        cwd=ROOT, stdout=(tmp_path / "out.jsonl").open("w"), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        lines = tmp_path / "out.jsonl"
        wait_for(lambda: lines.read_text().count("\n") > 10)
        with broker:
            reader = Reader(broker.port)
            wait_for(lambda: len(reader.sequence("camera/a b")) > 30)
            wait_for(reader.connected.is_set)
            broker.stop()
            before = lines.read_text().count("\n")
            wait_for(lambda: lines.read_text().count("\n") > before + 20)
            broker.start()
            wait_for(lambda: json.loads(status.read_text())["mqtt"]["connected"])
            wait_for(reader.connected.is_set)
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=90)
            assert process.returncode == 0, errors
            results = rows(lines.read_text())
            wait_for(lambda: len(reader.sequence("camera/a b")) == len(results))
            verdicts = {one["sequence"]: one for one in reader.verdicts("camera/a b")}
            reader.close()
        for number, row in enumerate(results, 1):
            assert {key: verdicts[number][key] for key in row} == row
        assert f"mqtt: {len(results)} delivered" in errors
        document = json.loads(status.read_text())
        assert document["running"] is False
        assert document["mqtt"]["delivered"] == sum(document["counts"].values()) == len(results)
    finally:
        process.kill()
        process.communicate()


def test_without_paho_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    assert live(VIDEO, "--mqtt", "mqtt://127.0.0.1/t") == 2
    assert 'pip install "edgeiqa[mqtt]"' in capsys.readouterr().err
    monkeypatch.undo()
    assert import_paho().MQTTv5 == 5


def test_a_password_in_the_url_gives_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edgeiqa.sinks.mqtt.FLUSH_S", 0.5)
    url = f"mqtt://pi:hush@127.0.0.1:{free_port()}/t"
    assert live(VIDEO, "--max-frames", 1, "--mqtt", url) == 0
    errors = capsys.readouterr().err
    assert "warning" in errors
    assert "Connection refused" in errors
    assert "hush" not in errors


@pytest.mark.skipif(os.name == "nt", reason="files of Unix")
def test_lines_are_appended_and_a_renamed_file_is_recreated(tmp_path: Path) -> None:
    path, old = tmp_path / "out.jsonl", tmp_path / "out.jsonl.1"
    path.write_text('{"old": 1}\n{"half": ')
    process = subprocess.Popen(
        [sys.executable, "-m", "edgeiqa", "live", ENDLESS, "--model", "nano",
         "--output", str(path), "--append"],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_for(lambda: path.read_text().count("\n") > 12)
        path.rename(old)  # As logrotate does.
        wait_for(lambda: path.exists() and path.read_text().count("\n") > 5)
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=90)
    assert process.returncode == 0
    found = old.read_text().splitlines()
    assert found[:2] == ['{"old": 1}', '{"half": ']
    results = rows("\n".join(found[2:])) + rows(path.read_text())
    total = re.search(r"^(\d+) frames in", errors, re.M)
    assert total
    assert len(results) == int(total[1])
    times = [row["timestamp_ns"] for row in results]
    assert times == sorted(times)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_for_lines_names_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = time.monotonic()
    assert live(VIDEO, "--output", "/dev/full") == 2
    assert "cannot write /dev/full: No space left on device" in capsys.readouterr().err
    assert time.monotonic() - start < 60
