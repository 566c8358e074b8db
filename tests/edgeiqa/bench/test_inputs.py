"""Frames of a benchmark are right in every format, and scoring makes no large copy of them."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgeiqa
from edgeiqa.assets import sample_paths
from edgeiqa.bench.inputs import Subject, file_subject, frame_subject, sample_picture
from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging.frame import Frame, PixelFormat
from edgeiqa.preprocessing.resize import to_rgb
from edgeiqa.scorer import Scorer

ROOT = Path(edgeiqa.__file__).parent.parent


def frame_of(subject: Subject) -> Frame:
    assert not isinstance(subject.source, str)
    return subject.source()


@pytest.mark.parametrize("pixel_format", PixelFormat)
@pytest.mark.parametrize("size", [(64, 48), (37, 21), (1, 1)])
def test_every_format_holds_the_picture(pixel_format: PixelFormat, size: tuple[int, int]) -> None:
    # One colour: then its chroma is exact at any resolution.
    picture = Image.new("RGB", (90, 60), (200, 90, 40))
    frame = frame_of(frame_subject("x", picture, size, pixel_format))
    assert frame.pixel_format is pixel_format
    assert frame.size == size[::-1]
    wanted = picture.convert("L").convert("RGB") if pixel_format.channels == 1 else picture
    if pixel_format.is_yuv:
        wanted = picture
    difference = to_rgb(frame).astype(int) - np.array(wanted.getpixel((0, 0)))
    assert np.abs(difference).max() <= 2


def test_the_camera_s_rotation_and_size_are_described() -> None:
    subject = frame_subject("x", sample_picture(), (64, 48), PixelFormat.NV21, 90)
    assert frame_of(subject).size == (64, 48)
    assert subject.facts == {
        **{"kind": "frame", "width": 64, "height": 48},
        **{"pixel_format": "NV21", "rotation": 90},
    }


def test_a_file_is_described_by_its_size() -> None:
    path = sample_paths()[0]
    with Image.open(path) as image:
        width, height = image.size
    assert file_subject(str(path)).facts == {
        **{"kind": "file", "width": width, "height": height, "bytes": path.stat().st_size}
    }


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.jpg").write_bytes(b"no")
    with pytest.raises(UnreadableImageError):
        file_subject(str(tmp_path / "no.jpg"))


def test_no_array_of_a_frame_s_size_is_made() -> None:
    """Of 12 million pixels, not even one byte each, where RGB takes 3 and float 4."""
    scorer = Scorer("nano")
    frame = frame_of(frame_subject("x", sample_picture(), (4000, 3000), PixelFormat.NV21))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        scorer.score(frame)
        grown = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert grown < 4000 * 3000 / 2


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux only")
def test_no_picture_of_a_frame_s_size_is_made_outside_of_python_s_memory_either() -> None:
    """Pillow's pictures are none of tracemalloc's, but take memory of the process."""
    code = """
from edgeiqa.bench.environment import reset_peak, peak_rss_mb, rss_mb
from edgeiqa.bench.inputs import frame_subject, sample_picture
from edgeiqa.imaging.frame import PixelFormat
from edgeiqa.scorer import Scorer

scorer, picture = Scorer("nano"), sample_picture()
scorer.score(frame_subject("x", picture, (640, 480), PixelFormat.NV21).source())
frame = frame_subject("x", picture, (4000, 3000), PixelFormat.NV21).source()
before = rss_mb()
if reset_peak():
    scorer.score(frame)
    print(peak_rss_mb() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, done.stderr
    if not done.stdout:
        pytest.skip("the kernel does not support it")
    # The frame itself has 18 MB; RGB would have 36, and float 48 and more.
    assert float(done.stdout) < 12
