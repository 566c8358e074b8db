"""Faults by known amounts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from convert.causes.degradation import (
    HALF,
    LEARNED,
    blur_kernel,
    convolved,
    degrade,
    jpeg,
    severity,
    table_scale,
)
from convert.distortions.light import to_light

LUMA = np.ascontiguousarray(data.camera()[100:400, 80:420])


@pytest.mark.parametrize("cause", LEARNED)
def test_severity_is_a_half_where_it_says(cause: str) -> None:
    assert severity(cause, 0.0) == 0.0
    assert severity(cause, HALF[cause]) == pytest.approx(0.5)
    assert severity(cause, 3 * HALF[cause]) == pytest.approx(0.9)


@pytest.mark.parametrize("kind", ["gaussian", "disc", "line", "shake"])
@pytest.mark.parametrize("sigma", [1.5, 4.0])
def test_kernels_have_the_deviation_that_counts(kind: str, sigma: float) -> None:
    kernel = blur_kernel(kind, sigma, np.random.default_rng(3)).astype(np.float64)
    y, x = np.indices(kernel.shape)
    weights = kernel / kernel.sum()
    variance = sum(float((weights * (axis - (weights * axis).sum()) ** 2).sum()) for axis in (x, y))
    # Per axis; pixels have a width of their own, and kernels are cut off.
    assert math.sqrt(variance / 2) == pytest.approx(sigma, rel=0.12, abs=0.15)


def test_convolution_keeps_light_and_place() -> None:
    light = np.zeros((41, 51), np.float32)
    light[20, 30] = 1.0
    spread = convolved(light, blur_kernel("gaussian", 2.0, np.random.default_rng(0)))
    assert spread.sum() == pytest.approx(1.0, abs=1e-3)
    assert divmod(int(spread.argmax()), spread.shape[1]) == (20, 30)
    even = convolved(
        np.full((30, 40), 0.3, np.float32), blur_kernel("line", 3.0, np.random.default_rng(1))
    )
    assert np.allclose(even, 0.3, atol=1e-4)


def test_the_scale_of_quantisation_is_libjpegs() -> None:
    assert [table_scale(q) for q in (100, 75, 50, 25, 10)] == [0, 50, 100, 200, 500]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_whatever_is_drawn_is_a_picture_with_severities(seed: int) -> None:
    degraded, applied = degrade(LUMA, np.random.default_rng(seed))
    assert degraded.shape == LUMA.shape
    assert degraded.dtype == np.uint8
    assert tuple(applied) == LEARNED
    assert all(0.0 <= value < 1.0 for value in applied.values())
    again, same = degrade(LUMA, np.random.default_rng(seed))
    assert np.array_equal(degraded, again)
    assert applied == same


def test_noise_is_as_strong_as_it_says() -> None:
    flat = np.full((300, 300), 120, np.uint8)
    checked = 0
    for seed in range(60):
        degraded, applied = degrade(flat, np.random.default_rng(seed))
        if applied["noise"] and not applied["compression"]:
            amount = HALF["noise"] * math.sqrt(applied["noise"] / (1 - applied["noise"]))
            # Sharpening may come after it, exposure before.
            assert 0.8 * amount < degraded.std() < 3.5 * amount
            checked += 1
    assert checked > 3


def test_some_pictures_stay_as_they_are() -> None:
    untouched = [
        seed
        for seed in range(200)
        if np.array_equal(degrade(LUMA, np.random.default_rng(seed))[0], LUMA)
    ]
    assert 2 <= len(untouched) <= 60


def test_jpeg_loses_more_at_lower_quality() -> None:
    losses = [float(np.abs(jpeg(LUMA, q).astype(int) - LUMA).mean()) for q in (95, 50, 10)]
    assert losses == sorted(losses)
    assert to_light(LUMA).dtype == np.float32
