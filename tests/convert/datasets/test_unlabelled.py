"""The unlabelled pool: reproducible, mostly distorted, from nothing that must stay unseen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from convert.datasets import unlabelled
from convert.datasets.manifest import DataError, ManifestRow
from convert.datasets.unlabelled import load_unlabelled


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    for number, name in enumerate(("coffee", "chelsea", "astronaut")):
        file = folder / "BIQ2021" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(getattr(data, name)()[:160, :200]).save(file)
    clean = folder / "BSDS500/data/images/train/1.jpg"
    clean.parent.mkdir(parents=True)
    Image.fromarray(data.rocket()[:160, :200]).save(clean)
    return folder


def rows(split: str = "train", mos: float = 0.8, subset: str = "ss03") -> list[ManifestRow]:
    return [ManifestRow(f"BIQ2021/{n}.png", mos, None, split, subset) for n in range(3)]


def test_shape_and_reproducibility(root: Path, tmp_path: Path) -> None:
    first = load_unlabelled(rows(), root, 48, tmp_path / "a", 14, 3)
    assert first.shape == (14, 48, 48, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, load_unlabelled(rows(), root, 48, tmp_path / "b", 14, 3))
    # A longer draw begins with the shorter one; another seed is another draw.
    longer = load_unlabelled(rows(), root, 48, tmp_path / "a", 20, 3)
    np.testing.assert_array_equal(first, longer[:14])
    assert not np.array_equal(first, load_unlabelled(rows(), root, 48, tmp_path / "a", 14, 4))


def test_shares_of_sources_and_distortions(root: Path) -> None:
    plans = unlabelled._draw(rows(), root, 48, 1500, 0)
    clean = np.mean([plan.path.startswith("BSDS500") for plan in plans])
    assert clean == pytest.approx(0.35, abs=0.05)
    degraded = [plan for plan in plans if plan.kind]
    assert len(degraded) / len(plans) == pytest.approx(0.6, abs=0.05)
    mixed = np.mean([plan.kind == "mixture" for plan in degraded])
    assert mixed == pytest.approx(1 / 3, abs=0.06)
    assert len({plan.kind for plan in degraded}) >= 18
    squashed = np.mean([plan.crop[0] != plan.crop[1] for plan in plans])
    assert squashed == pytest.approx(0.5, abs=0.06)
    sides = np.array([plan.crop[:2] for plan in plans])
    assert 0.5 <= sides.min() < 0.52
    assert 0.98 < sides.max() <= 1


def test_only_well_rated_training_rows_are_drawn_from(root: Path, tmp_path: Path) -> None:
    unseen = [*rows("validation"), *rows("test"), *rows(mos=0.3)]
    plans = unlabelled._draw(unseen, root, 48, 50, 0)
    assert {plan.path for plan in plans} == {"BSDS500/data/images/train/1.jpg"}
    with pytest.raises(DataError, match="nothing to draw"):
        load_unlabelled(unseen, tmp_path, 48, tmp_path, 4, 0)


def test_the_watermark_corner_never_gets_in(root: Path, tmp_path: Path) -> None:
    """The lower 11% of ss01 pictures are cut off before anything else is done to them."""
    marked = np.full((200, 200, 3), 30, np.uint8)
    marked[179:] = 255
    for number in range(3):
        Image.fromarray(marked).save(root / f"BIQ2021/{number}.png")
    for plan in unlabelled._draw(rows(subset="ss01"), root, 48, 60, 0):
        if plan.path.startswith("BIQ2021"):
            cut = unlabelled._cut(marked, plan)
            assert cut.max() == 30
    plain = unlabelled._draw(rows(), root, 48, 60, 0)
    assert max(unlabelled._cut(marked, plan).max() for plan in plain) == 255


def test_damaged_pictures_are_named(root: Path, tmp_path: Path) -> None:
    (root / "BIQ2021/1.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"damaged: .*BIQ2021/1\.png"):
        load_unlabelled(rows(), root, 48, tmp_path, 20, 0)
    assert not list(tmp_path.rglob("*.npy"))
