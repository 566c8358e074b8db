from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.teacher import (
    TeacherOutputs,
    crop_and_flip,
    expected,
    softmax,
    validation_figures,
)


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


def test_softmax_survives_large_logits() -> None:
    logits = np.array([[1e4, 0.0], [-1e4, -1e4]], np.float32)
    assert softmax(logits) == pytest.approx(np.array([[1.0, 0.0], [0.5, 0.5]]))
    centres = np.array([0.25, 0.75], np.float32)
    assert expected(logits, centres) == pytest.approx([0.25, 0.5])


def test_figures_are_pooled_and_within_subsets() -> None:
    mos = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    score = np.array([0.3, 0.2, 0.1, 0.7, 0.8, 0.9])
    figures = validation_figures(score, mos, ["ss01"] * 3 + ["ss03"] * 3)
    assert figures["val_srocc_ss01"] == pytest.approx(-1.0)
    assert figures["val_srocc_ss03"] == pytest.approx(1.0)
    assert figures["val_srocc"] == pytest.approx(1 - 6 * 8 / (6 * 35))
    assert figures["val_spread"] == pytest.approx(1.0)


def test_outputs_come_back_as_saved(tmp_path: Path) -> None:
    outputs = TeacherOutputs(
        np.array([0.5], np.float32), np.full((1, 10), 0.1, np.float32), np.ones((1, 4), np.float32)
    )
    outputs.save(tmp_path / "train.npz")
    loaded = TeacherOutputs.load(tmp_path / "train.npz")
    assert np.array_equal(loaded.embedding, outputs.embedding)
    with pytest.raises(FileNotFoundError, match="convert teacher"):
        TeacherOutputs.load(tmp_path / "none.npz")
