from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from skimage import data

from convert.baselines import proxy
from convert.datasets.manifest import DataError, ManifestRow
from convert.distortions.distort import DISTORTIONS


@given(arrays(np.float64, st.tuples(st.integers(2, 12), st.just(3)), elements=st.floats(-5, 5)))
def test_fused_ranks_keep_unanimous_order_and_ignore_scale(scores: np.ndarray) -> None:
    fused = proxy.fuse_ranks(scores)
    assert fused.min() >= 0
    assert fused.max() <= 1
    assert fused.mean() == pytest.approx(0.5)
    directions = np.array(proxy.DIRECTIONS)
    better = scores * directions
    for i in range(len(scores)):
        for j in range(len(scores)):
            if np.all(better[i] > better[j]):
                assert fused[i] > fused[j]
    assert proxy.fuse_ranks(scores * 2.0) == pytest.approx(fused)


def test_fused_ranks_by_hand() -> None:
    scores = np.array([[0.0, 1.0], [0.2, 0.5], [0.1, 0.7]])
    # Lower is better in the first column, higher in the second: all agree.
    assert proxy.fuse_ranks(scores, [-1, 1]).tolist() == [1.0, 0.0, 0.5]
    assert proxy.fuse_ranks(scores, [1, 1]).tolist() == [0.5, 0.5, 0.5]
    for wrong in (scores[:1], scores[:, :1], np.array([[1.0, np.nan], [0, 0]])):
        with pytest.raises(ValueError, match="expected"):
            proxy.fuse_ranks(wrong, [-1, 1])


@pytest.fixture
def photographs(tmp_path: Path) -> tuple[Path, list[ManifestRow]]:
    rows = []
    for name, picture in (("a", data.astronaut()), ("b", data.coffee()[:150, :150])):
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
        rows.append(ManifestRow(f"{name}.png", 0.9, None, "train", "s"))
    return tmp_path, rows


def test_crops_show_one_place_clean_first(photographs: tuple[Path, list[ManifestRow]]) -> None:
    root, rows = photographs
    crops = proxy.distorted_crops(rows[0], root, 0, 3, 170, seed=1)
    assert crops.shape == (4, 170, 170, 3)
    picture = data.astronaut()
    found = [
        (y, x)
        for y in range(picture.shape[0] - 169)
        for x in range(picture.shape[1] - 169)
        if np.array_equal(picture[y, x], crops[0, 0, 0])
        and np.array_equal(picture[y : y + 170, x : x + 170], crops[0])
    ]
    assert len(found) == 1
    assert all(not np.array_equal(crops[0], other) for other in crops[1:])
    assert np.array_equal(crops, proxy.distorted_crops(rows[0], root, 0, 3, 170, seed=1))
    assert not np.array_equal(crops, proxy.distorted_crops(rows[0], root, 0, 3, 170, seed=2))
    # A picture smaller than the crop is enlarged to it.
    assert proxy.distorted_crops(rows[1], root, 1, 1, 170, seed=1).shape == (2, 170, 170, 3)
    assert len(DISTORTIONS) >= 3


def test_a_set_is_made_once_and_clean_crops_come_out_best(
    photographs: tuple[Path, list[ManifestRow]], tmp_path: Path
) -> None:
    root, rows = photographs
    work = tmp_path / "work"
    made = proxy.proxy_set(rows, root, work, per_picture=2, side=176)
    assert made.pixels.shape == (6, 176, 176, 3)
    assert made.scores.shape == (6, 3)
    assert sorted(np.argsort(-made.labels)[:2]) == [0, 3]
    (root / "a.png").unlink()  # not needed any more
    again = proxy.proxy_set(rows, root, work, per_picture=2, side=176)
    assert np.array_equal(again.labels, made.labels)


def test_only_training_pictures_may_take_part(tmp_path: Path) -> None:
    row = ManifestRow("a.png", 0.9, None, "test", "s")
    with pytest.raises(DataError, match="training pictures only"):
        proxy.proxy_set([row], tmp_path, tmp_path)
    with pytest.raises(DataError, match="no photographs"):
        proxy.proxy_set([], tmp_path, tmp_path)
