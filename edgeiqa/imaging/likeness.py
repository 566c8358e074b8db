"""Similarity of pictures: thumbprints, exact search for similar pairs, and disjoint sets.

A thumbprint is a gray copy of 16 x 16 pixels with mean 0 and length 1: a point on a sphere in 256
dimensions. The dot product of two is their correlation: 1 for the same picture, about 0 for
unrelated ones. Exposure and blur hardly change it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from PIL import Image

SIDE = 16

SAME = 0.97
"""Minimum correlation of two pictures that look the same except for details."""

# Below this deviation (0-255) a thumbprint is flat, and its correlation is only noise.
_FLAT = 1.5
_FLAT_DIFFERENCE = 32
_DIRECTIONS = 24
_ROWS = 1024
_COLUMNS = 8192
# Rounding error of a sum of squares in single precision.
_SLACK = 1e-4


def thumbprint(picture: Image.Image) -> tuple[np.ndarray, float]:
    """Computes the thumbprint of an upright picture, and its mean luma.

    Returns:
        The thumbprint, float32 [256], all 0 for a flat picture; and the mean luma, 0-255.
    """
    small = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    values = np.asarray(small, dtype=np.float32).ravel()
    level = float(values.mean())
    deviations = values - np.float32(level)
    length = float(np.sqrt(np.square(deviations).sum()))
    if length < _FLAT * math.sqrt(values.size):
        return np.zeros_like(values), level
    return deviations / np.float32(length), level


def correlations(
    some: np.ndarray, levels: np.ndarray, others: np.ndarray, other_levels: np.ndarray
) -> np.ndarray:
    """Computes the correlation of every thumbprint in `some` with every one in `others`.

    Args:
        some: float32 [n, 256].
        levels: Mean luma [n]; flat pictures of similar brightness have correlation 1.
        others: float32 [m, 256].
        other_levels: Mean luma [m].

    Returns:
        float32 [n, m].
    """
    flat = np.outer(~some.any(axis=1), ~others.any(axis=1))
    similar = np.abs(levels[:, np.newaxis] - other_levels) < _FLAT_DIFFERENCE
    return np.where(flat & similar, np.float32(1), some @ others.T)


class DisjointSets:
    """Disjoint sets of `count` items (union-find)."""

    def __init__(self, count: int) -> None:
        self._parents = np.arange(count)

    def join(self, *members: int | np.ndarray) -> None:
        """Joins the sets of the members."""
        roots = self.roots(np.hstack(members))
        self._parents[np.unique(roots)] = roots.min()

    def root(self, place: int) -> int:
        """Returns the smallest member of the set that contains an item."""
        return int(self.roots(np.array([place]))[0])

    def roots(self, places: np.ndarray | None = None) -> np.ndarray:
        """Returns the smallest member of each item's set; by default for all items."""
        places = np.arange(len(self._parents)) if places is None else places
        found = self._parents[places]
        while True:
            above = self._parents[found]
            if np.array_equal(above, found):
                break
            found = above
        self._parents[places] = found
        return found

    def sets(self) -> list[list[int]]:
        """Returns all sets, ordered by their smallest member, each in ascending order."""
        roots = self.roots()
        order = np.argsort(roots, kind="stable")
        cuts = np.flatnonzero(np.diff(roots[order])) + 1
        return [part.tolist() for part in np.split(order, cuts) if len(part)]


def similar_pairs(
    points: np.ndarray, min_correlation: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Finds all pairs of thumbprints with at least this correlation; none is missed.

    Exact bounds avoid most of the products of, say, 200,000 thumbprints. Points that are close are
    close in every projection: only pairs that are close in the first principal component are
    compared in the first `_DIRECTIONS` components, and only those that are close there in full.

    Args:
        points: float32 [count, 256], none of them flat.
        min_correlation: Above 0, at most 1.

    Yields:
        (rows, columns, correlations): candidates as indices [n] and [m], and float32 [n, m], with
        0 for pairs that are not similar or are yielded in the other order.
    """
    reach = math.sqrt(2 - 2 * min_correlation) + _SLACK
    axes = _principal(points)
    order = np.argsort(points @ axes[:, 0], kind="stable")
    points = points[order]
    short = points @ axes
    first = short[:, 0]
    halves = np.einsum("ij,ij->i", short, short) / 2
    for start in range(0, len(points), _ROWS):
        stop = min(start + _ROWS, len(points))
        end = int(np.searchsorted(first, first[stop - 1] + reach, side="right"))
        for left in range(start, end, _COLUMNS):
            right = min(left + _COLUMNS, end)
            # |p - q|^2 of the projections is at most that of the points, 2 - 2 * correlation.
            near = short[start:stop] @ short[left:right].T
            near -= halves[start:stop, np.newaxis]
            near -= halves[left:right]
            maybe = near >= min_correlation - 1 - _SLACK
            maybe &= np.arange(left, right) > np.arange(start, stop)[:, np.newaxis]
            rows = np.flatnonzero(maybe.any(axis=1))
            if not len(rows):
                continue
            columns = np.flatnonzero(maybe[rows].any(axis=0))
            found = points[start:stop][rows] @ points[left:right][columns].T
            found[~(maybe[np.ix_(rows, columns)] & (found >= min_correlation))] = 0
            yield order[rows + start], order[columns + left], found


def _principal(points: np.ndarray) -> np.ndarray:
    """float32 [256, directions]: orthonormal, the direction of the largest spread first."""
    centred = points - points.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    return np.ascontiguousarray(vectors[:, ::-1][:, :_DIRECTIONS], dtype=np.float32)
