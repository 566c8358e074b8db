"""Agreement between predicted scores and mean opinion scores, with bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Metric = Callable[[FloatArray, FloatArray], float]


@dataclass(frozen=True)
class Interval:
    """A measured value with its bootstrap percentile interval.

    Attributes:
        value: The metric on all pictures.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """JSON-ready form; a value that does not exist (NaN) becomes None."""
        return {k: (v if np.isfinite(v) else None) for k, v in asdict(self).items()}


def srocc(predicted: npt.ArrayLike, mos: npt.ArrayLike) -> float:
    """Spearman's rank correlation, mean ranks for ties.

    Args:
        predicted: Shape [N], any scale.
        mos: Shape [N], any scale.

    Returns:
        Correlation in -1..1, NaN when either side is constant.

    Raises:
        ValueError: shapes differ, fewer than two values, or a value is not finite.
    """
    from scipy.stats import rankdata

    x, y = _pair(predicted, mos)
    return _pearson(rankdata(x), rankdata(y))


def plcc(predicted: npt.ArrayLike, mos: npt.ArrayLike) -> float:
    """Pearson's linear correlation; arguments, result and errors as `srocc`."""
    return _pearson(*_pair(predicted, mos))


def krocc(predicted: npt.ArrayLike, mos: npt.ArrayLike) -> float:
    """Kendall's tau-b; arguments, result and errors as `srocc`."""
    from scipy.stats import kendalltau

    x, y = _pair(predicted, mos)
    return float(kendalltau(x, y).statistic)


def rmse(predicted: npt.ArrayLike, mos: npt.ArrayLike) -> float:
    """Root mean square error in the units of the arguments; errors as `srocc`."""
    x, y = _pair(predicted, mos)
    return float(np.sqrt(np.mean((x - y) ** 2)))


def spread_ratio(predicted: npt.ArrayLike, mos: npt.ArrayLike) -> float:
    """Standard deviation of the predictions over that of the MOS (1 is ideal, 0 is collapse).

    Both on the same scale; errors as `srocc`. NaN when all MOS are equal.
    """
    x, y = _pair(predicted, mos)
    deviation = float(np.std(y))
    return float(np.std(x)) / deviation if deviation > 0 else float("nan")


def logistic4(predicted: npt.ArrayLike, parameters: npt.ArrayLike) -> FloatArray:
    """The VQEG 4-parameter logistic.

    ``b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|))``, from the VQEG FR-TV phase I final report
    (2000): b1 is the upper and b2 the lower asymptote, b3 the middle, |b4| the width.

    Args:
        predicted: Any shape.
        parameters: (b1, b2, b3, b4).

    Returns:
        float64 of the shape of `predicted`, in MOS units.
    """
    from scipy.special import expit

    top, bottom, middle, width = (float(b) for b in np.asarray(parameters, np.float64))
    x = np.asarray(predicted, np.float64)
    scaled = (x - middle) / max(abs(width), 1e-12)
    return np.asarray(bottom + (top - bottom) * expit(scaled), np.float64)


def fit_logistic4(predicted: npt.ArrayLike, mos: npt.ArrayLike) -> FloatArray:
    """Least-squares fit of `logistic4` from predictions to MOS.

    Started as in the VQEG report (max and min MOS, mean and a quarter of the deviation of the
    predictions) and from two wider widths; the best result is kept. The asymptotes stay within
    five MOS ranges of the MOS: scores that are linear in MOS already would push them to infinity.
    When all predictions are equal the parameters give the mean MOS.

    Args:
        predicted: Shape [N].
        mos: Shape [N].

    Returns:
        float64 [4], (b1, b2, b3, b4).

    Raises:
        ValueError: as `srocc`.
    """
    from scipy.optimize import least_squares

    x, y = _pair(predicted, mos)
    deviation, span = float(np.std(x)), float(np.ptp(y))
    if deviation == 0 or span == 0:
        return np.array([y.mean(), y.mean(), x.mean(), 1.0])
    # Fitting standardised predictions keeps the search well scaled for any score range.
    z = (x - x.mean()) / deviation
    lower = (y.min() - 5 * span, y.min() - 5 * span, -20.0, 1e-3)
    upper = (y.max() + 5 * span, y.max() + 5 * span, 20.0, 100.0)
    starts = [(y.max(), y.min(), 0.0, width) for width in (0.25, 1.0, 3.0)]

    def residuals(parameters: FloatArray) -> FloatArray:
        return logistic4(z, parameters) - y

    fits = [
        least_squares(residuals, start, bounds=(lower, upper), max_nfev=300) for start in starts
    ]
    best = min(fits, key=lambda fit: float(fit.cost)).x
    top, bottom, middle, scale = best
    return np.array([top, bottom, middle * deviation + x.mean(), scale * deviation])


def bootstrap(
    metrics: Mapping[str, Metric],
    predicted: npt.ArrayLike,
    mos: npt.ArrayLike,
    *,
    repeats: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, Interval]:
    """Metrics with percentile bootstrap intervals (Efron & Tibshirani 1993, chapter 13).

    Pictures are drawn with replacement, the same draws for every metric. A draw on which a metric
    does not exist (all values tied) is left out of its interval.

    Args:
        metrics: Name to function of (predicted, mos).
        predicted: Shape [N].
        mos: Shape [N].
        repeats: Number of draws; 0 gives NaN intervals.
        seed: Seed of the draws.
        confidence: Mass of the interval, between 0 and 1.

    Returns:
        Name to interval, in the order given.

    Raises:
        ValueError: as `srocc`, or negative `repeats`, or `confidence` outside 0..1.
    """
    if repeats < 0:
        raise ValueError(f"repeats must not be negative, got {repeats}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    x, y = _pair(predicted, mos)
    generator = np.random.default_rng(seed)
    draws: dict[str, list[float]] = {name: [] for name in metrics}
    for _ in range(repeats):
        chosen = generator.integers(0, len(x), len(x))
        for name, metric in metrics.items():
            draws[name].append(metric(x[chosen], y[chosen]))
    tails = (50 * (1 - confidence), 50 * (1 + confidence))
    result = {}
    for name, metric in metrics.items():
        finite = [value for value in draws[name] if np.isfinite(value)]
        low, high = np.percentile(finite, tails) if finite else (float("nan"), float("nan"))
        result[name] = Interval(metric(x, y), float(low), float(high))
    return result


def paired_bootstrap(
    metric: Metric,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    mos: npt.ArrayLike,
    *,
    repeats: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> tuple[Interval, float]:
    """How much better the second predictor is than the first, on the same draws of pictures.

    The interval is far narrower than two separate ones suggest, as both predictors meet the same
    hard pictures (Efron & Tibshirani 1993, chapters 13 and 16).

    Args:
        metric: Of (predicted, mos), higher is better, such as `srocc`.
        first: Predictions, [N].
        second: Predictions for the same pictures, [N].
        mos: Shape [N].
        repeats: Number of draws.
        seed: Seed of the draws; the same ones as in `bootstrap`.
        confidence: Mass of the interval, between 0 and 1.

    Returns:
        The metric of the second minus that of the first with its interval, and the two-sided
        achieved significance level: twice the share of draws on the less likely side of zero, a
        tie on both, at least 2 / (repeats + 1), at most 1. NaN where no draw has a difference.

    Raises:
        ValueError: as `bootstrap`.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    a, y = _pair(first, mos)
    b, _ = _pair(second, mos)
    generator = np.random.default_rng(seed)
    draws = []
    for _ in range(repeats):
        chosen = generator.integers(0, len(y), len(y))
        draws.append(metric(b[chosen], y[chosen]) - metric(a[chosen], y[chosen]))
    finite = np.array([draw for draw in draws if np.isfinite(draw)])
    difference = metric(b, y) - metric(a, y)
    if not len(finite):
        return Interval(difference, float("nan"), float("nan")), float("nan")
    low, high = np.percentile(finite, (50 * (1 - confidence), 50 * (1 + confidence)))
    less = min(int((finite <= 0).sum()), int((finite >= 0).sum()))
    level = min(1.0, 2 * (less + 1) / (len(finite) + 1))
    return Interval(difference, float(low), float(high)), level


def validation_figures(
    score: npt.ArrayLike, mos: npt.ArrayLike, subsets: Sequence[str]
) -> dict[str, float]:
    """Figures for a training log.

    Args:
        score: Predictions on 0-1, [N].
        mos: Mean opinion scores on 0-1, [N].
        subsets: Subset of each picture; "" belongs to none.

    Returns:
        SROCC, PLCC, RMSE and spread ratio of all, SROCC within each subset; NaN where a
        correlation does not exist.
    """
    x, y = _pair(score, mos)
    names = np.array(subsets)
    figures = {
        "val_srocc": srocc(x, y),
        "val_plcc": plcc(x, y),
        "val_rmse": rmse(x, y),
        "val_spread": spread_ratio(x, y),
    }
    for subset in sorted(set(subsets)):
        inside = names == subset
        if subset and inside.sum() > 2:
            figures[f"val_srocc_{subset}"] = srocc(x[inside], y[inside])
    return figures


def _pair(predicted: npt.ArrayLike, mos: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, y = np.asarray(predicted, np.float64), np.asarray(mos, np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"expected two vectors of one length, got {x.shape} and {y.shape}")
    if len(x) < 2:
        raise ValueError(f"expected at least two values, got {len(x)}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("expected finite values, got NaN or infinity")
    return x, y


def _pearson(x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> float:
    # A constant vector can leave a deviation of 1e-17 behind: compare values, not deviations.
    if np.all(x == x[0]) or np.all(y == y[0]):
        return float("nan")
    dx, dy = x - x.mean(), y - y.mean()
    return float(np.clip(dx @ dy / np.sqrt((dx @ dx) * (dy @ dy)), -1.0, 1.0))


_Z = 1.959963984540054


def wilson(count: int, total: int) -> Interval:
    """A share with its 95% score interval.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal
    of the American Statistical Association 22 (1927). It holds what it promises near 0 and 1 too.

    Args:
        count: How many of them.
        total: How many there are; 0 gives NaN.
    """
    if total == 0:
        return Interval(math.nan, math.nan, math.nan)
    share, square = count / total, _Z**2 / total
    middle = share + square / 2
    half = _Z * math.sqrt(share * (1 - share) / total + square / (4 * total))
    low, high = ((middle + sign * half) / (1 + square) for sign in (-1, 1))
    return Interval(share, 0.0 if count == 0 else low, 1.0 if count == total else high)
