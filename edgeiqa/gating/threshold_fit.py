"""Fits a threshold, with its uncertainty, to shots that a person kept and rejected.

Logistic regression of "kept" on the score, by penalised likelihood: D. Firth, "Bias reduction of
maximum likelihood estimates", Biometrika 80 (1993). Its estimates stay finite where all kept shots
score above all rejected ones, which plain maximum likelihood cannot (G. Heinze and M. Schemper,
"A solution to the problem of separation in logistic regression", Statistics in Medicine 21, 2002).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

MIN_SHOTS = 20
MIN_PER_CLASS = 5
"""Minimum number of kept shots, and of rejected ones."""
CONFIDENCE = 0.95
_CHI2 = 3.841458820694124
"""The 95% point of the chi-squared distribution with one degree of freedom."""
_LEAVE_ONE_OUT = 1000
"""Up to this many shots, cross-validation leaves one out; beyond, it uses ten folds."""
_FOLDS = 10
_PRECISION = 1e-3
"""Precision of the ends of the interval, in points of the score."""


@dataclass(frozen=True)
class ThresholdFit:
    """A threshold and how far it can be trusted.

    Attributes:
        threshold: Minimum score of a shot worth keeping, 0-100.
        interval: 95% confidence interval of the threshold, within 0-100. It is the whole scale
            if the scores do not separate kept from rejected shots.
        slope: Log-odds of being kept per point of the score; above 0.
        p_value: Probability of scores unrelated to being kept looking at least this informative;
            from the ratio of penalised likelihoods.
        kept: Number of kept shots.
        rejected: Number of rejected shots.
        kept_right: How many kept shots a threshold fitted without them keeps.
        rejected_right: How many rejected shots a threshold fitted without them rejects.
        keep_share: The requested share of kept shots; None if the threshold is the score at which
            a shot is as likely to be kept as not.
    """

    threshold: float
    interval: tuple[float, float]
    slope: float
    p_value: float
    kept: int
    rejected: int
    kept_right: int
    rejected_right: int
    keep_share: float | None = None

    @property
    def n(self) -> int:
        """Number of shots."""
        return self.kept + self.rejected

    @property
    def accuracy(self) -> float:
        """Share 0-1 of the shots judged correctly by thresholds fitted without them."""
        return (self.kept_right + self.rejected_right) / self.n

    def to_dict(self) -> dict[str, Any]:
        """Returns plain dictionaries, lists and numbers, ready for JSON."""
        return {
            **asdict(self),
            "interval": list(self.interval),
            "n": self.n,
            "accuracy": self.accuracy,
        }


def fit_threshold(
    scores: npt.ArrayLike, keep: Sequence[bool] | npt.ArrayLike, *, keep_share: float | None = None
) -> ThresholdFit:
    """Fits a threshold to kept and rejected shots.

    Without `keep_share` the threshold is the score at which the logistic curve passes 1/2, and its
    interval holds all thresholds whose profile of the penalised likelihood is within chi-squared's
    95% point of the best (Heinze and Schemper, 2002). With it, the threshold is an order statistic
    of the kept shots' scores and its interval the distribution-free one of a quantile (H. David
    and H. Nagaraja, "Order Statistics", 2003, section 7.1); an end for which there are too few
    shots is 0 or 100.

    Cross-validation leaves out one shot at a time, or a tenth of them if there are over 1000.

    Args:
        scores: [shots] numbers 0-100.
        keep: [shots] bool.
        keep_share: Share of the kept shots to keep, above 0 and at most 1.

    Returns:
        The threshold and its uncertainty.

    Raises:
        ValueError: Too few shots in all or of a kind, NaN, scores outside 0-100 or all within 0-1,
            unequal lengths, all scores equal, a share outside its range, or lower scores of kept
            shots.
        TypeError: `keep` is not bool, or `scores` are not numbers.
    """
    x, y = _checked(scores, keep)
    if keep_share is not None and (
        isinstance(keep_share, bool) or not 0 < keep_share <= 1  # NaN fails as well
    ):
        raise ValueError(f"keep_share is {keep_share!r}, expected above 0 and at most 1")
    curve = _Logistic(x, y)
    if curve.slope <= 0:
        raise ValueError(
            "shots with higher scores were not kept more often: the mean score is "
            f"{x[y].mean():.1f} for kept and {x[~y].mean():.1f} for rejected ones. Is keep "
            "inverted? If not, this model's score does not help to choose among such shots"
        )
    if keep_share is None:
        threshold, interval = curve.middle, curve.interval()
    else:
        threshold = _lowest_kept(x[y], keep_share)
        interval = _quantile_interval(x[y], 1 - keep_share)
    right = _cross_validated(x, y, keep_share)
    return ThresholdFit(
        threshold=threshold,
        interval=interval,
        slope=curve.slope,
        p_value=curve.p_value,
        kept=int(y.sum()),
        rejected=int((~y).sum()),
        kept_right=int((right & y).sum()),
        rejected_right=int((right & ~y).sum()),
        keep_share=None if keep_share is None else float(keep_share),
    )


def _checked(scores: npt.ArrayLike, keep: Sequence[bool] | npt.ArrayLike) -> tuple[Any, Any]:
    """Returns the arguments as float64 [shots] and bool [shots]; raises as `fit_threshold`."""
    raw = np.asarray(scores)
    if raw.size and raw.dtype.kind not in "iuf":
        raise TypeError(f"scores are {raw.dtype}, expected numbers 0-100 or qualities")
    flags = np.asarray(keep)
    if flags.size and flags.dtype != bool:
        raise TypeError(f"keep is {flags.dtype}, expected bool: True for a shot that was kept")
    if raw.ndim != 1 or raw.shape != flags.shape:
        raise ValueError(
            f"scores have the shape {raw.shape} and keep {flags.shape}, expected one score and "
            "one bool per shot"
        )
    x, y = raw.astype(np.float64), flags.astype(bool)
    kept = int(y.sum())
    if len(x) < MIN_SHOTS:
        raise ValueError(f"{len(x)} shots are too few, expected at least {MIN_SHOTS}")
    if min(kept, len(x) - kept) < MIN_PER_CLASS:
        raise ValueError(
            f"{kept} shots were kept and {len(x) - kept} rejected, expected at least "
            f"{MIN_PER_CLASS} of each"
        )
    wrong = np.flatnonzero(~((x >= 0) & (x <= 100)))
    if len(wrong):
        raise ValueError(
            f"score {x[wrong[0]]} of shot {wrong[0]} (counting from 0) is outside 0-100; leave out "
            "shots that could not be scored"
        )
    if np.ptp(x) == 0:
        raise ValueError(f"all shots have the score {x[0]:g}, which separates nothing")
    if x.max() <= 1:
        raise ValueError(
            f"the scores lie between {x.min():g} and {x.max():g}, expected a scale of 0 to 100; "
            "multiply scores of 0 to 1 by 100"
        )
    return x, y


class _Logistic:
    """The logistic curve through all shots; scores are standardised inside.

    Attributes:
        slope: Log-odds per point.
        p_value: Of the slope.
        middle: The score where the curve passes 1/2, clipped to 0-100; meaningless unless the
            slope is above 0.
    """

    def __init__(self, x: FloatArray, y: BoolArray, start: FloatArray | None = None) -> None:
        self._mean, self._scale = float(x.mean()), float(x.std())
        self._z = (x - self._mean) / self._scale
        self._y = y.astype(np.float64)
        self._design = np.column_stack([np.ones_like(self._z), self._z])
        self.beta, self._best = _maximise(
            self._design, self._design, self._y, np.zeros(2) if start is None else start
        )
        self.slope = float(self.beta[1]) / self._scale

    def keeps(self, score: float | FloatArray) -> npt.NDArray[np.bool_]:
        """Returns whether shots of these scores are at least as likely to be kept as not."""
        z = (np.asarray(score) - self._mean) / self._scale
        return np.asarray(self.beta[0] + self.beta[1] * z >= 0)

    @property
    def p_value(self) -> float:
        null = _maximise(self._design, self._design[:, :1], self._y, np.zeros(1))[1]
        # The tail of chi-squared with one degree of freedom.
        return math.erfc(math.sqrt(max(self._best - null, 0.0)))

    @property
    def middle(self) -> float:
        if self.beta[1] == 0:
            return math.nan
        return min(max(self._mean - self._scale * float(self.beta[0] / self.beta[1]), 0.0), 100.0)

    def interval(self) -> tuple[float, float]:
        """Returns the profile's 95% interval of `middle`, within 0-100."""
        return self._end(0.0), self._end(100.0)

    def _end(self, edge: float) -> float:
        inside, outside = self.middle, edge
        slope = float(self.beta[1])

        def within(score: float) -> bool:
            nonlocal slope
            centred = self._z - (score - self._mean) / self._scale
            # The slope of the neighbouring score is a good start.
            beta, best = _maximise(self._design, centred[:, None], self._y, np.array([slope]))
            slope = float(beta[0])
            return 2 * (self._best - best) <= _CHI2

        if inside == edge or within(edge):
            return edge
        slope = float(self.beta[1])
        while abs(outside - inside) > _PRECISION:
            half = (inside + outside) / 2
            inside, outside = (half, outside) if within(half) else (inside, half)
        return (inside + outside) / 2


def _maximise(
    full: FloatArray, design: FloatArray, y: FloatArray, start: FloatArray
) -> tuple[FloatArray, float]:
    """Maximises the likelihood times Jeffreys' prior of the full model.

    Newton's method on Firth's score X'(y - p + h (1/2 - p)), where h is the diagonal of the hat
    matrix; steps are halved until the likelihood grows.

    Args:
        full: float64 [shots, 2], 1 and the score; the prior is computed from it.
        design: float64 [shots, parameters]: `full` itself, or the directions that a profile or
            the null model leaves free.
        y: float64 [shots], 0 or 1.
        start: float64 [parameters].

    Returns:
        The parameters and the logarithm of the penalised likelihood.
    """
    beta = start
    value = _penalised(full, design @ beta, y)
    if not math.isfinite(value):
        beta = np.zeros_like(start)
        value = _penalised(full, design @ beta, y)
    for _ in range(100):
        p, weight = _curve(design @ beta)
        inverse = np.linalg.inv(full.T @ (weight[:, None] * full))
        hat = weight * np.einsum("ij,jk,ik->i", full, inverse, full)
        score = design.T @ (y - p + hat * (0.5 - p))
        step = np.linalg.solve(design.T @ (weight[:, None] * design), score)
        longest = float(np.abs(step).max())
        step *= min(1.0, 5.0 / longest) if longest > 0 else 1.0
        for _ in range(30):
            tried = _penalised(full, design @ (beta + step), y)
            if tried >= value:
                break
            step = step / 2
        else:
            break
        gained, beta, value = tried - value, beta + step, tried
        if gained < 1e-9 and float(np.abs(step).max()) < 1e-6:
            break
    return beta, value


def _curve(eta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Returns probabilities, and their variances p (1 - p) without cancellation."""
    p = 0.5 * (1.0 + np.tanh(0.5 * eta))
    return p, 0.25 / np.cosh(np.clip(0.5 * eta, -300, 300)) ** 2


def _penalised(full: FloatArray, eta: FloatArray, y: FloatArray) -> float:
    likelihood = float(np.sum(y * eta - np.logaddexp(0.0, eta)))
    _, weight = _curve(eta)
    sign, determinant = np.linalg.slogdet(full.T @ (weight[:, None] * full))
    return likelihood + 0.5 * float(determinant) if sign > 0 else -math.inf


def _lowest_kept(kept: FloatArray, share: float) -> float:
    """Returns the highest threshold that keeps at least this share of the kept shots."""
    # With a tolerance, since 1 - 0.95 is slightly more than 0.05 in binary.
    lost = math.floor((1 - share) * len(kept) + 1e-9)
    return float(np.sort(kept)[min(lost, len(kept) - 1)])


def _quantile_interval(sample: FloatArray, share: float) -> tuple[float, float]:
    """Returns the 95% interval of a quantile, between order statistics."""
    ordered = np.sort(sample)
    count, tail = len(ordered), (1 - CONFIDENCE) / 2
    below = _binomial_cdf(count, share)
    # Rank l is a lower end if fewer than l shots lie below the quantile with such a probability.
    lower = int(np.searchsorted(below, tail, side="right"))
    upper = int(np.searchsorted(below, 1 - tail, side="left")) + 1
    low = float(ordered[lower - 1]) if lower >= 1 else 0.0
    high = float(ordered[upper - 1]) if upper <= count else 100.0
    return low, high


def _binomial_cdf(count: int, share: float) -> FloatArray:
    """Returns the probabilities of at most 0, 1, ... `count` successes; float64 [count + 1]."""
    if share <= 0 or share >= 1:
        return np.ones(count + 1) if share <= 0 else np.eye(1, count + 1, count)[0]
    logs = [
        math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        + k * math.log(share) + (count - k) * math.log1p(-share)
        for k in range(count + 1)
    ]  # fmt: skip
    return np.minimum(np.cumsum(np.exp(logs)), 1.0)


def _cross_validated(x: FloatArray, y: BoolArray, keep_share: float | None) -> BoolArray:
    """Returns which shots are judged correctly by a rule fitted without them; bool [shots]."""
    judge: Callable[[FloatArray, BoolArray, FloatArray], npt.NDArray[np.bool_]]
    if keep_share is None:
        start = _Logistic(x, y).beta

        def judge(some: FloatArray, kept: BoolArray, others: FloatArray) -> BoolArray:
            return _Logistic(some, kept, start).keeps(others)
    else:

        def judge(some: FloatArray, kept: BoolArray, others: FloatArray) -> BoolArray:
            return np.asarray(others >= _lowest_kept(some[kept], keep_share))

    count = len(x)
    if count <= _LEAVE_ONE_OUT:
        fold = np.arange(count)
    else:
        # Dealt out in the order of class and score, so that every fold resembles the whole.
        fold = np.empty(count, np.int64)
        fold[np.lexsort((x, y))] = np.arange(count) % _FOLDS
    right = np.empty(count, bool)
    for number in range(int(fold.max()) + 1):
        out = fold == number
        if np.ptp(x[~out]) == 0:  # Only the shot left out had another score.
            right[out] = False
            continue
        right[out] = judge(x[~out], y[~out], x[out]) == y[out]
    return right
