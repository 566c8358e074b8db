"""What `std` is worth, and how to make it worth something: the error bar of a score.

A histogram's spread, taught under an assumption about how opinions scatter, says nothing about
how far a score is from the mean opinion. `fit_spread` finds the two numbers of the contract
(`Calibration.std_scale`, `std_power`) that make it say so.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from edgeiqa.inference.contract import Calibration, append, read

from ..common.metrics import FloatArray
from ..datasets.manifest import ManifestRow
from .predictions import arrays, open_scorer, predict

COVERAGE = 0.8
"""Share of mean opinions that score +- QUANTILE * std is to hold."""

QUANTILE = NormalDist().inv_cdf(0.5 + COVERAGE / 2)
"""1.2816: so many standard deviations hold the middle 80% of a Gaussian."""

MIN_PICTURES = 30
_SMALLEST = 1e-3


@dataclass(frozen=True)
class SpreadFit:
    """Two numbers for a contract: std = std_scale * spread ** std_power, in points."""

    std_scale: float
    std_power: float

    def apply(self, spread: npt.ArrayLike) -> FloatArray:
        """`std` of spreads, as the runtime computes it; float64 of the same shape."""
        calibration = Calibration(std_scale=self.std_scale, std_power=self.std_power)
        flat = [calibration.std(float(s)) for s in np.asarray(spread, np.float64).ravel()]
        return np.array(flat).reshape(np.shape(spread))


@dataclass(frozen=True)
class SpreadFigures:
    """How well `std` describes the errors of the scores.

    Attributes:
        pictures: How many.
        nll: Mean Gaussian negative log-likelihood of the MOS in points, in nats; lower is better.
        coverage: Share of MOS within score +- 1.2816 std; 0.8 is right.
        sharpness: Mean std in points; the lower, the more it says, at the same coverage.
        rmse: Of the scores, in points: what a constant std would be.
    """

    pictures: int
    nll: float
    coverage: float
    sharpness: float
    rmse: float

    def to_dict(self) -> dict[str, float | int]:
        """JSON-ready, rounded to four decimals."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def spread_figures(score: npt.ArrayLike, std: npt.ArrayLike, mos: npt.ArrayLike) -> SpreadFigures:
    """Judges `std` as the error bar of the score.

    Args:
        score: Points of 0-100, [N].
        std: Points, [N].
        mos: Mean opinions in points, [N].

    Raises:
        ValueError: shapes differ, nothing there, or a std is not above 0.
    """
    x, s, y = _checked(score, std, mos)
    error = y - x
    return SpreadFigures(
        len(x),
        _nll(error, s),
        float(np.mean(np.abs(error) <= QUANTILE * s)),
        float(s.mean()),
        float(np.sqrt(np.mean(error**2))),
    )


def fit_spread(
    score: npt.ArrayLike,
    spread: npt.ArrayLike,
    mos: npt.ArrayLike,
    *,
    coverage: float | None = COVERAGE,
) -> SpreadFit:
    """Fits std = a * spread ** b.

    The power b, which says for which pictures to be less sure, minimises the Gaussian negative
    log-likelihood of the MOS (together with its own best a). Errors have heavier tails than a
    Gaussian, so that a likelihood's a covers too much of them; a is therefore chosen so that the
    wanted share of these pictures is covered, as in split conformal prediction (Vovk et al. 2005).

    Args:
        score: Points of 0-100, [N], N at least 30, of pictures that the network did not learn.
        spread: Of the histogram, in points, before any calibration, [N].
        mos: Mean opinions in points, [N].
        coverage: Share to be covered, between 0 and 1; None keeps the likelihood's a.

    Returns:
        The fit, rounded to six digits; power 0 when all spreads are equal.

    Raises:
        ValueError: shapes differ, too few pictures, or no score is off at all.
    """
    from scipy.optimize import minimize_scalar

    x, s, y = _checked(score, np.maximum(np.asarray(spread, np.float64), _SMALLEST), mos)
    if len(x) < MIN_PICTURES:
        raise ValueError(
            f"expected at least {MIN_PICTURES} pictures to fit the spread, got {len(x)}"
        )
    error = y - x
    if not np.any(error):
        raise ValueError("every score equals its MOS: there is no error to describe")

    def scaled(power: float) -> FloatArray:
        # For a given power the likelihood's best scale is known: the RMS of the scaled errors.
        shape = s**power
        best: FloatArray = shape * np.sqrt(np.mean((error / shape) ** 2))
        return best

    power = 0.0
    if np.ptp(s) > 1e-6:
        found = minimize_scalar(
            lambda b: _nll(error, scaled(float(b))), bounds=(0.0, 4.0), method="bounded"
        )
        power = float(f"{np.clip(found.x, 0.0, 4.0):.6g}")
    std = scaled(power)
    factor = 1.0
    if coverage is not None:
        quantile = NormalDist().inv_cdf(0.5 + coverage / 2)
        ratio = np.quantile(np.abs(error) / std, coverage, method="higher")
        factor = max(float(ratio), 1e-6) / quantile
    scale = factor * float(std[0] / s[0] ** power)
    # Rounded up: the picture that sits on the quantile must not fall out of the interval.
    return SpreadFit(float(f"{scale * (1 + 1e-5):.6g}"), power)


def cross_fitted(
    score: npt.ArrayLike, spread: npt.ArrayLike, mos: npt.ArrayLike, folds: int = 5, seed: int = 0
) -> FloatArray:
    """`std` of every picture by a fit that did not see it, [N]: for honest figures.

    Args:
        score: As for `fit_spread`.
        spread: As for `fit_spread`.
        mos: As for `fit_spread`.
        folds: Number of parts, each left out once.
        seed: Of the parts.

    Raises:
        ValueError: as `fit_spread`; each part leaves `MIN_PICTURES` pictures to fit on.
    """
    x, s, y = (np.asarray(a, np.float64) for a in (score, spread, mos))
    least = -(-MIN_PICTURES * folds // (folds - 1))
    if len(x) < least:
        raise ValueError(f"expected at least {least} rated pictures, got {len(x)}")
    part = np.random.default_rng(seed).permutation(len(x)) % folds
    std = np.empty(len(x))
    for fold in range(folds):
        out = part == fold
        std[out] = fit_spread(x[~out], s[~out], y[~out]).apply(s[out])
    return std


def plain_spread(model: bytes) -> bytes:
    """The same model file with `std` uncalibrated: the spread of its histogram."""
    contract, flatbuffer = read(model)
    calibration = replace(contract.calibration, std_scale=1.0, std_power=1.0)
    return append(flatbuffer, replace(contract, calibration=calibration))


def with_spread(model: bytes, fit: SpreadFit) -> bytes:
    """The same model file with these numbers in its contract."""
    contract, flatbuffer = read(model)
    calibration = replace(contract.calibration, **asdict(fit))
    return append(flatbuffer, replace(contract, calibration=calibration))


def fitted_calibration(
    model: bytes,
    rows: Sequence[ManifestRow],
    root: str | os.PathLike[str],
    jobs: int | None = None,
) -> Calibration:
    """The contract's calibration with `std` fitted on rated pictures.

    Args:
        model: A .tflite with its contract, the scores calibrated already.
        rows: Rated pictures that the network did not learn: the validation split.
        root: Folder that the rows' paths start from.
        jobs: Pictures scored at a time.

    Returns:
        The model's own calibration with `std_scale` and `std_power` filled in; as it is for a
        model that has no histogram.

    Raises:
        ValueError: as `predict` and `fit_spread`.
    """
    scorer, workers = open_scorer(plain_spread(model), jobs)
    scores = arrays(predict(scorer, rows, root, workers))
    if scores.std is None:
        return scorer.contract.calibration
    fit = fit_spread(scores.score, scores.std, scores.mos)
    return replace(scorer.contract.calibration, **asdict(fit))


def _nll(error: FloatArray, std: FloatArray) -> float:
    return float(np.mean(0.5 * np.log(2 * np.pi * std**2) + 0.5 * (error / std) ** 2))


def _checked(
    score: npt.ArrayLike, std: npt.ArrayLike, mos: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    x, s, y = (np.asarray(a, np.float64) for a in (score, std, mos))
    if x.ndim != 1 or x.shape != s.shape or x.shape != y.shape or not len(x):
        raise ValueError(f"expected three vectors of one length, got {x.shape} {s.shape} {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(s).all() and np.isfinite(y).all()):
        raise ValueError("expected finite values, got NaN or infinity")
    if (s <= 0).any():
        raise ValueError("a std is not above 0")
    return x, s, y
