"""The antialiased bilinear filter (docs/reference/preprocessing.md, section 4) for over 8 bits.

Pillow rounds what it filters to 8 bits. For R, G and B that is right; of Y, U and V the matrix
would make up to twice the error, enough to look like noise. So YUV goes down the columns here, in
the same whole numbers, and keeps more bits of the sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

PRECISION = 22
"""Weights are multiples of 2**-22 and add up to about 1."""


@dataclass(frozen=True, eq=False)
class Weights:
    """What each output takes from the inputs.

    Attributes:
        first: intp [outputs], the first input of each.
        taps: int32 [count, outputs], weights of the inputs from the first on; 0 beyond the last.
    """

    first: np.ndarray
    taps: np.ndarray


@lru_cache(maxsize=64)
def weights(inputs: int, start: float, stop: float, outputs: int) -> Weights:
    """The weights of one axis, bit for bit those of Pillow's `resize`.

    Args:
        inputs: Samples along the axis.
        start: Where the picture begins, in samples; rounded to binary32.
        stop: Where it ends, likewise.
        outputs: Samples wanted.
    """
    begin, length = np.float32(start), np.float32(stop) - np.float32(start)
    scale = float(length) / outputs
    stretch = max(scale, 1.0)
    inverse = 1.0 / stretch
    centre = float(begin) + (np.arange(outputs) + 0.5) * scale
    first = np.maximum(0, np.trunc(centre - stretch + 0.5).astype(np.intp))
    last = np.minimum(inputs, np.trunc(centre + stretch + 0.5).astype(np.intp))
    place = first + np.arange((last - first).max())[:, np.newaxis]
    near = np.maximum(1.0 - np.abs((place - centre + 0.5) * inverse), 0.0)
    near[place >= last] = 0.0
    total = np.zeros(outputs)
    for tap in near:  # One after the other: the order of a sum counts for its last bit.
        total += tap
    taps = np.trunc(0.5 + near / total * (1 << PRECISION)).astype(np.int32)
    first.setflags(write=False)
    taps.setflags(write=False)
    return Weights(first, taps)


def down_columns(
    pixels: np.ndarray, by: Weights, rows: slice, places: int, *, rounded: bool
) -> np.ndarray:
    """Filters down the columns, for some of the output rows.

    Args:
        pixels: uint8 [inputs, width].
        by: Weights of that many inputs.
        rows: Which outputs to make, start and stop given.
        places: How many binary places to keep, 0 to 21.
        rounded: Whether to round to them, or to cut off. Rounded, flat stays flat; cut off,
            rounding to whole numbers later gives what Pillow gives, bit for bit.

    Returns:
        int32 [rows, width], in units of 2**-places.
    """
    first, taps = by.first[rows], by.taps[:, rows]
    total = np.multiply(pixels[first], taps[0][:, np.newaxis], dtype=np.int32)
    part = np.empty_like(total)
    bottom = len(pixels) - 1
    for offset, weight in enumerate(taps[1:], 1):
        source = pixels[np.minimum(first + offset, bottom)]  # Beyond the last, weights are 0.
        np.multiply(source, weight[:, np.newaxis], out=part, dtype=np.int32)
        total += part
    shift = PRECISION - places
    if rounded:
        total += 1 << shift - 1
    total >>= shift
    return total
