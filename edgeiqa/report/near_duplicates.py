"""Groups photographs that look the same: copies, other sizes, other qualities, slightly edited.

Each photograph is the small gray copy of `edgeiqa.imaging.thumbprint.look_of`, a point on a sphere
in 256 dimensions; two are near-duplicates if their correlation, the product of their points, is at
least `SAME`, and what is left of them without the mean of each row and column correlates by
`DETAIL`: bright sky above dark ground is like any other such, but for the detail.

All pairs are looked at, none by chance: the product of 200,000 photographs with each other
is cut down by exact bounds. Points that are near are near in every projection, so only pairs whose
first principal components are within reach are multiplied at all, and those in the first
`_DIRECTIONS` components only; what is left is multiplied in full.
"""

from __future__ import annotations

import math

import numpy as np

from edgeiqa.imaging.thumbprint import SAME

DETAIL = 0.8
"""Correlation that is asked for of the looks less the means of their rows and columns."""

# From here on it is the same picture, whatever little detail an even gradient leaves.
_COPY = 0.999
_DIRECTIONS = 24
_ROWS = 1024
_COLUMNS = 8192
# Even areas have no look; they are alike if they are as bright.
_LEVELS = 8.0
# What single precision may lose of a sum of squares.
_SLACK = 1e-4


def near_duplicates(
    looks: np.ndarray, levels: np.ndarray, *, least: float = SAME
) -> list[list[int]]:
    """Finds groups.

    What is alike is in one group, and so is what is alike to that, so that a series in small
    steps is one group.

    Args:
        looks: float32 [photographs, 256], each of mean 0 and length 1, or all 0 for an even area.
        levels: float [photographs], mean of the luma 0-255, which counts for even areas only.
        least: The correlation from which on two are alike, above 0 and at most 1.

    Returns:
        The places of the members, per group of two or more; each ascending, and the groups by
        their first member.

    Raises:
        ValueError: `least` is out of range, or the arrays do not fit together.
    """
    if not 0 < least <= 1:
        raise ValueError(f"the likeness is {least!r}, expected above 0 and at most 1")
    looks = np.asarray(looks, dtype=np.float32)
    levels = np.asarray(levels, dtype=np.float64)
    if looks.ndim != 2 or levels.shape != looks.shape[:1]:
        raise ValueError(f"looks {looks.shape} and levels {levels.shape} do not fit together")
    owners = np.arange(len(looks))
    even = ~looks.any(axis=1)
    _join_even(owners, np.flatnonzero(even), levels)
    places = np.flatnonzero(~even)
    if len(places) > 1:
        # Exact copies are one point, however many there are.
        points, which = np.unique(looks[places], axis=0, return_inverse=True)
        found = _linked(points, least)[which.ravel()]
        owners[places] = _first_of(found, places)
    return _groups(owners)


def _join_even(owners: np.ndarray, places: np.ndarray, levels: np.ndarray) -> None:
    if len(places):
        steps = np.floor(levels[places] / _LEVELS).astype(np.int64)
        owners[places] = _first_of(np.unique(steps, return_inverse=True)[1].ravel(), places)


def _first_of(labels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Per place the first one with the same label."""
    first = np.full(int(labels.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, labels, places)
    return first[labels]


def _groups(owners: np.ndarray) -> list[list[int]]:
    order = np.argsort(owners, kind="stable")
    cuts = np.flatnonzero(np.diff(owners[order])) + 1
    groups = [part.tolist() for part in np.split(order, cuts) if len(part) > 1]
    return sorted(groups)


def _linked(points: np.ndarray, least: float) -> np.ndarray:
    """int64 [points], the same number for points that are linked."""
    reach = math.sqrt(2 - 2 * least) + _SLACK
    axes = _principal(points)
    order = np.argsort(points @ axes[:, 0], kind="stable")
    points = points[order]
    looks = points, _details(points), points @ axes
    short = looks[2]
    first = short[:, 0]
    parents = np.arange(len(points))
    for start in range(0, len(points), _ROWS):
        stop = min(start + _ROWS, len(points))
        end = int(np.searchsorted(first, first[stop - 1] + reach, side="right"))
        for left in range(start, end, _COLUMNS):
            right = min(left + _COLUMNS, end)
            _link_block(looks, (start, stop), (left, right), least, parents)
    roots = _roots(parents, np.arange(len(points)))
    labels = np.empty_like(roots)
    labels[order] = roots
    return labels


def _principal(points: np.ndarray) -> np.ndarray:
    """float32 [256, directions]: orthonormal, the direction of the largest spread first."""
    centred = points - points.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    return np.ascontiguousarray(vectors[:, ::-1][:, :_DIRECTIONS], dtype=np.float32)


def _details(points: np.ndarray) -> np.ndarray:
    """The looks less the means of rows and columns, of length 1 again; 0 where nothing is left."""
    side = math.isqrt(points.shape[1])
    grids = points.reshape(-1, side, side)
    # The looks have mean 0, so nothing is taken away twice.
    rest = grids - grids.mean(axis=1, keepdims=True) - grids.mean(axis=2, keepdims=True)
    rest = rest.reshape(points.shape)
    lengths = np.linalg.norm(rest, axis=1, keepdims=True)
    return np.divide(rest, lengths, out=np.zeros_like(rest), where=lengths > 1e-6)


def _link_block(
    looks: tuple[np.ndarray, np.ndarray, np.ndarray],
    rows: tuple[int, int],
    columns: tuple[int, int],
    least: float,
    parents: np.ndarray,
) -> None:
    """Links all that is alike between rows and columns of looks, details and projections."""
    points, details, short = looks
    a, b = short[slice(*rows)], short[slice(*columns)]
    # |p - q|^2 of the projections is at most that of the points, 2 - 2 * correlation.
    halves = np.einsum("ij,ij->i", a, a)[:, np.newaxis] / 2
    others = np.einsum("ij,ij->i", b, b) / 2
    near = a @ b.T
    near -= halves
    near -= others
    maybe = near >= least - 1 - _SLACK
    # A point is near to itself, and pairs are looked at once.
    width = min(columns[1], rows[1]) - columns[0]
    if width > 0:
        places = np.arange(columns[0], columns[0] + width)
        maybe[:, :width] &= places > np.arange(*rows)[:, np.newaxis]
    some = np.flatnonzero(maybe.any(axis=1))
    if not len(some):
        return
    others_too = np.flatnonzero(maybe[some].any(axis=0))
    maybe = maybe[np.ix_(some, others_too)]
    left, right = some + rows[0], others_too + columns[0]
    likeness = points[left] @ points[right].T
    in_detail = details[left] @ details[right].T >= DETAIL
    alike = maybe & (likeness >= least) & (in_detail | (likeness >= max(_COPY, least)))
    for row, place in zip(alike, left, strict=True):
        if row.any():
            found = _roots(parents, np.append(right[row], place))
            parents[np.unique(found)] = found.min()


def _roots(parents: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Where each place belongs; the ways there are shortened."""
    found = parents[places]
    while True:
        above = parents[found]
        if np.array_equal(above, found):
            break
        found = above
    parents[places] = found
    return found
