"""Mixtures: a camera's order, one seed, one mixture, worse with strength."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from convert.distortions.distort import DISTORTIONS
from convert.distortions.mixture import STAGES, mixture, mixture_steps

ORDER = [kind for _, kinds in STAGES for kind in kinds]
SOURCE = np.ascontiguousarray(data.coffee()[100:228, 100:260])


def test_stages_know_every_portable_kind_once() -> None:
    assert sorted(ORDER) == sorted(k for k, found in DISTORTIONS.items() if found.portable)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**40), strength=st.floats(0, 1))
def test_steps_are_two_to_four_in_the_order_of_a_camera(seed: int, strength: float) -> None:
    steps = mixture_steps(seed, strength)
    assert 2 <= len(steps) <= 4
    places = [ORDER.index(kind) for kind, _ in steps]
    assert places == sorted(places)
    stages = [next(s for s, kinds in STAGES if kind in kinds) for kind, _ in steps]
    assert len(set(stages)) == len(stages)
    assert all(0 <= amount <= strength for _, amount in steps)
    assert [kind for kind, _ in mixture_steps(seed, 1.0)] == [kind for kind, _ in steps]


def test_every_kind_takes_part_in_time() -> None:
    seen = {kind for seed in range(300) for kind, _ in mixture_steps(seed, 0.5)}
    assert seen == set(ORDER)


@pytest.mark.parametrize("seed", range(6))
def test_mixtures_repeat_and_grow(seed: int) -> None:
    before = SOURCE.copy()
    np.testing.assert_array_equal(mixture(SOURCE, seed, 0.0), SOURCE)
    np.testing.assert_array_equal(mixture(SOURCE, seed, 0.6), mixture(SOURCE, seed, 0.6))
    np.testing.assert_array_equal(SOURCE, before)
    errors = [
        float(np.mean((mixture(SOURCE, seed, s).astype(float) - SOURCE) ** 2))
        for s in (0.0, 0.3, 0.6, 1.0)
    ]
    assert all(b > a for a, b in pairwise(errors)), errors


@pytest.mark.parametrize("side", [1, 3, 16])
def test_tiny_pictures(side: int) -> None:
    tiny = np.full((side, side + 1, 3), 120, np.uint8)
    for seed in range(20):
        result = mixture(tiny, seed, 1.0)
        assert result.shape == tiny.shape
        assert result.dtype == np.uint8


def test_bad_strength_and_seed() -> None:
    with pytest.raises(ValueError, match=r"0 to 1, got 1\.5"):
        mixture(SOURCE, 0, 1.5)
    with pytest.raises(ValueError, match="-1"):
        mixture(SOURCE, -1, 0.5)
