"""The pictures of the golden scores: sample photographs and what whole numbers make of them.

No random generator, no floating point and no codec stands between the decoded photographs and
these pictures, so they are the same, bit for bit, wherever JPEG is decoded alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from edgeiqa.assets import sample_paths

Pixels = np.ndarray


def dark(rgb: Pixels) -> Pixels:
    """Two stops less."""
    return rgb >> 2


def bright(rgb: Pixels) -> Pixels:
    """A stop and a half more, clipped."""
    return np.minimum(rgb.astype(np.int32) * 3, 255).astype(np.uint8)


def blurred(rgb: Pixels) -> Pixels:
    """The rounded mean of 7 by 7 pixels."""
    wide = np.pad(rgb.astype(np.int32), ((3, 3), (3, 3), (0, 0)), mode="edge")
    height, width = rgb.shape[:2]
    total = np.zeros(rgb.shape, np.int32)
    for y in range(7):
        for x in range(7):
            total += wide[y : y + height, x : x + width]
    return ((total + 24) // 49).astype(np.uint8)


def noisy(rgb: Pixels) -> Pixels:
    """Up to 48 more or less, from a hash of the place."""
    y, x, c = np.indices(rgb.shape, dtype=np.uint32)
    place = (y * 73_856_093) ^ (x * 19_349_663) ^ (c * 83_492_791)
    place = (place ^ (place >> 13)) * np.uint32(1_274_126_177)
    change = ((place >> 16) % 97).astype(np.int32) - 48
    return np.clip(rgb.astype(np.int32) + change, 0, 255).astype(np.uint8)


def mosaic(rgb: Pixels) -> Pixels:
    """Blocks of 8 by 8 pixels."""
    height, width = rgb.shape[:2]
    return rgb[::8, ::8].repeat(8, axis=0).repeat(8, axis=1)[:height, :width]


def turned(rgb: Pixels) -> Pixels:
    """A tall crop, a quarter turn, odd sides."""
    return np.rot90(rgb[: rgb.shape[0] | 1, 11:288])


def gray(rgb: Pixels) -> Pixels:
    """The rounded mean of the channels, in all three of them."""
    mean = (rgb.astype(np.int32).sum(axis=2, keepdims=True) + 1) // 3
    return mean.astype(np.uint8).repeat(3, axis=2)


CHANGES: tuple[Callable[[Pixels], Pixels], ...] = (
    dark,
    bright,
    blurred,
    noisy,
    mosaic,
    turned,
    gray,
)


def golden_pictures() -> Iterator[tuple[str, Pixels]]:
    """Names and uint8 [height, width, 3] RGB pictures, always in the same order."""
    for path in sample_paths():
        with Image.open(path) as image:
            rgb = np.asarray(image.convert("RGB"))
        yield path.stem, rgb
        if "-" in path.stem:
            continue  # Spoilt already.
        for change in CHANGES:
            yield f"{path.stem}+{change.__name__}", np.ascontiguousarray(change(rgb))
    ramp = np.arange(256, dtype=np.uint8)
    yield "ramp", np.stack(np.broadcast_arrays(ramp[:, None], ramp, ramp[::-1]), axis=2)
    for value in (0, 128, 255):
        yield f"flat {value}", np.full((1, 1, 3), value, np.uint8)
    yield (
        "checks",
        (np.indices((301, 407)).sum(axis=0) % 2 * 255)
        .astype(np.uint8)[:, :, None]
        .repeat(3, axis=2),
    )
