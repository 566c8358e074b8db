"""Augmentations that keep quality: crops and flips; never colour, blur or rescaling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST_CROP = 0.89
"""Largest share of the height that leaves out the watermark: its print begins at 460 of 512."""

MARKED_SUBSETS = frozenset({"ss01"})
"""Subsets whose pictures carry a phone maker's watermark in the lower left corner."""


def crop_and_flip(
    maps: NDArray[Any],
    chosen: NDArray[np.int64],
    marked: NDArray[np.bool_],
    share: float,
    generator: np.random.Generator,
) -> NDArray[Any]:
    """Random square crops, each mirrored left to right half of the time.

    Crops of watermarked pictures start at the top, so that the lower left corner never reaches
    the network beside the picture's label (for a share of at most 0.89).

    Args:
        maps: Pictures or feature maps, [N, H, W, C].
        chosen: Indices into ``maps``, [B].
        marked: Which of them carry a watermark, [B].
        share: Side of the crop as a share of the side of the map.
        generator: Source of randomness.

    Returns:
        [B, round(share * H), round(share * W), C] of the dtype of ``maps``.
    """
    height, width = round(share * maps.shape[1]), round(share * maps.shape[2])
    result = np.empty((len(chosen), height, width, maps.shape[3]), maps.dtype)
    for slot, index in enumerate(chosen):
        y = 0 if marked[slot] else int(generator.integers(maps.shape[1] - height + 1))
        x = int(generator.integers(maps.shape[2] - width + 1))
        crop = maps[index, y : y + height, x : x + width]
        result[slot] = crop[:, ::-1] if generator.random() < 0.5 else crop
    return result


def same_crops(
    pairs: NDArray[Any], which: NDArray[np.int64], share: float, generator: np.random.Generator
) -> list[NDArray[Any]]:
    """The same crop and mirror of both pictures of each pair: they differ in quality only.

    Args:
        pairs: Pictures or feature maps, [P, 2, H, W, C].
        which: Indices into ``pairs``, [B].
        share: Side of the crop as a share of the side of the map.
        generator: Source of randomness.

    Returns:
        The crops of the first and of the second pictures, [B, h, w, C] each.
    """
    state = int(generator.integers(2**32))
    unmarked = np.zeros(len(which), np.bool_)
    return [
        crop_and_flip(pairs[:, side], which, unmarked, share, np.random.default_rng(state))
        for side in (0, 1)
    ]
