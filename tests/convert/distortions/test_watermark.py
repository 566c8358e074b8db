from __future__ import annotations

import numpy as np
import pytest

from convert.distortions.watermark import paint


@pytest.mark.parametrize("side", [64, 256, 512])
def test_only_the_lower_left_corner_changes(side: int) -> None:
    picture = np.full((side, side, 3), 90, np.uint8)
    for seed in (None, 0, 1, 2, 3):
        generator = None if seed is None else np.random.default_rng(seed)
        painted = paint(picture, generator)
        changed = np.argwhere((painted != picture).any(axis=2))
        assert len(changed)
        # The watermark of 512 px pictures starts at row 460; crops keep 0.89 of the height.
        assert changed[:, 0].min() >= 0.86 * side
        assert changed[:, 1].max() <= 0.75 * side
        assert painted.max() > 180
    assert (picture == 90).all()


def test_the_same_generator_paints_the_same() -> None:
    picture = np.zeros((128, 128, 3), np.uint8)
    first, second = (paint(picture, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, second)
