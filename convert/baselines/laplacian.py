"""Variance of the Laplacian: the sharpness score of a hundred blog posts, as the floor.

Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .base import RgbArray, grey
from .formula import Formula


def laplacian_variance(luma: NDArray[np.uint8]) -> float:
    """Variance of the response to the kernel 0 1 0 / 1 -4 1 / 0 1 0.

    Args:
        luma: uint8 [H, W], at least 3 x 3; the outermost pixels have no response.

    Raises:
        ValueError: The picture is smaller.
    """
    if min(luma.shape) < 3:
        raise ValueError(f"the Laplacian needs at least 3 x 3 pixels, got {luma.shape}")
    x = luma.astype(np.int16)
    response = x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:] - 4 * x[1:-1, 1:-1]
    return float(response.var(dtype=np.float64))


def _raw(rgb: RgbArray) -> float:
    # The logarithm changes no order and lets the logistic fit a range of four decades.
    return math.log1p(laplacian_variance(grey(rgb)))


LAPLACIAN = Formula(
    "laplacian",
    "Variance of Laplacian",
    "Pech-Pacheco et al. 2000",
    _raw,
    # Three products for the luma, nine for the kernel, one for the variance.
    512 * 512 * (3 + 9 + 1),
)
