"""The measurement of blur in large photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from convert.causes.sharpness import (
    DETECTORS,
    auc,
    measure_photograph,
    noise_deviation,
    share_above,
    summary,
    table,
    versions,
)
from convert.common.tenengrad import tenengrad
from edgeiqa.analysis.cause_detector import CauseDetector


def test_auc_counts_pairs() -> None:
    assert auc([3, 4], [1, 2]) == 1.0
    assert auc([1, 2], [3, 4]) == 0.0
    assert auc([1, 3], [2, 2]) == 0.5
    assert auc([2, 2], [2, 2]) == 0.5


@pytest.mark.parametrize("deviation", [2.0, 5.0, 12.0])
def test_noise_is_estimated(deviation: float) -> None:
    generator = np.random.default_rng(0)
    flat = np.clip(np.rint(128 + generator.normal(0, deviation, (320, 320))), 0, 255)
    assert noise_deviation(flat.astype(np.uint8)) == pytest.approx(deviation, rel=0.1)


def test_tenengrad_falls_with_contrast() -> None:
    luma = data.camera()
    assert tenengrad(luma) > 3 * tenengrad((luma // 2).astype(np.uint8)) > 0


def test_a_photograph_is_blurred_in_every_way_and_told(tmp_path: Path) -> None:
    path = tmp_path / "coffee.png"
    Image.fromarray(data.coffee()).save(path)
    photographs = [
        measure_photograph(path, CauseDetector(), keep_noise=keep_noise)
        for keep_noise in (False, True)
    ]
    for one in photographs:
        assert list(one.values) == ["sharp", *versions()]
        for detector in DETECTORS:
            sharp = one.values["sharp"][detector]
            assert one.values["gaussian 4"][detector] > sharp
            assert one.values["motion 25"][detector] > sharp
    assert share_above(photographs, 1.0) == dict.fromkeys(["sharp", *versions()], 0.0)
    assert share_above(photographs, 0.0)["gaussian 4"] == 1.0
    found = summary(photographs, repeats=20)
    assert found["gaussian 4"]["edgeiqa"]["auc"] == 1.0
    assert len(table(found).splitlines()) == 1 + len(versions())
