"""Variance of the Laplacian: the sharpness score of a hundred blog posts, as the floor.

Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.baselines.base import RgbArray, Scorer, TrainingData, grey, mos_of
from convert.baselines.features import picture_features
from convert.baselines.scale import RAW_PICTURES, fit_scale, scaled_scorer


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


class Laplacian:
    """Variance of the Laplacian on the MOS scale."""

    name = "laplacian"
    title = "Variance of Laplacian"
    paper = "Pech-Pacheco et al. 2000"
    version = 1
    extra = "convert"

    def fit(self, data: TrainingData, folder: Path) -> Mapping[str, NDArray[Any]]:
        """Fits the MOS scale."""
        del folder
        rows = data.part(*RAW_PICTURES)
        raw = picture_features(
            "laplacian-1", lambda rgb: np.array(_raw(rgb)), rows, data.root, data.work
        )
        return fit_scale(raw, mos_of(rows))

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Scorer:
        """Three products for the luma, nine for the kernel, one for the variance."""
        return scaled_scorer(_raw, arrays, macs=512 * 512 * (3 + 9 + 1))
