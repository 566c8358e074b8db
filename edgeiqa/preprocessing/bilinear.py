"""The antialiased bilinear filter (docs/reference/preprocessing.md, section 4), beyond 8 bits.

Pillow rounds filtered samples to 8 bits. That suits R, G and B, but the colour matrix would amplify
the rounding errors of Y, U and V up to twofold, enough to look like noise. Therefore the columns of
YUV are filtered here, in the same integer arithmetic, with more bits kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

PRECISION = 22
"""Weights are multiples of 2**-22 and add up to about 1."""


@dataclass(frozen=True, eq=False)
class Weights:
    """The contribution of each input to each output.

    Attributes:
        first: intp [outputs], index of the first input of each output.
        taps: int32 [count, outputs], weights of the inputs from `first` on; 0 beyond the last.
    """

    first: np.ndarray
    taps: np.ndarray


@lru_cache(maxsize=64)
def weights(inputs: int, start: float, stop: float, outputs: int) -> Weights:
    """Computes the weights of one axis, bit for bit as Pillow's `resize`.

    Args:
        inputs: Samples along the axis.
        start: Where the picture begins, in samples; rounded to binary32.
        stop: Where it ends, likewise.
        outputs: Number of output samples.
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
    for tap in near:  # Sequentially: the order of a sum affects its last bit.
        total += tap
    taps = np.trunc(0.5 + near / total * (1 << PRECISION)).astype(np.int32)
    first.setflags(write=False)
    taps.setflags(write=False)
    return Weights(first, taps)


def down_columns(
    pixels: np.ndarray, by: Weights, rows: slice, places: int, *, rounded: bool
) -> np.ndarray:
    """Filters the columns, for a range of output rows.

    Args:
        pixels: uint8 [inputs, width].
        by: Weights for that many inputs.
        rows: Output rows to compute; start and stop are required.
        places: Binary places to keep, 0 to 21.
        rounded: Whether to round rather than truncate. Rounding keeps flat areas flat; truncating,
            followed by rounding to integers, gives Pillow's result bit for bit.

    Returns:
        int32 [rows, width], in units of 2**-places.
    """
    first, taps = by.first[rows], by.taps[:, rows]
    total = np.multiply(pixels[first], taps[0][:, np.newaxis], dtype=np.int32)
    part = np.empty_like(total)
    bottom = len(pixels) - 1
    for offset, weight in enumerate(taps[1:], 1):
        source = pixels[np.minimum(first + offset, bottom)]  # Weights beyond it are 0.
        np.multiply(source, weight[:, np.newaxis], out=part, dtype=np.int32)
        total += part
    shift = PRECISION - places
    if rounded:
        total += 1 << shift - 1
    total >>= shift
    return total
