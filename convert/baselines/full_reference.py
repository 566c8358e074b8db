"""Full-reference metrics: how much a picture differs from its original, by formula.

GMSD: Xue, Zhang, Mou, Bovik, "Gradient magnitude similarity deviation", IEEE TIP 23(2), 2014.
MS-SSIM: Wang, Simoncelli, Bovik, "Multiscale structural similarity for image quality assessment",
Asilomar 2003. HaarPSI: Reisenhofer, Bosse, Kutyniok, Wiegand, "A Haar wavelet-based perceptual
similarity index for image quality assessment", Signal Process. Image Commun. 61, 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float64]

_YIQ = np.array(
    [
        [0.299, 0.587, 0.114],
        [0.5959, -0.2746, -0.3213],
        [0.2115, -0.5227, 0.3112],
    ]
)
_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_ALPHA, _C = 4.2, 30.0


def _halved(x: Plane) -> Plane:
    """Means of 2 x 2 pixels; an odd last row or column is left out."""
    height, width = (side // 2 * 2 for side in x.shape[:2])
    mean: Plane = x[:height, :width].reshape(height // 2, 2, width // 2, 2, -1).mean((1, 3))
    return mean.reshape(height // 2, width // 2, *x.shape[2:])


def _similarity(x: Plane, y: Plane, constant: float) -> Plane:
    return (2.0 * x * y + constant) / (x * x + y * y + constant)


def gmsd(distorted: NDArray[np.uint8], clean: NDArray[np.uint8]) -> float:
    """Gradient magnitude similarity deviation: 0 for equal pictures, higher is worse."""
    from scipy.ndimage import prewitt

    def gradient(rgb: NDArray[np.uint8]) -> Plane:
        luma = _halved(rgb @ _YIQ[0] / 255.0)
        parts = [prewitt(luma, axis, mode="constant") / 3.0 for axis in (0, 1)]
        return np.hypot(*parts)

    return float(np.std(_similarity(gradient(distorted), gradient(clean), 170.0 / 255.0**2)))


def multi_scale_ssim(distorted: NDArray[np.uint8], clean: NDArray[np.uint8]) -> float:
    """Multiscale structural similarity of the colour channels: 1 for equal pictures."""
    from scipy.ndimage import correlate1d

    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets**2) / (2 * 1.5**2))
    window /= window.sum()

    def blurred(x: Plane) -> Plane:
        for axis in (0, 1):
            x = correlate1d(x, window, axis)
        return x[5:-5, 5:-5]

    x, y = distorted / 255.0, clean / 255.0
    score = np.ones(3)
    for scale, weight in enumerate(_SCALES):
        if scale:
            x, y = _halved(x), _halved(y)
        mean_x, mean_y = blurred(x), blurred(y)
        var_x, var_y = blurred(x * x) - mean_x**2, blurred(y * y) - mean_y**2
        shared = blurred(x * y) - mean_x * mean_y
        value = (2 * shared + 0.03**2) / (var_x + var_y + 0.03**2)
        if scale == len(_SCALES) - 1:
            value = value * _similarity(mean_x, mean_y, 0.01**2)
        score *= np.maximum(value.mean((0, 1)), 0.0) ** weight
    return float(score.mean())


def haarpsi(distorted: NDArray[np.uint8], clean: NDArray[np.uint8]) -> float:
    """Haar wavelet-based perceptual similarity: 1 for equal pictures."""
    x, y = (_halved(rgb @ _YIQ.T) for rgb in (distorted, clean))
    similarities, weights = [], []
    for vertical in (False, True):
        scales = [
            (_haar(x[..., 0], size, vertical), _haar(y[..., 0], size, vertical))
            for size in (2, 4, 8)
        ]
        similarities.append(np.mean([_similarity(a, b, _C) for a, b in scales[:2]], axis=0))
        weights.append(np.maximum(*scales[2]))
    chroma = [
        _similarity(np.abs(_box(x[..., i], 2)), np.abs(_box(y[..., i], 2)), _C) for i in (1, 2)
    ]
    similarities.append(np.mean(chroma, axis=0))
    weights.append(np.mean(weights, axis=0))
    local = 1.0 / (1.0 + np.exp(-_ALPHA * np.stack(similarities)))
    eps = np.finfo(np.float64).eps
    mean = (local * np.stack(weights)).sum() / (np.sum(weights) + eps)
    # Flat pictures have no weight anywhere, and are equal where they are compared.
    mean = mean if np.sum(weights) > eps else 1.0 / (1.0 + np.exp(-_ALPHA))
    return float((np.log(mean / (1.0 - mean)) / _ALPHA) ** 2)


def _box(x: Plane, size: int) -> Plane:
    from scipy.ndimage import uniform_filter

    mean: Plane = uniform_filter(x, size, mode="constant", origin=-1)
    return mean


def _haar(x: Plane, size: int, vertical: bool) -> Plane:
    """Absolute Haar coefficients: the difference of two halves of a square, divided by its side."""
    from scipy.ndimage import correlate1d

    step = np.repeat([-1.0, 1.0], size // 2)
    along, across = (0, 1) if vertical else (1, 0)
    y = correlate1d(x, step, along, mode="constant", origin=-1)
    y = correlate1d(y, np.full(size, 1.0 / size), across, mode="constant", origin=-1)
    return np.abs(y)


Metric = Callable[[NDArray[np.uint8], NDArray[np.uint8]], float]

METRICS: Mapping[str, tuple[Metric, int]] = {
    "gmsd": (gmsd, -1),
    "multi_scale_ssim": (multi_scale_ssim, 1),
    "haarpsi": (haarpsi, 1),
}
"""Each with 1 where higher is better, -1 where lower is."""

MIN_SIDE = 176
"""MS-SSIM halves the picture four times under an 11 px window."""


def full_reference(clean: NDArray[np.uint8], distorted: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Scores of all metrics.

    Args:
        clean: uint8 [N, H, W, 3] RGB, sides of at least 176 px.
        distorted: The same shape.

    Returns:
        float64 [N, metrics], each on its own scale and in its own direction.

    Raises:
        ValueError: Shapes differ or pictures are too small.
    """
    if clean.shape != distorted.shape or clean.ndim != 4 or clean.shape[3] != 3:
        raise ValueError(
            f"expected two arrays [N, H, W, 3] of one shape, got {clean.shape}, {distorted.shape}"
        )
    if min(clean.shape[1:3]) < MIN_SIDE:
        raise ValueError(f"sides must be at least {MIN_SIDE} px, got {clean.shape[1:3]}")
    pairs: list[Any] = list(zip(distorted, clean, strict=True))
    return np.array([[metric(*pair) for metric, _ in METRICS.values()] for pair in pairs])
