"""The long soak notices what goes wrong, and its committed report shows flat memory."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeiqa import ColorRange, Frame, PixelFormat
from edgeiqa.preprocessing.resize import to_rgb
from scripts.stress import soak as soak_script
from scripts.stress.soak import CYCLE, ROOT, Soak, buffer_of, kinds, main, photographs

REPORT = ROOT / "docs" / "benchmarks" / "soak.json"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def soak() -> Iterator[Soak]:
    made = Soak()
    yield made
    made._live.close()


@pytest.mark.parametrize("pixel_format", [f for f in PixelFormat if f.name != "YUV_420_888"])
def test_buffers_are_what_they_are_called(pixel_format: PixelFormat) -> None:
    (rgb,) = photographs(160, 120, 1)
    more: dict[str, Any] = {}
    if pixel_format.is_yuv:
        more = {"color_range": ColorRange.FULL}
    frame = Frame.from_buffer(buffer_of(rgb, pixel_format), 160, 120, pixel_format, **more)
    wanted = rgb
    if pixel_format is PixelFormat.GRAY:
        wanted = np.asarray(Image.fromarray(rgb).convert("L").convert("RGB"))
    # Of 2x2 pixels one colour is kept, and not their mean.
    assert np.abs(to_rgb(frame).astype(int) - wanted).mean() < 4


def test_a_short_run_scores_and_refuses_what_it_should(tmp_path: Path) -> None:
    path = tmp_path / "soak.json"
    assert main(["--frames", "400", "--seconds", "120", "--json", str(path)]) == 0
    report = json.loads(path.read_text())
    assert report["unexpected"] == 0
    assert report["pictures"] >= 400
    assert report["counts"]["frame"] > 300
    assert report["counts"]["frame in a thread"] == 10
    assert sum(report["refused"].values()) > 5
    assert {"rss_mb", "descriptors", "threads", "objects"} <= report["samples"][0].keys()


def test_each_broken_kind_is_refused_as_it_should(soak: Soak) -> None:
    for name in kinds().broken:
        soak._one("frame", "RGB 160x120 #0")  # So that time has gone on, and can be set back.
        soak._one("broken", name)
    assert soak.wrong == []
    assert set(soak.refused) == set(kinds().broken)


def test_other_scores_and_other_errors_would_be_told(soak: Soak) -> None:
    soak._one("frame", "GRAY 96x96 #0")
    soak.scores["GRAY 96x96 #0"] += 1e-9
    soak._one("frame", "GRAY 96x96 #0")
    soak.kinds.broken["noise"] = (soak.kinds.broken["noise"][0], "KeyError")
    soak._one("broken", "noise")
    soak.sample()
    assert len(soak.wrong) == 2
    assert soak.report()["unexpected"] == 2


def test_the_slope_is_per_million() -> None:
    samples = [{"pictures": float(n), "rss_mb": 50 + n / 1000} for n in range(0, 9000, 1000)]
    assert soak_script._slope(samples, "rss_mb", 1e6) == pytest.approx(1000)
    assert len(Soak()._plan) == CYCLE


def test_warm_is_after_the_first_opening_anew() -> None:
    same = {"descriptors": 5, "threads": 1, "objects": 1, "blocks": 1}
    samples = [
        {"seconds": float(n), "pictures": 10_000.0 * n, "rss_mb": 70.0 if n < 6 else 77.0, **same}
        for n in range(1, 21)
    ]
    found = soak_script.course(samples)
    assert found["rss_mb"] == {"after_a_tenth": 70.0, "warm": 77.0, "end": 77.0, "largest": 77.0}
    assert found["slope_mb_per_million"] == 0
    early = soak_script.course(samples[:4])
    assert early["rss_mb"]["warm"] == 70.0


def test_memory_was_flat_for_an_hour() -> None:
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    assert report["seconds"] >= 3600 or report["pictures"] >= 2_000_000
    assert report["unexpected"] == 0
    assert report["rss_mb"]["end"] - report["rss_mb"]["warm"] < 1
    assert report["rss_mb"]["largest"] - report["rss_mb"]["after_a_tenth"] < 10
    for key in ("descriptors", "threads"):
        assert report[key][0] == report[key][1]
