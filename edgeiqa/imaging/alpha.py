"""Composites transparent pictures over white."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

# Pixels converted at a time, which limits temporary memory to a few megabytes.
_TILE_PIXELS = 1 << 18


def over_white(rgba: np.ndarray) -> np.ndarray:
    """Composites a picture with straight alpha over white.

    With t = c * a + 255 * (255 - a) + 128 the result is (t + (t >> 8)) >> 8, which is
    division by 255 with rounding. It is computed in tiles: besides the result (3 bytes per pixel)
    it needs only a few megabytes, whatever the size.

    Args:
        rgba: uint8 [height, width, 4]; alpha last, the three colours in any order.

    Returns:
        uint8 [height, width, 3], a fresh array, with the colours in the order of the input.
    """
    height, width = rgba.shape[:2]
    rgb = np.empty((height, width, 3), np.uint8)
    for tile in tiles(height, width):
        rgb[tile] = np.asarray(on_white(rgba[tile]))
    return rgb


def tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Divides a picture into bands of rows, and splits rows that are too long.

    Args:
        height: In pixels.
        width: In pixels.

    Yields:
        (rows, columns), with explicit start and stop; each pixel is in exactly one tile.
    """
    across = max(1, min(width, _TILE_PIXELS))
    down = _TILE_PIXELS // across
    for top in range(0, height, down):
        for left in range(0, width, across):
            yield slice(top, min(top + down, height)), slice(left, min(left + across, width))


def on_white(rgba: np.ndarray, *, bgr: bool = False) -> Image.Image:
    """Composites straight alpha over white: section 1 of docs/reference/preprocessing.md.

    Args:
        rgba: uint8 [height, width, 4], any strides.
        bgr: Whether blue comes first.

    Returns:
        Mode RGB, in this order.
    """
    height, width = rgba.shape[:2]
    image = _unpacked("RGBA", rgba, "BGRA" if bgr else "RGBA")
    white = Image.new("RGB", (width, height), (255, 255, 255))
    white.paste(image, (0, 0), image)
    return white


def _unpacked(mode: str, pixels: np.ndarray, raw: str) -> Image.Image:
    height, width, channels = pixels.shape
    if pixels.strides[1:] != (channels, 1) or pixels.strides[0] < width * channels:
        pixels = np.ascontiguousarray(pixels)
    stride = pixels.strides[0] if height > 1 else 0
    # All bytes from the first to the last, including row padding.
    length = stride * (height - 1) + width * channels
    run = np.lib.stride_tricks.as_strided(pixels, (length,), (1,), writeable=False)
    return Image.frombytes(mode, (width, height), run, "raw", raw, stride, 1)
