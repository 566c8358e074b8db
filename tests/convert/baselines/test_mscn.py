from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gennorm
from skimage import data

from convert.baselines import brisque, mscn
from convert.baselines.base import grey
from convert.distortions.distort import distort


@settings(max_examples=12)
@given(st.floats(0.5, 4.0), st.floats(0.1, 3.0))
def test_ggd_finds_shape_and_variance_of_its_own_draws(shape: float, deviation: float) -> None:
    generator = np.random.default_rng(3)
    raw = gennorm.rvs(shape, size=60_000, random_state=generator)
    values = raw / gennorm.std(shape) * deviation
    found, variance = mscn.ggd(values)
    assert float(found) == pytest.approx(shape, rel=0.08)
    assert float(variance) == pytest.approx(deviation**2, rel=0.05)


def test_closed_forms_gauss_is_two_laplace_is_one() -> None:
    generator = np.random.default_rng(0)
    draws = np.stack([generator.normal(size=200_000), generator.laplace(size=200_000)])
    shape, _ = mscn.ggd(draws)
    assert shape == pytest.approx([2.0, 1.0], abs=0.02)
    # Their moment ratios: 2 / pi and 1 / 2.
    assert mscn.shape_of(np.array([2 / np.pi, 0.5])) == pytest.approx([2.0, 1.0], abs=1e-3)
    assert mscn.spread_factor(np.array([2.0])) == pytest.approx(np.sqrt(2))
    assert mscn.mean_factor(np.array([1.0])) == pytest.approx(1.0)


def test_aggd_tells_the_sides_apart() -> None:
    generator = np.random.default_rng(1)
    # A law with scales 1 and 2: the right side has twice the probability of the left.
    size = 300_000
    right = generator.random(size) < 2 / 3
    half = np.abs(generator.normal(size=size))
    shape, low, high = mscn.aggd(np.where(right, 2.0 * half, -half))
    assert float(shape) == pytest.approx(2.0, abs=0.03)
    assert [float(low), float(high)] == pytest.approx([1.0, 2.0], rel=0.01)
    mirrored = mscn.aggd(-np.where(right, 2.0 * half, -half))
    assert [float(mirrored[1]), float(mirrored[2])] == pytest.approx([float(high), float(low)])


def test_constant_values_are_no_error() -> None:
    shape, variance = mscn.ggd(np.zeros((2, 50)))
    assert variance == pytest.approx([0, 0])
    assert np.isfinite(shape).all()
    assert all(np.isfinite(value).all() for value in mscn.aggd(np.zeros((2, 50))))
    assert np.isfinite(brisque.brisque_features(np.full((40, 40), 7, np.uint8))).all()


def test_coefficients_do_not_know_brightness_and_have_unit_scale() -> None:
    luma = grey(data.coffee())[:200, :200].astype(np.float32) / 2
    plain, deviation = mscn.mscn(luma)
    lifted, _ = mscn.mscn(luma + 60)
    assert np.abs(plain - lifted).max() < 0.02
    assert deviation.shape == luma.shape
    assert abs(float(plain.mean())) < 0.05
    assert 0.2 < float(plain.std()) < 1.2
    flat, _ = mscn.mscn(np.full((30, 20), 128.0))
    assert np.abs(flat).max() < 1e-3


def test_features_match_an_independent_implementation() -> None:
    """Computed by piq 0.8.0 on the same luma; it pads with black, which 2% of the pixels see."""
    theirs = [
        *(1.451, 0.2001, 0.584, 0.0195, 0.0513, 0.0673, 0.577, 0.0235, 0.052, 0.0719),
        *(0.584, -0.0125, 0.0654, 0.055, 0.592, -0.0174, 0.0663, 0.052),
    ]
    ours = brisque.scale_features(grey(data.astronaut()).astype(np.float32))
    assert ours == pytest.approx(theirs, rel=0.05, abs=0.002)


def test_blur_and_noise_move_the_shape_in_opposite_directions() -> None:
    picture = data.astronaut()[:256, :256]
    plain, blurred, noisy = (
        brisque.brisque_features(grey(rgb))
        for rgb in (
            picture,
            distort(picture, "gaussian_blur", strength=0.5),
            distort(picture, "noise", strength=0.8),
        )
    )
    assert plain.shape == (36,)
    assert blurred[1] < plain[1] < noisy[1]  # variance of the coefficients
    assert noisy[0] > plain[0]  # noise makes them Gaussian


def test_half_size_is_the_mean_of_a_ramp() -> None:
    ramp = np.tile(np.arange(64, dtype=np.float32), (32, 1))
    half = mscn.halve(ramp)
    assert half.shape == (16, 32)
    assert half[8, 4:-4] == pytest.approx(np.arange(64).reshape(-1, 2).mean(axis=1)[4:-4], abs=0.01)
    assert mscn.halve(np.ones((1, 1), np.float32)).shape == (1, 1)
