"""The resize of docs/preprocessing.md, written from that text alone, without Pillow.

It is slow and plain on purpose: whoever ports the preprocessing can read it line by line.
`tests/edgeiqa/test_preprocess.py` proves it equal to `edgeiqa.preprocess.resize` in every bit.
"""

from __future__ import annotations

import numpy as np

PRECISION_BITS = 22


def resize(rgb: np.ndarray, size: tuple[int, int], fit: str = "squash") -> np.ndarray:
    """Section 2 to 4: crop, box reduction, bilinear filter; uint8 [height, width, 3]."""
    to_height, to_width = size
    if fit == "crop":
        rgb = crop(rgb, to_height, to_width)
    height, width = rgb.shape[:2]
    factor_x, factor_y = max(1, width // (2 * to_width)), max(1, height // (2 * to_height))
    pixels = reduce(rgb, factor_x, factor_y)
    # What the last, narrower block stands for is kept as a fraction of a pixel.
    pixels = filter_rows(pixels, np.float32(width / factor_x), to_width)
    columns = filter_rows(pixels.transpose(1, 0, 2), np.float32(height / factor_y), to_height)
    return columns.transpose(1, 0, 2)


def crop(rgb: np.ndarray, to_height: int, to_width: int) -> np.ndarray:
    """Section 2."""
    height, width = rgb.shape[:2]
    box_height, box_width = height, width
    if width * to_height > height * to_width:
        box_width = max(1, (height * to_width) // to_height)
    else:
        box_height = max(1, (width * to_height) // to_width)
    left, top = (width - box_width) // 2, (height - box_height) // 2
    return rgb[top : top + box_height, left : left + box_width]


def reduce(rgb: np.ndarray, factor_x: int, factor_y: int) -> np.ndarray:
    """Section 3."""
    if factor_x == 1 and factor_y == 1:
        return rgb
    height, width = rgb.shape[:2]
    out_height, out_width = -(-height // factor_y), -(-width // factor_x)
    out = np.zeros((out_height, out_width, 3), np.uint8)
    for y in range(out_height):
        for x in range(out_width):
            block = rgb[
                y * factor_y : (y + 1) * factor_y, x * factor_x : (x + 1) * factor_x
            ].reshape(-1, 3)
            count = len(block)
            multiplier = int(np.float32(2.0**24 / count))
            for channel in range(3):
                total = int(block[:, channel].astype(np.int64).sum())
                out[y, x, channel] = ((total + count // 2) * multiplier) >> 24
    return out


def filter_rows(pixels: np.ndarray, length: np.float32, to_width: int) -> np.ndarray:
    """Section 4, along the second axis."""
    width = pixels.shape[1]
    scale = float(length) / to_width
    filter_scale = max(scale, 1.0)
    support = filter_scale
    inverse = 1.0 / filter_scale
    out = np.zeros((pixels.shape[0], to_width, 3), np.uint8)
    for x in range(to_width):
        centre = (x + 0.5) * scale
        first = max(0, int(centre - support + 0.5))
        last = min(width, int(centre + support + 0.5))
        weights = []
        for i in range(first, last):
            distance = abs((i - centre + 0.5) * inverse)
            weights.append(1.0 - distance if distance < 1.0 else 0.0)
        total = 0.0
        for weight in weights:
            total += weight
        whole = [int(0.5 + weight / total * 2**PRECISION_BITS) for weight in weights]
        accumulated = np.full((pixels.shape[0], 3), 1 << (PRECISION_BITS - 1), np.int64)
        for i, weight in zip(range(first, last), whole, strict=True):
            accumulated += pixels[:, i].astype(np.int64) * weight
        out[:, x] = accumulated >> PRECISION_BITS
    return out
