"""Videos that are encoded here and decoded again, whole, odd, turned and broken."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import wave
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

import edgeiqa
from edgeiqa.imaging.pixel_format import PixelFormat
from edgeiqa.preprocessing.resize import to_rgb
from edgeiqa.sources.base import Event
from edgeiqa.sources.open import open_source
from tests.edgeiqa.sources.videos import (
    open_files,
    picture,
    read_all,
    readers,
    scene,
    wait_for_no_readers,
    write_video,
)

ROOT = Path(edgeiqa.__file__).parents[1]


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


@pytest.mark.parametrize("name", ["v.mkv", "v.avi"])
def test_lossless_video_keeps_every_pixel(name: str, tmp_path: Path) -> None:
    pictures = [picture(63, 47, seed) for seed in range(12)]
    write_video(tmp_path / name, pictures, codec="ffv1", pixel_format="bgr0")
    events: list[Event] = []
    frames = read_all(open_source(tmp_path / name, on_event=events.append))
    assert kinds(events) == ["opened", "ended"]
    assert "63x47 ffv1" in events[0].message
    assert events[-1].message.endswith("ended after 12 frames")
    assert len(frames) == 12
    for frame, pixels in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(to_rgb(frame), pixels)


def test_lossless_planes_are_handed_over_as_they_are(tmp_path: Path) -> None:
    sources = [
        av.VideoFrame.from_ndarray(picture(62, 46, seed), format="rgb24").reformat(format="yuv420p")
        for seed in range(5)
    ]
    planes = [frame.to_ndarray() for frame in sources]
    write_video(tmp_path / "v.mkv", sources, codec="ffv1")
    for frame, plane in zip(read_all(open_source(tmp_path / "v.mkv")), planes, strict=True):
        assert frame.pixel_format is PixelFormat.I420
        assert frame.chroma is not None
        np.testing.assert_array_equal(frame.pixels, plane[:46])
        together = np.concatenate([part.reshape(-1) for part in frame.chroma])
        np.testing.assert_array_equal(together, plane[46:].reshape(-1))


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("v.mp4", "mpeg4", "yuv420p"),
        ("v.mp4", "libx264", "yuv420p"),
        ("v.mkv", "libx264", "yuv444p"),
        ("v.mov", "mjpeg", "yuvj422p"),
        ("v.avi", "mjpeg", "yuvj420p"),
        ("v.ts", "mpeg2video", "yuv420p"),
        ("v.webm", "libvpx", "yuv420p"),
    ],
)
def test_usual_videos_look_as_they_did(
    name: str, codec: str, pixel_format: str, tmp_path: Path
) -> None:
    pictures = [scene(shift=3 * n) for n in range(20)]
    options = {"q": "2", "crf": "12", "b": "4000000"}
    write_video(tmp_path / name, pictures, codec=codec, pixel_format=pixel_format, options=options)
    frames = read_all(open_source(tmp_path / name))
    assert len(frames) == 20
    for frame, pixels in zip(frames, pictures, strict=True):
        assert np.abs(to_rgb(frame).astype(int) - pixels).mean() < 6
    steps = [(b.timestamp_ns or 0) - (a.timestamp_ns or 0) for a, b in pairwise(frames)]
    assert all(abs(step - 40_000_000) <= 1_000_000 for step in steps)  # MKV counts milliseconds.


def test_the_rate_may_vary(tmp_path: Path) -> None:
    times = [0, 10, 500, 501, 2000, 7777]
    write_video(tmp_path / "v.mkv", [scene(shift=n) for n in range(6)], codec="mpeg4", times=times)
    frames = read_all(open_source(tmp_path / "v.mkv"))
    assert [frame.timestamp_ns for frame in frames] == [time * 1_000_000 for time in times]


def with_matrix(data: bytes, matrix: tuple[int, ...]) -> bytes:
    """An MP4 with another display matrix in its track header, as phones write it."""
    # ISO/IEC 14496-12, 8.3.2: of version 0 it comes 40 bytes after the version.
    start = data.index(b"tkhd") + 4
    assert data[start] == 0
    packed = struct.pack(">9i", *(value << 16 for value in matrix[:8]), matrix[8] << 30)
    return data[: start + 40] + packed + data[start + 76 :]


@pytest.mark.parametrize(
    ("rotation", "matrix"),
    [
        (0, (1, 0, 0, 0, 1, 0, 0, 0, 1)),
        (90, (0, 1, 0, -1, 0, 0, 48, 0, 1)),
        (180, (-1, 0, 0, 0, -1, 0, 64, 48, 1)),
        (270, (0, -1, 0, 1, 0, 0, 0, 64, 1)),
    ],
)
def test_videos_of_phones_are_turned_upright(
    rotation: int, matrix: tuple[int, ...], tmp_path: Path
) -> None:
    upright = np.full((64, 48, 3) if rotation in (90, 270) else (48, 64, 3), 40, np.uint8)
    upright[:16, :16] = 220  # Top left.
    stored = np.rot90(upright, rotation // 90).copy()  # Turned back, against the clock.
    write_video(tmp_path / "v.mp4", [stored] * 3, options={"q": "2"})
    turned = with_matrix((tmp_path / "v.mp4").read_bytes(), matrix)
    (tmp_path / "v.mp4").write_bytes(turned)
    for frame in read_all(open_source(tmp_path / "v.mp4")):
        assert frame.rotation == rotation
        assert frame.size == upright.shape[:2]
        seen = to_rgb(frame)  # Upright.
        assert seen[:12, :12].min() > 180
        assert seen[20:, :].max() < 80
        assert seen[:, 20:].max() < 80


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_truncated_video_gives_what_is_there(kept: float, tmp_path: Path) -> None:
    path = tmp_path / "v.mkv"
    write_video(path, [picture(64, 48, n) for n in range(40)], codec="ffv1", pixel_format="bgr0")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    events: list[Event] = []
    frames = read_all(open_source(path, on_event=events.append))
    assert 40 * kept - 3 <= len(frames) <= 40 * kept
    assert kinds(events)[0] == "opened"
    assert kinds(events)[-1] == "ended"
    for n, frame in enumerate(frames[:-1]):
        np.testing.assert_array_equal(to_rgb(frame), picture(64, 48, n))


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [("v.mkv", "ffv1", "bgr0"), ("v.avi", "mjpeg", "yuvj420p"), ("v.ts", "libx264", "yuv420p")],
)
def test_garbage_in_the_middle_costs_only_what_it_hit(
    name: str, codec: str, pixel_format: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    options = {"g": "5"}
    pictures = [picture(64, 48, n) for n in range(60)]
    write_video(path, pictures, codec=codec, pixel_format=pixel_format, options=options)
    data = bytearray(path.read_bytes())
    middle, size = len(data) // 2, len(data) // 15
    data[middle : middle + size] = np.random.default_rng(0).bytes(size)
    path.write_bytes(data)
    events: list[Event] = []
    frames = read_all(open_source(path, on_event=events.append))
    assert 40 <= len(frames) < 62
    assert kinds(events)[0] == "opened"
    assert kinds(events)[-1] == "ended"
    times = [frame.timestamp_ns or 0 for frame in frames]
    assert all(a < b for a, b in pairwise(times))
    if codec == "ffv1":  # The last frame is far behind the garbage.
        np.testing.assert_array_equal(to_rgb(frames[-1]), pictures[-1])


@pytest.mark.parametrize("seed", range(8))
def test_scattered_damage_never_raises(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    write_video(path, [scene(shift=n) for n in range(25)], codec="libx264", options={"g": "5"})
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    rng = np.random.default_rng(seed)
    data[rng.integers(0, len(data), 30)] = rng.integers(0, 256, 30)
    path.write_bytes(data.tobytes())
    events: list[Event] = []
    frames = read_all(open_source(path, on_event=events.append), most=100)
    assert len(frames) == 100 or kinds(events)[-1] == "ended"


def test_a_video_without_frames_just_ends(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "v.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        container.start_encoding()
    events: list[Event] = []
    assert read_all(open_source(tmp_path / "v.mkv", on_event=events.append)) == []
    assert kinds(events)[-1] == "ended"
    assert events[-1].message.endswith("ended after 0 frames")


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    events: list[Event] = []
    assert read_all(open_source(tmp_path / "a.wav", on_event=events.append)) == []
    assert kinds(events) == ["skipped", "ended"]
    assert "audio" in events[0].message


@pytest.mark.parametrize(
    "data", [b"", b"hello, this is text\n" * 9, bytes(5000), b"\0\0\0\x20ftypmp42"]
)
def test_what_is_no_video_says_so(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(data)
    events: list[Event] = []
    assert read_all(open_source(path, on_event=events.append)) == []
    assert kinds(events) == ["skipped", "ended"]
    assert str(path) in events[0].message
    assert "cannot be opened" in events[0].message
    assert "\n" not in events[0].message


def test_a_colon_in_a_name_is_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "v.mkv", [scene()])
    (tmp_path / "v.mkv").rename(tmp_path / "http:10.mkv")
    monkeypatch.chdir(tmp_path)
    assert len(read_all(open_source("http:10.mkv"))) == 1


def test_a_named_pipe_is_read_as_it_comes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    write_video(tmp_path / "v.mkv", [scene(shift=n) for n in range(30)])
    copy = f"cat {tmp_path}/v.mkv > {tmp_path}/pipe"
    with subprocess.Popen(["sh", "-c", copy]):
        assert len(read_all(open_source(tmp_path / "pipe"))) == 30


def test_it_may_be_read_again_and_given_up_half_way(tmp_path: Path) -> None:
    write_video(tmp_path / "v.mkv", [scene(shift=n) for n in range(30)])
    source = open_source(tmp_path / "v.mkv")
    before = open_files()
    for _ in range(20):
        frames = source.frames()
        next(frames)
        with pytest.raises(RuntimeError, match="another thread"):
            next(source.frames())
        del frames
        wait_for_no_readers()
    assert len(read_all(source)) == 30
    source.close()
    assert read_all(source) == []
    wait_for_no_readers()
    assert open_files() == before


def test_repeated_opening_leaves_no_threads_and_no_descriptors(tmp_path: Path) -> None:
    write_video(tmp_path / "v.mp4", [scene(shift=n) for n in range(5)], codec="libx264")
    read_all(open_source(tmp_path / "v.mp4"))
    before = open_files()
    for _ in range(30):
        assert len(read_all(open_source(tmp_path / "v.mp4"))) == 5
    wait_for_no_readers()
    assert readers() == []
    assert open_files() == before


def test_without_pyav_the_error_names_the_extra(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(b"x")
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from edgeiqa.sources.open import open_source\n"
        "open_source(sys.argv[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "v.mp4")],
        capture_output=True, text=True, cwd=ROOT, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert 'pip install "edgeiqa[video]"' in done.stderr.splitlines()[-1]


def textured(number: int) -> np.ndarray:
    """A moving picture in which every frame refers to much of the one before."""
    texture = np.random.default_rng(0).integers(0, 256, (150, 230, 3), dtype=np.uint8)
    large = np.kron(texture, np.ones((4, 4, 1), np.uint8))
    return large[number : number + 240, 2 * number : 2 * number + 320]


@pytest.mark.parametrize("bframes", ["0", "2"])
@pytest.mark.parametrize("seed", range(3))
def test_after_lost_packets_nothing_damaged_is_delivered(
    seed: int, bframes: str, tmp_path: Path
) -> None:
    """MPEG-TS as it comes over a network that loses one packet in two thousand."""
    path = tmp_path / "v.ts"
    options = {"g": "25", "x264-params": f"bframes={bframes}"}
    frames = [textured(number) for number in range(200)]
    write_video(path, frames, codec="libx264", options=options, container_format="mpegts")
    clean = {frame.timestamp_ns: to_rgb(frame).astype(int) for frame in read_all(open_source(path))}
    packets = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 188)
    kept = np.random.default_rng(seed).random(len(packets)) > 0.0005
    kept[:20] = True
    kept[len(packets) // 2] = False
    path.write_bytes(packets[kept].tobytes())
    events: list[Event] = []
    delivered = read_all(open_source(path, on_event=events.append))
    assert 25 <= len(delivered) < len(clean)
    for frame in delivered:
        assert frame.timestamp_ns is not None
        near = [
            np.abs(to_rgb(frame) - pixels).mean()
            for time, pixels in clean.items()
            if abs((time or 0) - frame.timestamp_ns) <= 200_000_000
        ]
        assert min(near) < 2
    assert any("keyframe" in event.message for event in events if event.kind == "skipped")


def test_a_stream_without_keyframes_is_not_given_up_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeiqa.sources.av.KEYFRAME_WAIT_S", 1.0)
    path = tmp_path / "v.ts"
    frames = [textured(number) for number in range(150)]
    write_video(path, frames, codec="libx264", options={"g": "1000", "x264-params": "scenecut=0"},
                container_format="mpegts")  # fmt: skip
    packets = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 188)
    kept = np.ones(len(packets), bool)
    kept[len(packets) // 3] = False
    path.write_bytes(packets[kept].tobytes())
    delivered = read_all(open_source(path))
    assert len(delivered) < 150 - 20
    assert (delivered[-1].timestamp_ns or 0) > 5_500_000_000
