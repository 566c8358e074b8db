"""Ridge regression for heads on pooled features, and targets on each database's own scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
TARGETS = ("standardised", "pooled")


def group_targets(mos: ArrayLike, groups: Sequence[str], targets: str = "standardised") -> Array:
    """What a head learns.

    Two databases, or two parts of one that were rated on different terms, have no common scale:
    0.7 may be dull in one and splendid in the other. Standardised within each, their scores can
    be learned together; pooled, a head learns to distinguish the databases.

    Args:
        mos: Mean opinion scores, [N].
        groups: Name of the group of each picture, [N].
        targets: ``standardised`` gives each group mean 0 and deviation 1, ``pooled`` all of them
            together.

    Returns:
        float64 [N].

    Raises:
        ValueError: No such kind of targets, or a group whose scores are all equal.
    """
    if targets not in TARGETS:
        raise ValueError(f"targets must be one of {', '.join(TARGETS)}, got {targets!r}")
    values = np.asarray(mos, np.float64)
    names = np.array(groups) if targets == "standardised" else np.full(len(values), "all")
    found = np.empty_like(values)
    for name in np.unique(names):
        inside = names == name
        deviation = float(values[inside].std())
        if deviation == 0:
            raise ValueError(f"all {int(inside.sum())} pictures of {name} have the same score")
        found[inside] = (values[inside] - values[inside].mean()) / deviation
    return found


@dataclass(frozen=True)
class Ridge:
    """A linear head.

    Attributes:
        mean: Of the features in training, [D].
        scale: Of the features in training, [D].
        weights: For standardised features, [D].
        bias: Added to all predictions.
    """

    mean: Array
    scale: Array
    weights: Array
    bias: float

    def predict(self, features: ArrayLike) -> Array:
        """Predictions, float64 [N], for features [N, D]."""
        x = (np.asarray(features, np.float64) - self.mean) / self.scale
        return np.asarray(x @ self.weights + self.bias)


def fit_ridge(
    features: ArrayLike, targets: ArrayLike, strength: float, counts: ArrayLike | None = None
) -> Ridge:
    """Fits a head.

    Args:
        features: [N, D].
        targets: [N].
        strength: Penalty on the weights of standardised features, as a share of the number of
            pictures.
        counts: How much each picture counts, [N]; all alike if None.

    Raises:
        ValueError: The strength is not positive, or there are fewer than two pictures.
    """
    if not strength > 0:
        raise ValueError(f"the strength of a ridge must be positive, got {strength:g}")
    x, y = np.asarray(features, np.float32), np.asarray(targets, np.float64)
    if len(x) < 2:
        raise ValueError(f"a ridge needs at least two pictures, got {len(x)}")
    mean = x.mean(0, dtype=np.float64)
    scale = np.maximum(x.std(0, dtype=np.float64), 1e-6)
    standard = ((x - mean) / scale).astype(np.float32)
    share = np.ones(len(x)) if counts is None else np.asarray(counts, np.float64)
    share = share / share.mean()
    centre = float(np.average(y, weights=share))
    root = np.sqrt(share).astype(np.float32)
    standard, right = standard * root[:, None], ((y - centre) * root).astype(np.float32)
    if standard.shape[1] <= len(standard):
        moments = standard.T @ standard
        moments[np.diag_indices_from(moments)] += strength * len(standard)
        found = np.linalg.solve(moments, standard.T @ right)
    else:  # fewer pictures than features: the same solution from the smaller system
        kernel = standard @ standard.T
        kernel[np.diag_indices_from(kernel)] += strength * len(standard)
        found = standard.T @ np.linalg.solve(kernel, right)
    return Ridge(mean, scale, found.astype(np.float64), centre)


def fit_within(
    features: ArrayLike,
    mos: ArrayLike,
    groups: Sequence[str],
    strength: float,
    anchor: float = 0.0,
) -> Ridge:
    """Fits a linear score within groups.

    A part of a database that was rated on its own terms has its own offset and scale: within it
    features and scores are taken as differences from their means, so that nothing is learned from
    the differences between parts. Their distance may be anchored by a share of the pooled
    scores.

    Args:
        features: [N, D].
        mos: Mean opinion scores, [N].
        groups: Name of the group of each picture, [N].
        strength: See :func:`fit_ridge`.
        anchor: How much of the distances between groups, in features as in scores, is learned: 0
            leaves every group its own offset, 1 is a fit to pooled scores.

    Returns:
        The score of standardised features; mean 0 over the groups.

    Raises:
        ValueError: The anchor is not within 0 to 1, or as :func:`fit_ridge`.
    """
    if not 0 <= anchor <= 1:
        raise ValueError(f"the anchor must be between 0 and 1, got {anchor:g}")
    x, values, names = np.array(features, np.float32), np.asarray(mos, np.float64), np.array(groups)
    own = group_targets(values, groups)
    deviation = np.mean([values[names == name].std() for name in np.unique(names)])
    centre, middle = x.mean(0), values.mean()
    scale = np.maximum(x.std(0, dtype=np.float64), 1e-6)
    for name in np.unique(names):
        inside = names == name
        x[inside] -= (1 - anchor) * (x[inside].mean(0) - centre)
        own[inside] += anchor * (values[inside].mean() - middle) / deviation
    ridge = fit_ridge(x / scale, own, strength)
    weights = ridge.weights / ridge.scale
    return Ridge(np.asarray(centre, np.float64), scale, weights, float(own.mean()))
