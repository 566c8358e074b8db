from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.datasets import biq2021
from convert.datasets.manifest import select
from convert.evaluation.operating_points import KEPT_GOOD
from convert.quantization.quantize import calibration_frames, gate_presets
from tests.convert.tiny import make_biq2021


def test_gate_keeps_the_promised_share_of_good_pictures() -> None:
    generator = np.random.default_rng(0)
    mos = generator.uniform(0, 1, 2000)
    score = np.clip(100 * mos + generator.normal(0, 8, 2000), 0, 100)
    thresholds, points = gate_presets(score, mos)
    assert thresholds["relaxed"] < thresholds["normal"] < thresholds["strict"]
    for preset, share in KEPT_GOOD.items():
        kept = np.mean(score[mos >= 0.6] >= thresholds[preset])
        assert kept == pytest.approx(points[preset]["good_kept"], abs=1e-4)
        assert share <= kept < share + 0.02
        rejected = np.mean(score[mos < 0.4] < thresholds[preset])
        assert rejected == pytest.approx(points[preset]["bad_rejected"], abs=1e-4)


def test_gate_needs_good_pictures_and_goes_without_bad_ones() -> None:
    with pytest.raises(ValueError, match=r"MOS of 0\.6"):
        gate_presets(np.array([50.0]), np.array([0.3]))
    _, points = gate_presets(np.array([70.0, 80.0]), np.array([0.7, 0.8]))
    assert "bad_rejected" not in points["normal"]


def test_calibration_sees_dark_bright_and_flat_frames_beside_real_ones(tmp_path: Path) -> None:
    root = make_biq2021(tmp_path / "data")
    rows = select(biq2021.build_manifest(root, [], strict_counts=False), "train")
    frames = calibration_frames(rows, root, tmp_path, 32, 32)
    assert frames.dtype == np.uint8
    assert frames.shape == (32 + 2 * 2 + 3, 32, 32, 3)
    means = frames[32:].mean(axis=(1, 2, 3))
    assert means.min() < 30
    assert means.max() > 220
    again = calibration_frames(rows, root, tmp_path, 32, 32)
    assert np.array_equal(frames, again)
