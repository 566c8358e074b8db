"""The frames of the golden scores: pictures as cameras would give them, made of whole numbers.

A frame is made from an RGB picture by the inverse of section 6 of docs/reference/preprocessing.md,
chroma by the rounded mean of the pixels that share it, laid into memory with padded rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeiqa.imaging.frame import ColorMatrix, ColorRange, Frame, PixelFormat
from tests.edgeiqa.planes import yuv_frame
from tests.golden.pictures import golden_pictures

PADDING = 10
"""Bytes after each row of luma."""

# Shares of red and blue in luma, in units of 2**-16.
_SHARES = {ColorMatrix.BT601: (19595, 7471), ColorMatrix.BT709: (13933, 4732)}
_ONE = 1 << 16

_SOURCES = ("coffee", "chelsea+dark", "flower+noisy")
_PARTS = ((90, (31, 22, 201, 133)), (180, (8, 6, 290, 240)), (270, (12, 9, 177, 180)))


def to_yuv(
    rgb: np.ndarray,
    pixel_format: PixelFormat,
    matrix: ColorMatrix = ColorMatrix.BT601,
    color_range: ColorRange = ColorRange.LIMITED,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Y, U and V of a picture, chroma as small as the format has it.

    Args:
        rgb: uint8 [height, width, 3].
        pixel_format: One of YUV.
        matrix: As for `Frame`.
        color_range: As for `Frame`.
    """
    red_share, blue_share = _SHARES[matrix]
    red, green, blue = rgb.astype(np.int64).transpose(2, 0, 1)
    # Luma and differences in units of 2**-16.
    luma = red_share * red + (_ONE - red_share - blue_share) * green + blue_share * blue
    steps = {ColorRange.LIMITED: (16, 219, 224), ColorRange.FULL: (0, 255, 255)}
    black, of_luma, of_chroma = steps[color_range]
    y = black + _rounded(luma * of_luma, 255 * _ONE)
    planes = [y]
    for channel, share in ((blue, blue_share), (red, red_share)):
        difference = channel * _ONE - luma
        total, count = _together(difference, pixel_format.chroma_step)
        planes.append(128 + _rounded(total * of_chroma, 2 * (_ONE - share) * 255 * count))
    y, u, v = (np.clip(plane, 0, 255).astype(np.uint8) for plane in planes)
    return y, u, v


def _rounded(numerator: np.ndarray, denominator: int) -> np.ndarray:
    return (2 * numerator + denominator) // (2 * denominator)


def _together(values: np.ndarray, step: tuple[int, int]) -> tuple[np.ndarray, int]:
    """Sums of blocks, and of how many values; at an odd rim the last ones count twice."""
    down, across = step
    height, width = values.shape
    even = np.pad(values, ((0, -height % down), (0, -width % across)), mode="edge")
    blocks = even.reshape(even.shape[0] // down, down, even.shape[1] // across, across)
    return blocks.sum(axis=(1, 3)), down * across


def as_frame(rgb: np.ndarray, pixel_format: PixelFormat, **options: Any) -> Frame:
    """A picture as a frame of any format.

    Args:
        rgb: uint8 [height, width, 3].
        pixel_format: Any.
        options: For the constructor of `Frame`.
    """
    if pixel_format.is_yuv:
        colors = {n: options[n] for n in ("matrix", "color_range") if n in options}
        if "color_matrix" in options:
            colors["matrix"] = options["color_matrix"]
        planes = to_yuv(rgb, pixel_format, **colors)
        return yuv_frame(*planes, pixel_format, padding=PADDING, **options)
    if pixel_format is PixelFormat.GRAY:
        red, green, blue = rgb.astype(np.int64).transpose(2, 0, 1)
        pixels = ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(np.uint8)
        pixels = pixels[:, :, np.newaxis]
    else:
        pixels = rgb[:, :, ::-1] if pixel_format.value.startswith("BGR") else rgb
    if pixel_format.channels == 4:
        height, width = rgb.shape[:2]
        alpha = np.full((height, width, 1), 255, np.uint8)
        if "roi" in options and options["roi"] is not None:  # Whole pictures are opaque.
            alpha[: height // 2] = np.arange(width)[:, np.newaxis] % 256
        pixels = np.concatenate([pixels, alpha], axis=2)
    data = np.pad(pixels.reshape(len(pixels), -1), ((0, 0), (0, PADDING)))
    return Frame.from_buffer(data, rgb.shape[1], rgb.shape[0], pixel_format, **options)


def golden_frames() -> Iterator[tuple[str, Frame]]:
    """Names and frames, always in the same order.

    Every format, whole and upright, and in turned regions that begin at odd and at even pixels;
    and every matrix and range.
    """
    pictures = dict(golden_pictures())
    for title in _SOURCES:
        rgb = pictures[title]
        if title == _SOURCES[0]:
            rgb = rgb[:-1, :-1]  # Both sides odd.
        for pixel_format in PixelFormat:
            name = f"{title} {pixel_format.value}"
            yield name, as_frame(rgb, pixel_format)
            for rotation, roi in _PARTS:
                yield (
                    f"{name} {rotation} {roi}",
                    as_frame(rgb, pixel_format, rotation=rotation, roi=roi),
                )
        for matrix in ColorMatrix:
            for color_range in ColorRange:
                yield (
                    f"{title} NV21 {matrix.value} {color_range.value}",
                    as_frame(rgb, PixelFormat.NV21, color_matrix=matrix, color_range=color_range),
                )
