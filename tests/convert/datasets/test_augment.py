from __future__ import annotations

import numpy as np

from convert.datasets.augment import crop_and_flip, same_crops


def numbered(height: int, width: int, count: int = 3) -> np.ndarray:
    """Maps whose two channels say row and column."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.stack([np.stack([rows, columns], axis=-1)] * count)


def test_crops_are_whole_windows_mirrored_half_of_the_time() -> None:
    maps = numbered(28, 28)
    mirrored = 0
    for seed in range(200):
        chosen = np.array([1])
        crop = crop_and_flip(maps, chosen, np.array([False]), 24 / 28, np.random.default_rng(seed))[
            0
        ]
        assert crop.shape == (24, 24, 2)
        rows, columns = crop[..., 0], crop[..., 1]
        assert (np.diff(rows, axis=0) == 1).all()
        steps = np.diff(columns, axis=1)
        assert (steps == steps[0, 0]).all()
        mirrored += int(steps[0, 0] == -1)
    assert 70 < mirrored < 130


def test_crops_of_watermarked_pictures_never_show_the_corner() -> None:
    maps = numbered(448, 448, 1)
    for seed in range(50):
        generator = np.random.default_rng(seed)
        crop = crop_and_flip(maps, np.array([0]), np.array([True]), 384 / 448, generator)
        # The print begins at row 460 of 512.
        assert crop[..., 0].max() < 460 / 512 * 448


def test_other_pictures_show_every_row() -> None:
    maps = numbered(14, 14, 1)
    seen = {
        int(crop_and_flip(maps, np.array([0]), np.array([False]), 12 / 14, generator)[0, 0, 0, 0])
        for generator in map(np.random.default_rng, range(60))
    }
    assert seen == {0, 1, 2}


def test_both_pictures_of_a_pair_are_cropped_and_mirrored_alike() -> None:
    generator = np.random.default_rng(0)
    first = generator.integers(0, 100, (6, 20, 20, 3), dtype=np.uint8)
    pairs = np.stack([first, first + 100], axis=1)
    which = np.array([5, 0, 2, 2])
    better, worse = same_crops(pairs, which, 0.5, generator)
    assert better.shape == (4, 10, 10, 3)
    assert np.array_equal(worse, better + 100)
    # Two draws of one pair are two crops.
    assert not np.array_equal(better[2], better[3])
