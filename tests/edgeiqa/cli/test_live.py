"""`edgeiqa live` as people and scripts use it, on videos that the tests make."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

import edgeiqa
from edgeiqa import Frame, PixelFormat, Scorer, sample_paths
from edgeiqa.assets import FOLDER
from edgeiqa.cli.main import main
from edgeiqa.sinks.preview_server import PreviewServer
from tests.edgeiqa.pictures import photograph

ROOT = Path(edgeiqa.__file__).parent.parent
COMMAND = [sys.executable, "-m", "edgeiqa", "live"]
ENDLESS = "lavfi:testsrc2=size=320x240:rate=30,realtime"
KEYS = [
    "timestamp_ns", "score", "smoothed", "std", "causes", "accept", "reasons", "latency_ms",
    "dropped", "error",
]  # fmt: skip


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of video at 20 frames/s; the second half is black."""
    path = tmp_path_factory.mktemp("videos") / "video.mp4"
    with Image.open(FOLDER / "coffee.jpg") as photo:
        pixels = np.asarray(photo.convert("RGB").resize((384, 256)))
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=20)
        stream.width, stream.height, stream.pix_fmt = 384, 256, "yuv420p"
        for number in range(20):
            frame = pixels if number < 10 else np.zeros_like(pixels)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def rows(text: str) -> tuple[list[dict], list[dict]]:
    """Results and events apart."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [x for x in lines if "event" not in x], [x for x in lines if "event" in x]


def live(*words: object) -> int:
    return main(["live", *map(str, words), "--model", "nano"])


def start(*words: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *words, "--model", "nano"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_json_lines_of_a_video(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert live(video, "--format", "jsonl", "--min-score", 45) == 0
    results, events = rows(capsys.readouterr().out)
    assert all(list(row) == KEYS for row in results)
    assert [row["timestamp_ns"] // 1_000_000 for row in results] == list(range(0, 1000, 50))
    assert [event["event"] for event in events] == ["opened", "ended"]
    accepted = [row["accept"] for row in results]
    assert accepted == [True] * 11 + [False] * 9
    assert results[-1]["reasons"][0]["cause"]
    assert all(row["error"] is None and row["dropped"] == 0 for row in results)
    assert all(row["latency_ms"] > 0 for row in results)


def test_the_table_has_a_line_for_each_change(
    video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert live(video, "--min-score", 45) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("# opened: ")
    assert lines[1].split() == ["time", "score", "smooth", "verdict"]
    assert [line.split()[3] for line in lines[2:4]] == ["accept", "reject"]
    assert lines[3].split()[0] == "0.55"
    assert re.fullmatch(
        r"20 frames in \d+\.\d s: 11 accepted, 9 rejected \(accepted from 45 on\)", lines[-1]
    )


def test_pictures_of_a_folder_are_judged_independently_unless_they_are_a_video(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scorer = Scorer("nano")
    gate = scorer.gate()
    alone = [scorer.score(path) for path in sample_paths()]
    assert live(FOLDER, "--format", "jsonl") == 0
    results, _ = rows(capsys.readouterr().out)
    assert [row["smoothed"] for row in results] == [round(one.score, 2) for one in alone]
    assert [row["accept"] for row in results] == [gate(one).accept for one in alone]
    assert live(FOLDER, "--format", "jsonl", "--fps", 30) == 0
    results, _ = rows(capsys.readouterr().out)
    assert [row["smoothed"] for row in results] != [row["score"] for row in results]


def test_frames_can_be_left_out(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, expected in (
        (["--max-frames", 3], [0, 50, 100]),
        (["--every", 0.2], [0, 200, 400, 600, 800]),
        (["--duration", 0.25], [0, 50, 100, 150, 200]),
        (["--every", 0.3, "--max-frames", 2], [0, 300]),
    ):
        assert live(video, "--format", "jsonl", *words) == 0
        results, _ = rows(capsys.readouterr().out)
        assert [row["timestamp_ns"] // 1_000_000 for row in results] == expected


def test_without_smoothing_every_frame_is_judged_at_once(
    video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert live(video, "--format", "jsonl", "--min-score", 45, "--no-smoothing") == 0
    results, _ = rows(capsys.readouterr().out)
    assert [row["smoothed"] for row in results] == [row["score"] for row in results]
    assert [row["accept"] for row in results] == [row["score"] >= 45 for row in results]


def test_output_goes_into_a_file_line_by_line(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old\n" * 10_000)
    assert live(video, "--output", path) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "20 frames in" in captured.err
    assert len(rows(path.read_text())[0]) == 20


def test_the_preview_is_a_video_with_the_overlay(video: Path, tmp_path: Path) -> None:
    path = tmp_path / "preview.mp4"
    assert live(video, "--preview", path, "--output", tmp_path / "x.jsonl") == 0
    with av.open(str(path)) as container:
        frames = [
            (round(1000 * float(frame.pts * frame.time_base)), frame.to_ndarray(format="rgb24"))
            for frame in container.decode(video=0)
        ]
    assert [at for at, _ in frames] == list(range(0, 1000, 50))
    last = frames[-1][1]
    assert last.shape == (256, 384, 3)
    assert last[:100].max() < 40
    assert last[-60:].max() > 200
    assert sorted(p.name for p in tmp_path.iterdir()) == ["preview.mp4", "x.jsonl"]


def test_raw_frames_on_standard_input_with_a_broken_last_one(video: Path) -> None:
    rgb = np.asarray(photograph().resize((64, 48)))
    data = rgb.tobytes() * 3 + rgb.tobytes()[:1000]
    done = subprocess.run(
        [*COMMAND, "-", "--size", "64x48", "--pixel-format", "rgb24", "--fps", "25",
         "--model", "nano", "--format", "jsonl"],
        input=data, capture_output=True, cwd=ROOT, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results, events = rows(done.stdout.decode())
    expected = round(Scorer("nano").score(Frame(rgb, PixelFormat.RGB)).score, 2)
    assert [row["score"] for row in results if row["error"] is None] == [expected] * 3
    assert "skipped" in [event["event"] for event in events]
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_of_a_stream_the_newest_frame_wins_and_its_loss_is_reported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, stop = PreviewServer(0), threading.Event()

    def show() -> None:
        for number in itertools.count():
            picture = Image.new("RGB", (320, 240), (number % 256,) * 3)
            server.publish(picture.copy, {})
            if stop.wait(0.002):
                return

    camera = threading.Thread(target=show)
    camera.start()
    killer = threading.Timer(3.0, server.close)
    killer.start()
    try:
        words = ["--duration", 6, "--format", "jsonl", "--every", 0.01]
        assert live(f"{server.url}stream.mjpg", *words) == 0
    finally:
        stop.set()
        camera.join()
        killer.join()
    results, events = rows(capsys.readouterr().out)
    assert len(results) > 3
    assert all(row["error"] is None for row in results)
    kinds = [event["event"] for event in events]
    assert kinds[0] == "opened"
    assert "lost" in kinds
    assert "retrying" in kinds
    assert kinds[-1] == "ended"


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_is_the_ordinary_end(number: signal.Signals, tmp_path: Path) -> None:
    preview, output = tmp_path / "preview.mp4", tmp_path / "out.jsonl"
    process = start(ENDLESS, "--preview", str(preview), "--output", str(output))
    deadline = time.monotonic() + 60
    while not (output.exists() and output.read_text().count("\n") > 12):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert re.search(r"\d+ frames in ", err)
    results, events = rows(output.read_text())
    assert events[-1]["event"] == "ended"
    with av.open(str(preview)) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(results)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.jsonl", "preview.mp4"]


@pytest.mark.skipif(os.name == "nt", reason="pipes of Unix")
def test_a_reader_that_leaves_ends_it() -> None:
    process = start(ENDLESS, "--format", "jsonl")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()


def test_the_preview_is_served_while_it_runs() -> None:
    process = start(ENDLESS, "--preview", "0", "--format", "jsonl", "--max-frames", "400")
    try:
        assert process.stderr is not None
        assert process.stdout is not None
        threading.Thread(target=process.stdout.read, daemon=True).start()
        found = re.search(r"preview at http://127\.0\.0\.1:(\d+)/", process.stderr.readline())
        assert found
        port = int(found[1])
        deadline = time.monotonic() + 30
        document: dict[str, Any] = {}
        while "word" not in document and time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/latest.json")
            document = json.loads(connection.getresponse().read() or b"{}")
            time.sleep(0.05)
        assert list(document["result"]) == KEYS
        assert document["word"] in ("Accept", "Reject")
        assert document["stats"]["scored"] >= 1
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/frame.jpg")
        assert connection.getresponse().read()[:2] == b"\xff\xd8"
    finally:
        if os.name == "nt":
            process.terminate()
        else:
            process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "SOURCE"),
        (["no/such.mp4"], 3, "no/such.mp4"),
        ([str(ROOT / "pyproject.toml")], 3, "could be scored"),
        (["-"], 2, "size"),
        (["x.mp4", "--size", "12"], 2, "argument --size"),
        (["x.mp4", "--size", "0x5"], 2, "argument --size"),
        (["x.mp4", "--fps", "0"], 2, "argument --fps"),
        (["x.mp4", "--every", "1e300"], 2, "argument --every"),
        (["x.mp4", "--every", "nan"], 2, "argument --every"),
        (["x.mp4", "--duration", "inf"], 2, "argument --duration"),
        (["x.mp4", "--max-frames", "0"], 2, "argument --max-frames"),
        (["x.mp4", "--preview", "x.avi"], 2, "--preview x.avi"),
        (["x.mp4", "--preview-host", "0.0.0.0"], 2, "--preview-host requires --preview"),
        (["x.mp4", "--max", "odd=1"], 2, "no cause 'odd'"),
        (["x.mp4", "--gate", "odd"], 2, "no gate preset 'odd'"),
        (["VIDEO", "--preview", "no/such/folder/x.mp4"], 2, "cannot write no/such/folder/x.mp4"),
        (["VIDEO", "--output", "no/such/folder/x"], 2, "cannot write no/such/folder/x"),
        (["VIDEO", "--preview", "70000"], 2, "cannot serve at 127.0.0.1:70000"),
        (["VIDEO", "--pixel-format", "nv12"], 2, "pixel_format"),
    ],
)
def test_wrong_usage_and_sources_that_are_not_there(
    words: list[str], code: int, message: str, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["live", *(str(video) if word == "VIDEO" else word for word in words)]) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err


def test_another_host_is_served_with_a_warning(
    video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert live(video, "--preview", 0, "--preview-host", "0.0.0.0", "--max-frames", 1) == 0
    assert "no password and no encryption" in capsys.readouterr().err


def test_show_without_a_terminal_says_so_and_prints_lines(
    video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert live(video, "--show") == 0
    captured = capsys.readouterr()
    assert "--show" in captured.err
    assert "20 frames in" in captured.out


@pytest.mark.skipif(os.name == "nt", reason="terminals of Unix")
def test_show_in_a_terminal(video: Path) -> None:
    import pty

    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, str(video), "--show", "--model", "nano"],
        cwd=ROOT, stdout=terminal, stderr=subprocess.PIPE, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(terminal)
    seen = b""
    try:
        while data := os.read(controller, 65536):
            seen += data
    except OSError:  # Linux: the other end is closed.
        pass
    os.close(controller)
    assert process.wait(timeout=60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    assert "█" in text
    assert "Ctrl-C" in text
    assert re.search(r"(Accept|Reject) +\d+", text)
    assert text.rstrip().splitlines()[-1].startswith("20 frames in ")


def test_help_lists_exit_codes_and_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live", "--help"]) == 0
    text = capsys.readouterr().out
    assert "exit codes" in text
    assert "rtsp://" in text
