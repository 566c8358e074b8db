"""Groups photographs that look the same: copies, other sizes, other qualities, slightly edited.

Two are near-duplicates if their thumbprints correlate by at least `SAME`, and what is left of them
without the mean of each row and column correlates by `DETAIL`: a bright sky above dark ground looks
like any other, except in detail.
"""

from __future__ import annotations

import math

import numpy as np

from edgeiqa.imaging.likeness import SAME, DisjointSets, similar_pairs

DETAIL = 0.8
"""Correlation required of the thumbprints less the means of their rows and columns."""

# Above this it is the same picture, whatever little detail a smooth gradient leaves.
_COPY = 0.999
# Flat areas have no thumbprint; they are alike if they are equally bright.
_LEVELS = 8.0


def near_duplicates(
    prints: np.ndarray, levels: np.ndarray, *, min_correlation: float = SAME
) -> list[list[int]]:
    """Finds groups; a series in small steps is one group.

    Args:
        prints: float32 [photographs, 256], from `edgeiqa.imaging.likeness.thumbprint`.
        levels: float [photographs], mean luma 0-255, which counts for flat areas only.
        min_correlation: Above 0, at most 1.

    Returns:
        Groups of two or more in ascending order, by their first member.

    Raises:
        ValueError: `min_correlation` is out of range, or the arrays do not match.
    """
    if not 0 < min_correlation <= 1:
        raise ValueError(f"min_correlation is {min_correlation!r}, expected above 0, at most 1")
    prints = np.asarray(prints, dtype=np.float32)
    levels = np.asarray(levels, dtype=np.float64)
    if prints.ndim != 2 or levels.shape != prints.shape[:1]:
        raise ValueError(f"thumbprints {prints.shape} and levels {levels.shape} do not match")
    groups = DisjointSets(len(prints))
    is_flat = ~prints.any(axis=1)
    flat, other = np.flatnonzero(is_flat), np.flatnonzero(~is_flat)
    for level in np.unique(steps := levels[flat] // _LEVELS):
        groups.join(flat[steps == level])
    if len(other):
        # Exact copies are one point, however many there are.
        points, which = np.unique(prints[other], axis=0, return_inverse=True)
        links = DisjointSets(len(points))
        details = _details(points)
        for rows, columns, found in similar_pairs(points, min_correlation):
            alike = details[rows] @ details[columns].T >= DETAIL
            alike |= found >= max(_COPY, min_correlation)
            alike &= found > 0
            for row, matches in zip(rows, alike, strict=True):
                if matches.any():
                    links.join(row, columns[matches])
        labels = links.roots()[which.ravel()]
        order = np.argsort(labels, kind="stable")
        for members in np.split(other[order], np.flatnonzero(np.diff(labels[order])) + 1):
            groups.join(members)
    return [group for group in groups.sets() if len(group) > 1]


def _details(points: np.ndarray) -> np.ndarray:
    """Thumbprints less the means of rows and columns, of length 1; 0 where nothing is left."""
    side = math.isqrt(points.shape[1])
    grids = points.reshape(-1, side, side)
    # Thumbprints have mean 0, so nothing is subtracted twice.
    rest = grids - grids.mean(axis=1, keepdims=True) - grids.mean(axis=2, keepdims=True)
    rest = rest.reshape(points.shape)
    lengths = np.linalg.norm(rest, axis=1, keepdims=True)
    return np.divide(rest, lengths, out=np.zeros_like(rest), where=lengths > 1e-6)
