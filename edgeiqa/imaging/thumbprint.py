"""A small grey copy of a picture, to tell likeness by."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

SAME = 0.97


_SIDE = 16


# Below this deviation (0-255) a small copy is an even area, and its correlation mere noise.
_EVEN = 1.5


def look_of(picture: Image.Image) -> tuple[np.ndarray, float]:
    """The small copy that likeness compares, and the mean luma.

    Args:
        picture: Upright, of mode RGB.

    Returns:
        float32 [256] with mean 0 and length 1, or all 0 for an even area; 0-255.
    """
    small = picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    values = np.asarray(small, dtype=np.float32).ravel()
    level = float(values.mean())
    deviations = values - np.float32(level)
    length = float(np.sqrt(np.square(deviations).sum()))
    if length < _EVEN * math.sqrt(values.size):
        return np.zeros_like(values), level
    return deviations / np.float32(length), level
