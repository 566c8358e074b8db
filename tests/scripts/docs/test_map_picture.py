"""The picture of a map shows a half-blurred photograph, and the map finds the half."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from edgeiqa.analysis.quality_map import QualityMap
from edgeiqa.scorer import Scorer
from scripts.docs.map_picture import ROOT, half_spoilt, main

PHOTO = ROOT / "edgeiqa" / "assets" / "samples" / "coffee.jpg"


def test_the_map_finds_the_half() -> None:
    rgb = np.array(Image.open(PHOTO))
    spoilt = half_spoilt(rgb)
    middle = rgb.shape[1] // 2
    assert np.array_equal(spoilt[:, :middle], rgb[:, :middle])
    assert (
        np.abs(np.diff(spoilt[:, middle:].astype(int), axis=1)).mean()
        < 0.5 * np.abs(np.diff(rgb[:, middle:].astype(int), axis=1)).mean()
    )
    found: QualityMap = Scorer().quality_map(spoilt)
    values = found.at_size(rgb.shape[1], rgb.shape[0])
    assert values[:, middle:].mean() < values[:, :middle].mean() - 10


def test_picture_is_drawn(tmp_path: Path) -> None:
    small = tmp_path / "small.jpg"
    Image.open(PHOTO).resize((192, 128)).save(small)
    output = tmp_path / "map.jpg"
    assert main(["--photo", str(small), "--output", str(output)]) == 0
    with Image.open(output) as drawn:
        assert drawn.width == 960


def test_committed_picture_is_small_enough_for_a_readme() -> None:
    assert (ROOT / "docs" / "images" / "map.jpg").stat().st_size < 150_000
