"""Clean photographs: which, how often, and how they are framed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from convert.causes import clean_images
from convert.datasets.errors import DataError
from convert.datasets.manifest import ManifestRow


def row(name: str, mos: float, split: str = "train") -> ManifestRow:
    return ManifestRow(f"BIQ2021/Images/{name}", mos, None, split, "ss03")


def test_only_liked_pictures_of_the_split_are_clean(tmp_path: Path) -> None:
    rows = [row("a.jpg", 0.9), row("b.jpg", 0.5), row("c.jpg", 0.9, "validation")]
    assert clean_images.rated(rows, tmp_path, "train") == [tmp_path / "BIQ2021/Images/a.jpg"]
    assert clean_images.rated(rows, tmp_path, "validation") == [tmp_path / "BIQ2021/Images/c.jpg"]
    with pytest.raises(DataError, match="not from test"):
        clean_images.rated(rows, tmp_path, "test")


def test_the_lists_of_large_photographs_have_no_picture_in_common() -> None:
    folder = Path(clean_images.__file__).parent / "splits"
    lists = [
        {
            line
            for line in (folder / f"large_{split}.txt").read_text("utf-8").splitlines()
            if not line.startswith("#")
        }
        for split in ("train", "test")
    ]
    assert len(lists[0]) > 50
    assert len(lists[1]) > 50
    assert not lists[0] & lists[1]
    scenes = [{name.split("/")[0] for name in one if "dataset" in name.lower()} for one in lists]
    assert not scenes[0] & scenes[1]  # Those show one scene each.


def test_photographs_that_are_not_there_are_told_apart_from_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of the"):
        clean_images.large("train", tmp_path)
    folder = Path(clean_images.__file__).parent / "splits"
    lines = (folder / "large_train.txt").read_text("utf-8").splitlines()
    name = next(line for line in lines if not line.startswith("#"))
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(b"")
    assert clean_images.large("train", tmp_path) == [tmp_path / name]


def test_reserved_pictures_are_refused() -> None:
    with pytest.raises(DataError, match="Kodak"):
        clean_images.weighted([Path("Kodak24/kodim01.png"), Path("Kodak24/kodim02.png")], [])


def test_views_are_crops_at_most_as_large_as_the_file(tmp_path: Path) -> None:
    path = tmp_path / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    sizes = set()
    for seed in range(20):
        luma = clean_images.view(path, np.random.default_rng(seed))
        assert luma.dtype == np.uint8
        assert luma.flags.c_contiguous
        assert 180 <= min(luma.shape) <= max(luma.shape) <= 512
        sizes.add(luma.shape)
    assert len(sizes) > 10
    one, same = (clean_images.view(path, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, same)
