"""Tenengrad: the mean squared gradient, the other sharpness score that people use.

E. Krotkov, "Focusing", International Journal of Computer Vision 1(3), 1988.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def tenengrad(luma: NDArray[Any]) -> float:
    """Mean squared response of Sobel's kernels, both directions together.

    Args:
        luma: [H, W], 0-255, any dtype.
    """
    wide = luma.astype(np.float32)
    return float((ndimage.sobel(wide, 0) ** 2 + ndimage.sobel(wide, 1) ** 2).mean())
