"""Natural scene statistics: locally normalised luma and the generalised Gaussians it follows.

Mittal, Moorthy, Bovik, "No-reference image quality assessment in the spatial domain", IEEE Trans.
Image Process. 21(12), 2012 (BRISQUE); the moment matching is that of Sharifi and Leon-Garcia
(1995) and, for the asymmetric case, of Lasmar et al. (2009).
"""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FloatArray = NDArray[np.float32]
Luma: TypeAlias = "NDArray[np.uint8] | NDArray[np.floating]"
"""Grey levels 0-255, [H, W]."""

WINDOW = 7
SIGMA = 7.0 / 6.0
SHIFTS = ((0, 1), (1, 0), (1, 1), (-1, 1))
"""Neighbours whose products are looked at: right, below, and the two diagonals."""

MACS_PER_PIXEL = 2 * 2 * WINDOW + 2
"""Two separable Gaussian filters, one on the squares, and the two squarings."""


def mscn(luma: Luma, *, constant: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """Mean-subtracted, contrast-normalised coefficients.

    ``(I - mu) / (sigma + C)`` with mean and deviation under a 7 x 7 Gaussian of 7/6 px, borders
    replicated.

    Args:
        luma: [H, W], 0-255.
        constant: C, in grey levels.

    Returns:
        The coefficients and the local deviation, float32 [H, W] each.
    """
    from scipy.ndimage import correlate1d

    kernel = _gaussian()
    x = np.ascontiguousarray(luma, np.float32)

    def smooth(values: FloatArray) -> FloatArray:
        rows: FloatArray = correlate1d(values, kernel, axis=0, mode="nearest")
        columns: FloatArray = correlate1d(rows, kernel, axis=1, mode="nearest")
        return columns

    mean = smooth(x)
    deviation = np.sqrt(np.abs(smooth(x * x) - mean * mean))
    return (x - mean) / (deviation + np.float32(constant)), deviation


@cache
def _gaussian() -> FloatArray:
    axis = np.arange(WINDOW) - WINDOW // 2
    profile = np.exp(-0.5 * (axis / SIGMA) ** 2)
    return (profile / profile.sum()).astype(np.float32)


def halve(luma: NDArray[np.floating]) -> FloatArray:
    """Half the size in both directions by an antialiased bicubic filter, float32 [H//2, W//2]."""
    height, width = luma.shape
    image = Image.fromarray(np.ascontiguousarray(luma, np.float32), mode="F")
    size = (max(1, width // 2), max(1, height // 2))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


@cache
def _shapes() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Shape parameters 0.2 to 10, E|x|^2 / E x^2 at each (rising), and mid-points for rounding."""
    from scipy.special import gammaln

    shape = np.arange(200, 10001) / 1000.0
    ratio = np.exp(2 * gammaln(2 / shape) - gammaln(1 / shape) - gammaln(3 / shape))
    return shape, ratio, (ratio[1:] + ratio[:-1]) / 2


def shape_of(ratio: NDArray[np.floating]) -> NDArray[np.float64]:
    """The shape whose generalised Gaussian has this E|x|^2 / E x^2, within 0.2-10."""
    shape, _, middles = _shapes()
    return shape[np.searchsorted(middles, np.asarray(ratio, np.float64))]


def ggd(values: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shape and variance of a zero-mean generalised Gaussian, by moments.

    Args:
        values: [..., N]; the last axis is what the distribution is of.

    Returns:
        Shape and variance, [...]; a constant 0 gives shape 10 and variance 0.
    """
    variance = np.asarray(np.mean(np.square(values), axis=-1, dtype=np.float64))
    absolute = np.mean(np.abs(values), axis=-1, dtype=np.float64)
    ratio = np.divide(absolute**2, variance, out=np.ones_like(variance), where=variance > 0)
    return shape_of(ratio), variance


def aggd(
    values: NDArray[np.floating],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Shape, left and right deviation of an asymmetric generalised Gaussian, by moments.

    Args:
        values: [..., N].

    Returns:
        Shape and the root mean squares of the negative and of the positive values, [...]; sides
        without values count as 0.
    """
    negative, positive = np.minimum(values, 0), np.maximum(values, 0)
    # All moments follow from four sums over the two halves.
    squares = [_inner(side, side) for side in (negative, positive)]
    counts = [np.maximum(np.count_nonzero(side, axis=-1), 1) for side in (negative, positive)]
    left, right = (np.sqrt(s / n) for s, n in zip(squares, counts, strict=True))
    absolute = np.mean(positive, axis=-1, dtype=np.float64) - np.mean(
        negative, axis=-1, dtype=np.float64
    )
    square = (squares[0] + squares[1]) / values.shape[-1]
    ratio = np.divide(absolute**2, square, out=np.ones_like(square), where=square > 0)
    skew = np.divide(left, right, out=np.ones_like(left), where=right > 0)
    ratio = ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    return shape_of(ratio), left, right


def _inner(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.einsum("...n,...n->...", x, y).astype(np.float64)


def products(coefficients: FloatArray) -> list[FloatArray]:
    """Products with the neighbours of `SHIFTS`, wrapped around the borders, [..., H, W] each."""
    return [coefficients * np.roll(coefficients, shift, axis=(-2, -1)) for shift in SHIFTS]


def _log_gamma_ratio(shape: NDArray[np.float64], top: float, bottom: float) -> NDArray[np.float64]:
    from scipy.special import gammaln

    return np.exp(gammaln(top / shape) - gammaln(bottom / shape))


def spread_factor(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """sqrt(Gamma(1/a) / Gamma(3/a)): from a deviation to the scale of the density."""
    return np.sqrt(_log_gamma_ratio(shape, 1.0, 3.0))


def mean_factor(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gamma(2/a) / Gamma(1/a): from the difference of two scales to the mean of the density."""
    return _log_gamma_ratio(shape, 2.0, 1.0)
