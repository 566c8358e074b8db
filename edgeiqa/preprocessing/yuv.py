"""Converts YUV in integer arithmetic: section 6 of docs/reference/preprocessing.md."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from edgeiqa.imaging.pixel_format import ColorMatrix, ColorRange
from edgeiqa.stages import stage

BITS = 16
"""Coefficients are multiples of 2**-16."""

LUMA_PLACES, CHROMA_PLACES = 13, 5
"""Binary places of the samples; with more for chroma, 32 bits would overflow."""

# Weights of red and blue in luma, in units of 10**-4: ITU-R BT.601-7 and BT.709-6, item 3.2.
_SHARES = {ColorMatrix.BT601: (2990, 1140), ColorMatrix.BT709: (2126, 722)}


@dataclass(frozen=True)
class Coefficients:
    """Integers that convert Y, U and V to R, G and B.

    With y = luma * (Y - black) + 2**15, u = U - 128 and v = V - 128, each result shifted right by
    16 bits and clipped to 0-255:

        R = y + red_v * v
        G = y - green_u * u - green_v * v
        B = y + blue_u * u
    """

    black: int
    luma: int
    red_v: int
    green_u: int
    green_v: int
    blue_u: int


@cache
def coefficients(matrix: ColorMatrix, color_range: ColorRange) -> Coefficients:
    """Returns the coefficients of a matrix and range, each a rounded quotient of integers."""
    red, blue = _SHARES[matrix]
    green = 10_000 - red - blue
    limited = color_range is ColorRange.LIMITED
    # Scale of luma and of chroma to full range: numerator and denominator.
    luma, chroma = ((255, 219), (255, 224)) if limited else ((1, 1), (1, 1))

    def rounded(numerator: int, denominator: int) -> int:
        return ((numerator << BITS) + denominator // 2) // denominator

    def weight(numerator: int, denominator: int) -> int:
        return rounded(numerator * chroma[0], denominator * chroma[1])

    return Coefficients(
        black=16 if limited else 0,
        luma=rounded(*luma),
        red_v=weight(2 * (10_000 - red), 10_000),
        green_u=weight(2 * blue * (10_000 - blue), 10_000 * green),
        green_v=weight(2 * red * (10_000 - red), 10_000 * green),
        blue_u=weight(2 * (10_000 - blue), 10_000),
    )


def full_range_luma(y: np.ndarray, color_range: ColorRange) -> np.ndarray:
    """Converts luma to full range.

    Args:
        y: uint8, any shape.
        color_range: Range of `y`.

    Returns:
        uint8 of the same shape, 0 black and 255 white, a fresh array: the value of R, G
        and B that `to_rgb` returns where U and V are 128.
    """
    return _luma_table(color_range)[y]


@cache
def _luma_table(color_range: ColorRange) -> np.ndarray:
    numbers = coefficients(ColorMatrix.BT601, color_range)  # Luma is the same for all matrices.
    y = numbers.luma * (np.arange(256) - numbers.black) + (1 << BITS - 1)
    return np.asarray(np.clip(y >> BITS, 0, 255).astype(np.uint8))


@stage("colour")
def to_rgb(
    y: np.ndarray, u: np.ndarray, v: np.ndarray, matrix: ColorMatrix, color_range: ColorRange
) -> np.ndarray:
    """Converts co-located samples to RGB.

    Args:
        y: int32 [height, width], 0-255 in units of 2**-13 (`LUMA_PLACES`).
        u: int32 [height, width], Cb, 0-255 in units of 2**-5 (`CHROMA_PLACES`).
        v: The same, Cr.
        matrix: Matrix of the samples.
        color_range: Range of the samples.

    Returns:
        uint8 [height, width, 3], RGB, a fresh array.
    """
    numbers = coefficients(matrix, color_range)
    places = BITS + CHROMA_PLACES
    finer = LUMA_PLACES - CHROMA_PLACES
    rgb = np.empty((*y.shape, 3), np.uint8)
    # (luma * y) >> finer, in two parts that fit 32 bits.
    base = (y & (1 << finer) - 1) * numbers.luma
    base >>= finer
    base += (y >> finer) * numbers.luma
    base += (1 << places - 1) - numbers.luma * (numbers.black << CHROMA_PLACES)
    blue = u - (128 << CHROMA_PLACES)
    red = v - (128 << CHROMA_PLACES)
    green = blue * -numbers.green_u
    green -= red * numbers.green_v
    red *= numbers.red_v
    blue *= numbers.blue_u
    for channel, total in enumerate((red, green, blue)):
        total += base
        total >>= places
        np.maximum(total, 0, out=total)  # Twice as fast as clip.
        np.minimum(total, 255, out=total)
        rgb[:, :, channel] = total
    return rgb
