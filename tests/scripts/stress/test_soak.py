"""The soak scores real YUV frames and reports memory; the committed report shows it flat."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeiqa import Frame, PixelFormat, Scorer
from scripts.stress.soak import PHOTO, ROOT, main, nv12

REPORT = ROOT / "docs" / "benchmarks" / "live-memory.json"


def test_its_frames_score_as_the_photograph_does() -> None:
    scorer = Scorer("nano")
    first = Frame.from_buffer(nv12(640, 360)[0], 640, 360, PixelFormat.NV12)
    with Image.open(PHOTO) as photo:
        rgb = np.asarray(photo.convert("RGB").resize((672, 360)))[:, :640]
    assert scorer.score(first).score == pytest.approx(scorer.score(rgb).score, abs=1.5)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_short_run_reports_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "memory.json"
    assert main(["--models", "nano", "--frames", "30", "--json", str(path)]) == 0
    (run,) = json.loads(path.read_text())["runs"]
    assert [done for done, _ in run["rss_mb"]] == list(range(0, 31, 3))
    assert (run["scored"], run["errors"]) == (30, 0)
    assert "nano" in capsys.readouterr().out


def test_memory_was_flat_over_20_000_frames() -> None:
    runs = json.loads(REPORT.read_text(encoding="utf-8"))["runs"]
    assert {run["model"].split()[0] for run in runs} == {"nano", "base"}
    for run in runs:
        assert run["frames"] == run["scored"] == 20_000
        assert run["growth_mb"] < 2
