from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.datasets import biq2021
from convert.datasets.cache import load_pixels
from convert.datasets.ladders import load_ladders
from convert.datasets.manifest import DataError, ManifestRow, select
from edgeiqa.imaging.decode import decode
from edgeiqa.preprocessing.resize import resize
from tests.convert.tiny import make_biq2021


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_biq2021(tmp_path_factory.mktemp("cache") / "data")


@pytest.fixture(scope="module")
def train(root: Path) -> list[ManifestRow]:
    return select(biq2021.build_manifest(root, [], strict_counts=False), "train")


def test_cached_pixels_are_those_that_the_runtime_makes(
    root: Path, train: list[ManifestRow], tmp_path: Path
) -> None:
    pixels = load_pixels(train, root, 48, tmp_path)
    assert pixels.shape == (len(train), 48, 48, 3)
    assert pixels.dtype == np.uint8
    # The third is turned by EXIF.
    for index in (0, 2, 5, len(train) - 1):
        expected = resize(decode(root / train[index].path), (48, 48))
        assert np.array_equal(pixels[index], expected)


def test_second_call_reads_the_file_and_decodes_nothing(
    root: Path, train: list[ManifestRow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_pixels(train[:4], root, 32, tmp_path)
    monkeypatch.setattr("convert.datasets.cache._decode_all", pytest.fail)
    assert np.array_equal(load_pixels(train[:4], root, 32, tmp_path), first)


def test_missing_and_damaged_pictures_are_named_and_leave_no_file(
    train: list[ManifestRow], tmp_path: Path
) -> None:
    root = make_biq2021(tmp_path / "data")
    (root / train[0].path).write_bytes(b"\xff\xd8 not a picture")
    with pytest.raises(DataError, match=r"1 pictures are damaged: .*ss01 \(1\)\.jpg"):
        load_pixels(train[:3], root, 32, tmp_path / "work")
    assert not list((tmp_path / "work").rglob("*.npy*"))
    (root / train[1].path).unlink()
    with pytest.raises(DataError, match=r"missing .*ss01 \(2\)\.jpg"):
        load_pixels(train[:3], root, 32, tmp_path / "work")


def test_ladders_are_reproducible_and_come_from_good_pictures(
    root: Path, train: list[ManifestRow], tmp_path: Path
) -> None:
    pairs, margins = load_ladders(train, root, 48, tmp_path, 12, seed=3)
    again, _ = load_ladders(train, root, 48, tmp_path / "other", 12, seed=3)
    assert pairs.shape == (12, 2, 48, 48, 3)
    assert np.array_equal(pairs, again)
    # A pair spans at least 0.15 of a distortion's range, never more than 0.4; kinds have their own
    # margins, 0.08 to 0.2 for the whole range.
    assert margins.dtype == np.float32
    assert margins.min() >= 0.08 * 0.15 - 1e-6
    assert margins.max() <= 0.2 * 0.4 + 1e-6
    assert all((pair[0] != pair[1]).any() for pair in pairs)
    degraded = [ManifestRow("a.jpg", 0.2, None, "train", "")]
    with pytest.raises(DataError, match="MOS"):
        load_ladders(degraded, root, 48, tmp_path, 2, seed=0)
