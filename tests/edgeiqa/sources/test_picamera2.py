"""The camera of a Raspberry Pi.

There is no Pi here: the adapter runs against a small stand-in that has the methods of
picamera2 0.3.36 which are used, and says nothing about a real camera. What the buffers mean is
tested for itself, with the layout that libcamera documents.
"""

from __future__ import annotations

import concurrent.futures
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import edgeiqa
from edgeiqa.imaging.pixel_format import ColorMatrix, ColorRange, PixelFormat
from edgeiqa.sources.open import open_source
from edgeiqa.sources.picamera2 import frame_of_yuv420, meaning_of
from edgeiqa.sources.reconnect import Backoff
from tests.edgeiqa.sources.videos import Watch, wait_for_no_readers


def buffer(width: int, height: int, stride: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """A YUV420 buffer with noise in its padding, and the planes in it."""
    rng = np.random.default_rng(width)
    planes = [
        rng.integers(0, 256, (height // step, stride // step), dtype=np.uint8) for step in (1, 2, 2)
    ]
    data = np.concatenate([plane.reshape(-1) for plane in planes])
    return data, [planes[0][:, :width], planes[1][:, : width // 2], planes[2][:, : width // 2]]


@pytest.mark.parametrize(("width", "height", "stride"), [(64, 48, 64), (62, 46, 128), (2, 2, 32)])
def test_planes_are_found_between_the_padding(width: int, height: int, stride: int) -> None:
    data, planes = buffer(width, height, stride)
    for form in (data, data.reshape(height * 3 // 2, stride), np.append(data, data[:99])):
        frame = frame_of_yuv420(form, (width, height), stride)
        assert frame.pixel_format is PixelFormat.I420
        assert frame.chroma is not None
        for got, expected in zip((frame.pixels, *frame.chroma), planes, strict=True):
            np.testing.assert_array_equal(got, expected)
    with pytest.raises(ValueError, match="missing"):
        frame_of_yuv420(data[: 4 * data.size // 5], (width, height), stride)


@pytest.mark.parametrize("odd", [((63, 48), 64), ((64, 47), 64), ((62, 48), 63)])
def test_odd_sizes_are_refused(odd: tuple[tuple[int, int], int]) -> None:
    with pytest.raises(ValueError, match="expected even numbers"):
        frame_of_yuv420(np.zeros(10_000, np.uint8), *odd)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sYCC", (ColorMatrix.BT601, ColorRange.FULL)),
        ("SMPTE170M", (ColorMatrix.BT601, ColorRange.LIMITED)),
        ("Rec709", (ColorMatrix.BT709, ColorRange.LIMITED)),
        ("Rec709/Rec709/Rec709/Full", (ColorMatrix.BT709, ColorRange.FULL)),
        (None, (ColorMatrix.BT601, ColorRange.LIMITED)),
    ],
)
def test_colour_spaces(text: object, expected: tuple[ColorMatrix, ColorRange]) -> None:
    assert meaning_of(text) == expected


class StandInRequest:
    def __init__(self, camera: StandIn) -> None:
        self.camera = camera

    def make_buffer(self, name: str) -> np.ndarray:
        assert name == "main"
        return self.camera.data.copy()

    def release(self) -> None:
        self.camera.held -= 1


class StandIn:
    """The stand-in for `picamera2.Picamera2`; it fails after five frames."""

    opened = 0

    def __init__(self, number: int) -> None:
        if number != 1:
            raise IndexError("list index out of range")
        StandIn.opened += 1
        self.data, self.planes = buffer(62, 46, 64)
        self.held = self.frames = 0

    def create_video_configuration(self, main: dict, controls: dict) -> dict:
        assert (main, controls) == (
            {"size": (62, 46), "format": "YUV420"},
            {"FrameRate": 30},
        )
        return {"main": main | {"stride": 64}, "colour_space": "SMPTE170M"}

    def configure(self, configuration: dict) -> None:
        self.configuration = configuration

    def camera_configuration(self) -> dict:
        return self.configuration

    def start(self) -> None: ...

    def close(self) -> None:
        assert self.held == 0

    def capture_request(self, wait: bool) -> concurrent.futures.Future:
        assert wait is False
        return concurrent.futures.Future()

    def wait(self, job: concurrent.futures.Future, timeout: float) -> StandInRequest:
        assert timeout < 1
        self.frames += 1
        if self.frames == 3:
            raise concurrent.futures.TimeoutError
        if self.frames == 6:
            raise RuntimeError("camera timeout")
        self.held += 1
        return StandInRequest(self)


def test_the_adapter_opens_reads_and_opens_again(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("picamera2")
    module.Picamera2 = StandIn  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "picamera2", module)
    settings: dict = {"size": (62, 46), "frame_rate": 30, "retry": Backoff(0.01, max_s=0.01)}
    with Watch(lambda report: open_source("picamera2:1", on_event=report, **settings)) as watch:
        watch.wait(lambda: watch.count("opened") >= 3)
        assert watch.last is not None
        np.testing.assert_array_equal(watch.last.pixels, buffer(62, 46, 64)[1][0])
    assert StandIn.opened >= 3
    assert "62x46 YUV420" in watch.events[0].message
    lost = next(event for event in watch.events if event.kind == "lost")
    assert "reading failed (camera timeout)" in lost.message
    with Watch(lambda report: open_source("picamera2", on_event=report, retry=False)) as watch:
        watch.join()
    assert "cannot be opened (list index out of range)" in watch.events[0].message
    wait_for_no_readers()


def test_without_picamera2_the_error_says_how_to_get_it() -> None:
    code = (
        "import sys; sys.modules['picamera2'] = None\n"
        "from edgeiqa.sources.open import open_source\n"
        "open_source('picamera2')"
    )
    root = Path(edgeiqa.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=60
    )
    assert done.returncode == 1
    assert "sudo apt install python3-picamera2" in done.stderr
    assert "--system-site-packages" in done.stderr
