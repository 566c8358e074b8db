"""From a raw score to the MOS scale: a monotone curve fitted on training pictures only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..common.metrics import fit_logistic4, logistic4, srocc
from .base import FLOAT_BYTES, Arrays, RgbArray, Scorer

RAW_PICTURES = (1500, 200)
"""Training pictures that the curve is fitted on, full and small budget."""


def fit_scale(raw: npt.ArrayLike, mos: npt.ArrayLike) -> Arrays:
    """Fits the rising VQEG logistic of four parameters.

    A fit that falls, or that is so steep that scores become equal at its ends, is replaced by a
    gentle one around the mean: order, and with it SROCC, is the method's own and never changes.

    Args:
        raw: Raw scores, [N], higher is better.
        mos: MOS, [N], 0-1.

    Returns:
        ``logistic`` [4].
    """
    raw, mos = np.asarray(raw, np.float64), np.asarray(mos, np.float64)
    logistic = fit_logistic4(raw, mos)
    order = srocc(logistic4(raw, logistic), raw)
    if not (logistic[0] > logistic[1] and order > 1 - 1e-9):
        middle, width = float(raw.mean()), float(raw.std()) or 1.0
        half = float(mos.std())
        logistic = np.array([mos.mean() + half, mos.mean() - half, middle, width])
    return {"logistic": logistic}


def to_mos(raw: float, arrays: Mapping[str, npt.NDArray[Any]]) -> float:
    """A raw score on the MOS scale, by what `fit_scale` found."""
    return float(logistic4(np.array([raw]), arrays["logistic"])[0])


def scaled_scorer(
    raw: Callable[[RgbArray], float],
    arrays: Mapping[str, npt.NDArray[Any]],
    *,
    macs: int,
    parameters: int = 0,
) -> Scorer:
    """A scorer of a raw score and its curve; ``parameters`` are those of the raw score."""
    total = parameters + int(arrays["logistic"].size)

    def score(rgb: RgbArray) -> float:
        return to_mos(raw(rgb), arrays)

    return Scorer(score, total, macs, total * FLOAT_BYTES)
