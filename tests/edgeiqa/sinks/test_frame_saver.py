"""Which frames of a stream are saved, and that nothing about it stops the stream."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeiqa import Frame, Gate, LiveResult, PixelFormat
from edgeiqa.quality import Quality
from edgeiqa.sinks.frame_saver import MAX_PENDING, FrameSaver
from edgeiqa.sinks.jpeg import is_ours
from edgeiqa.sinks.quota_folder import QuotaFolder
from edgeiqa.sources.base import Event
from tests.edgeiqa.sinks.mosquitto import wait_for

START_NS = 1_795_521_662_000_000_000
SECOND = 10**9


class Saving:
    """A saver of small frames, whose colour identifies them."""

    def __init__(self, path: Path, quota: int = 10**7, **options: object) -> None:
        self.path = path
        self.reports: list[str] = []
        self.pixels = np.zeros((16, 16, 3), np.uint8)
        self.saver = FrameSaver(
            QuotaFolder(str(path), quota), Gate(min_score=50),
            taken_at=lambda ns: START_NS + (ns or 0), report=self.reports.append,
            **options,  # type: ignore[arg-type]
        )  # fmt: skip

    def frame(self, seconds: float, score: float, shade: int = 0) -> None:
        self.pixels[:] = shade  # The same memory each time, as cameras have it.
        quality = Quality(score)
        self.saver.result(
            LiveResult(round(seconds * SECOND), quality, quality, frame=Frame(self.pixels))
        )

    def saved(self) -> list[tuple[str, int]]:
        """After the end: time, score and shade."""
        self.saver.close()
        found = []
        for path in sorted(self.path.iterdir()):
            assert is_ours(str(path))
            with Image.open(path) as image:
                found.append((path.name[9:-4], round(float(np.asarray(image).mean()))))
        return found


def test_the_best_of_each_second_is_saved_if_it_is_accepted(tmp_path: Path) -> None:
    saving = Saving(tmp_path, every_s=1.0)
    for seconds, score, shade in (
        (0.0, 49.9, 10), (0.5, 60, 20), (0.9, 80, 30), (1.4, 70, 40),  # From 0.5 to 1.5.
        (1.5, 55, 50), (2.4, 20, 60),  # From 1.5 to 2.5.
        (2.6, 49, 70), (5.0, 90, 80),
    ):  # fmt: skip
        saving.frame(seconds, score, shade)
    assert saving.saved() == [
        ("120102.900Z_80.0", 30), ("120103.500Z_55.0", 50), ("120107.000Z_90.0", 80)
    ]  # fmt: skip
    assert saving.saver.summary().startswith(f"saved: 3 frames in {tmp_path}; ")
    assert saving.reports == []


def test_every_accepted_frame_can_be_saved_and_none_of_a_file_is_left_out(tmp_path: Path) -> None:
    saving = Saving(tmp_path, every_s=0.0, live=False)
    for number in range(40):
        saving.frame(number / 10, 45 + number, number)
    assert [shade for _, shade in saving.saved()] == list(range(5, 40))


def test_a_frame_waits_no_longer_than_the_camera_works(tmp_path: Path) -> None:
    saving = Saving(tmp_path, every_s=3600)
    saving.frame(0, 80, 1)
    saving.saver.event(Event("lost", "unplugged"))
    saving.frame(1, 70, 2)
    saving.saver.result(LiveResult(2 * SECOND, error="broken"))
    saving.frame(0.5, 60, 3)  # The clock was set back: a new stream.
    assert [shade for _, shade in saving.saved()] == [1, 3, 2]


def test_yuv_with_rotation_is_saved_upright(tmp_path: Path) -> None:
    saver = FrameSaver(QuotaFolder(str(tmp_path), 10**6), Gate(min_score=0), taken_at=lambda ns: 0)
    data = np.full(640 * 480 * 3 // 2, 128, np.uint8)
    frame = Frame.from_buffer(data, 640, 480, PixelFormat.NV12, rotation=90)
    saver.result(LiveResult(0, Quality(1.0), Quality(1.0), frame=frame))
    saver.close()
    (path,) = tmp_path.iterdir()
    with Image.open(path) as image:
        assert image.size == (480, 640)
        assert abs(int(np.asarray(image).mean()) - 130) < 2


def test_a_slow_disk_does_not_stop_a_camera(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, write = threading.Event(), QuotaFolder.save

    def slowly(self: QuotaFolder, name: str, data: bytes) -> str:
        go_on.wait(30)
        return write(self, name, data)

    monkeypatch.setattr(QuotaFolder, "save", slowly)
    saving = Saving(tmp_path, every_s=0.0)
    for number in range(30):
        saving.frame(number, 60 + number)
    go_on.set()
    saved = len(saving.saved())
    assert MAX_PENDING <= saved <= MAX_PENDING + 3
    status = saving.saver.status()
    assert status["saved"] + status["not_saved"] == 30
    assert "slow" in saving.reports[0]


def test_a_full_disk_is_reported_once_and_saving_continues_when_it_can(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.name == "nt" or os.geteuid() or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("a small file system needs root")
    try:
        with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
            while filler.write(bytes(4096)):
                pass
        saving = Saving(disk, every_s=0.0, live=False)
        for number in range(5):
            saving.frame(number, 60, number)
        saving.frame(5, 10)
        wait_for(lambda: saving.saver.status()["not_saved"] == 5)
        (disk / "filler").unlink()
        saving.frame(6, 60, 6)
        assert [shade for _, shade in saving.saved()] == [6]
        full, again = saving.reports
        assert full.startswith(f"No space left on device, in {disk}")
        assert "5" in again
        assert "1 frames" in saving.saver.summary()
        assert "5 could not be saved" in saving.saver.summary()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
