"""Point-spread functions: light is moved, never made or lost, and spreads as stated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.distortions import kernels


def moments(kernel: np.ndarray) -> tuple[float, float, float]:
    """Mean x, mean y and mean squared distance from the middle."""
    radius_y, radius_x = kernel.shape[0] // 2, kernel.shape[1] // 2
    y, x = np.mgrid[-radius_y : radius_y + 1, -radius_x : radius_x + 1].astype(float)
    return (
        float((kernel * x).sum()),
        float((kernel * y).sum()),
        float((kernel * (x**2 + y**2)).sum()),
    )


@settings(max_examples=40, deadline=None)
@given(
    size=st.floats(0, 40),
    angle=st.floats(0, np.pi),
    seed=st.integers(0, 2**32),
    kind=st.sampled_from(["gaussian", "disc", "line", "smear", "shake"]),
)
def test_kernels_keep_the_light_and_its_middle(
    size: float, angle: float, seed: int, kind: str
) -> None:
    if kind == "gaussian":
        kernel = kernels.gaussian_kernel(size / 4)
    elif kind == "disc":
        kernel = kernels.disc_kernel(size)
    elif kind == "line":
        kernel = kernels.line_kernel(size, angle)
    elif kind == "smear":
        kernel = kernels.smear_kernel(size / 4, size / 2, angle)
    else:
        path = kernels.shake_path(np.random.default_rng(seed), 100)
        kernel = kernels.path_kernel(path, size / 4)
    assert kernel.dtype == np.float32
    assert kernel.shape[0] % 2 == kernel.shape[1] % 2 == 1
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    x, y, _ = moments(kernel)
    # A path is centred on its samples; what joins them shifts it by a hundredth of its size.
    assert abs(x) < 0.15
    assert abs(y) < 0.15


@settings(max_examples=30, deadline=None)
@given(length=st.floats(0, 60), angle=st.floats(0, np.pi))
def test_line_kernel(length: float, angle: float) -> None:
    kernel = kernels.line_kernel(length, angle)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-6)
    radius = kernel.shape[0] // 2
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(float)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = -x * np.sin(angle) + y * np.cos(angle)
    assert (kernel * along**2).sum() == pytest.approx(length**2 / 12, abs=0.6)
    assert (kernel * across**2).sum() < 0.6


@pytest.mark.parametrize("radius", [3.0, 6.3, 12.0, 20.5])
def test_disc_is_even_round_and_of_the_stated_size(radius: float) -> None:
    kernel = kernels.disc_kernel(radius)
    # An even disc has a mean squared distance of radius ** 2 / 2; the soft rim adds a little.
    assert moments(kernel)[2] == pytest.approx(radius**2 / 2, rel=0.02, abs=0.3)
    middle = kernel.shape[0] // 2
    y, x = np.mgrid[-middle : middle + 1, -middle : middle + 1]
    inside = kernel[np.hypot(x, y) <= radius - 0.5]
    assert np.ptp(inside) == 0
    assert inside[0] == pytest.approx(1 / (np.pi * radius**2), rel=0.03)
    np.testing.assert_array_equal(kernel, kernel.T)
    # The rim is anti-aliased: some weights lie between nothing and all.
    assert ((kernel > 0) & (kernel < inside[0] * 0.99)).any()


def test_half_a_pixel_of_defocus_is_none() -> None:
    np.testing.assert_array_equal(kernels.disc_kernel(0.4), [[0, 0, 0], [0, 1, 0], [0, 0, 0]])


@pytest.mark.parametrize("seed", range(6))
def test_shake_is_smooth_curved_and_scaled(seed: int) -> None:
    path = kernels.shake_path(np.random.default_rng(seed))
    np.testing.assert_allclose(path.mean(axis=0), 0, atol=1e-9)
    assert (path**2).sum(axis=1).mean() == pytest.approx(1)
    # Smooth: the camera never leaps, as white noise would.
    steps = np.hypot(*np.diff(path, axis=0).T)
    assert steps.max() < 0.1
    kernel = kernels.path_kernel(path, 8.7)
    assert moments(kernel)[2] == pytest.approx(8.7**2, rel=0.03)
    again = kernels.path_kernel(kernels.shake_path(np.random.default_rng(seed)), 8.7)
    np.testing.assert_array_equal(kernel, again)


def test_most_shakes_are_no_straight_lines() -> None:
    ratios = []
    for seed in range(20):
        path = kernels.shake_path(np.random.default_rng(seed))
        small, large = np.linalg.eigvalsh(np.cov(path.T))
        ratios.append(np.sqrt(small / large))
    assert np.median(ratios) > 0.1
    assert max(ratios) < 1
