"""Features of the shipped nano's inner maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.common.opinion import bin_centres
from convert.datasets.manifest import select
from convert.datasets.registry import build
from convert.quantization import depth_features as features_module
from convert.quantization.depth_features import depth_features
from edgeiqa import Scorer
from edgeiqa.inference.contract import read
from edgeiqa.inference.model import find
from tests.convert.tiny import make_biq2021

NAMES = ["block02_add", "head"]


def test_features_agree_with_the_runtime_and_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_biq2021(tmp_path)
    rows = select(build("biq2021", tmp_path, strict_counts=False), "train")[:7]
    network, work = find("nano").read_bytes(), tmp_path / "work"
    contract = read(network)[0]
    monkeypatch.setattr(features_module, "_CHUNK", 5)
    size = contract.input.height
    found = depth_features(network, NAMES, rows, tmp_path, work, size)
    assert found.logits.shape == (7, 10)
    assert found.means.shape == (7, 24 + 640)
    calibration = contract.calibration
    raw = found.score(bin_centres(10))
    scores = [Scorer("nano").score(tmp_path / row.path).score for row in rows]
    assert calibration.scale * raw + calibration.offset == pytest.approx(scores, abs=1e-3)
    (folder,) = (work / "features").iterdir()
    assert sorted(file.name for file in folder.iterdir()) == ["000000.npz", "000005.npz"]
    # What is there is not computed again; more threads change nothing.
    (folder / "000005.npz").unlink()
    again = depth_features(network, NAMES, rows, tmp_path, work, size, jobs=3)
    assert np.array_equal(again.means, found.means)
    assert np.array_equal(again.logits, found.logits)
