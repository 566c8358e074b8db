"""BRISQUE: natural scene statistics and a support vector regression on our training pictures.

Mittal, Moorthy, Bovik, "No-reference image quality assessment in the spatial domain", IEEE Trans.
Image Process. 21(12), 2012.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.metrics import srocc
from . import mscn
from .base import FLOAT_BYTES, Arrays, RgbArray, Scorer, TrainingData, grey, mos_of
from .features import picture_features

FEATURES = 36
PICTURES = (4000, 250)
HELD_OUT = 0.2
"""Share of those pictures on which the hyperparameters are chosen."""

COSTS = (0.25, 1.0, 4.0, 16.0)
GAMMAS = (0.01, 0.05, 0.2, 0.8)
TUBE = 0.05
"""Half width of the SVR's insensitive tube, on the MOS scale 0-1."""


def brisque_features(luma: mscn.Luma) -> NDArray[np.float64]:
    """The 36 features of the paper.

    Args:
        luma: [H, W], 0-255, at least 2 x 2.

    Returns:
        Float64 [36]: 18 at full and 18 at half size. Of each 18, shape and variance of the
        coefficients, then shape, mean, left and right variance of the products with the right,
        lower and two diagonal neighbours.
    """
    scale = np.asarray(luma, np.float32)
    return np.concatenate([scale_features(scale), scale_features(mscn.halve(scale))])


def scale_features(luma: NDArray[np.float32]) -> NDArray[np.float64]:
    """The 18 features of one scale, see `brisque_features`."""
    coefficients, _ = mscn.mscn(luma)
    shape, variance = mscn.ggd(coefficients.reshape(-1))
    features = [shape, variance]
    for neighbours in mscn.products(coefficients):
        shape, left, right = mscn.aggd(neighbours.reshape(-1))
        mean = (right - left) * mscn.spread_factor(shape) * mscn.mean_factor(shape)
        features += [shape, mean, left**2, right**2]
    return np.array(features, np.float64)


def fit_svr(features: NDArray[np.floating], mos: NDArray[np.floating], seed: int) -> Arrays:
    """An RBF support vector regression, its hyperparameters chosen on a held-out part.

    Args:
        features: [N, 36].
        mos: [N], 0-1.
        seed: Of the held-out part.

    Returns:
        ``low`` and ``high`` (feature ranges), ``vectors``, ``weights``, ``intercept``, ``gamma``,
        ``cost``.
    """
    from sklearn.svm import SVR

    low, high = features.min(axis=0), features.max(axis=0)
    x = _scaled(np.asarray(features), low, high)
    order = np.random.default_rng((seed, 11)).permutation(len(x))
    out, rest = np.split(order, [max(2, round(HELD_OUT * len(x)))])

    def agreement(setting: tuple[float, float]) -> float:
        cost, gamma = setting
        model = SVR(C=cost, gamma=gamma, epsilon=TUBE).fit(x[rest], mos[rest])
        value = srocc(model.predict(x[out]), mos[out])
        return value if np.isfinite(value) else -1.0

    cost, gamma = max(product(COSTS, GAMMAS), key=agreement)
    model = SVR(C=cost, gamma=gamma, epsilon=TUBE).fit(x, mos)
    return {
        "low": low,
        "high": high,
        "vectors": np.asarray(model.support_vectors_),
        "weights": np.asarray(model.dual_coef_[0]),
        "intercept": np.asarray(model.intercept_[0]),
        "gamma": np.array(gamma),
        "cost": np.array(cost),
    }


def predict_svr(features: NDArray[np.floating], arrays: Mapping[str, NDArray[Any]]) -> float:
    """The regression's value for one picture's features [36]."""
    x = _scaled(features, arrays["low"], arrays["high"])
    distance = np.square(arrays["vectors"] - x).sum(axis=1)
    kernel = np.exp(-float(arrays["gamma"]) * distance)
    return float(kernel @ arrays["weights"] + arrays["intercept"])


def _scaled(x: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> NDArray[np.float64]:
    span = np.where(high > low, high - low, 1.0)
    return np.asarray(2.0 * (x - low) / span - 1.0)


class Brisque:
    """BRISQUE trained on our split."""

    name = "brisque"
    title = "BRISQUE + SVR"
    paper = "Mittal et al. 2012"
    version = 1
    extra = "baselines"

    def fit(self, data: TrainingData, folder: Path) -> Mapping[str, NDArray[Any]]:
        """Computes features, chooses the SVR, fits it."""
        del folder
        rows = data.part(*PICTURES)
        features = picture_features(
            "brisque-1", lambda rgb: brisque_features(grey(rgb)), rows, data.root, data.work
        )
        return fit_svr(features, mos_of(rows), data.seed)

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Scorer:
        """Normalisation, products and moments at two scales, then one kernel per vector."""

        def score(rgb: RgbArray) -> float:
            return predict_svr(brisque_features(grey(rgb)), arrays)

        pixels = 512 * 512 * 5 // 4
        count = len(arrays["weights"])
        macs = 512 * 512 * 3 + pixels * (mscn.MACS_PER_PIXEL + 4 + 5 * 2) + count * (FEATURES + 1)
        parameters = count * (FEATURES + 1) + 1 + 2 * FEATURES
        return Scorer(score, parameters, macs, parameters * FLOAT_BYTES)
