"""PIQE: quality from the blocks that are degraded, without any training.

Venkatanath et al., "Blind image quality evaluation using perception based features", NCC 2015.
Constants are those of the authors' code, on which MATLAB's ``piqe`` is built as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import mscn
from .base import RgbArray, grey
from .formula import Formula

BLOCK = 16
SEGMENT = 6
ACTIVE_VARIANCE = 0.1
FLAT_DEVIATION = 0.1
_CONSTANT = 1.0


def piqe(luma: NDArray[np.uint8]) -> float:
    """The score of the paper.

    Args:
        luma: uint8 [H, W].

    Returns:
        0 (best) to 100.
    """
    height, width = luma.shape
    padded = np.pad(luma, ((0, -height % BLOCK), (0, -width % BLOCK)), mode="edge")
    normalised, _ = mscn.mscn(padded)
    rows, columns = normalised.shape[0] // BLOCK, normalised.shape[1] // BLOCK
    blocks = normalised.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2)
    blocks = blocks.reshape(-1, BLOCK, BLOCK)
    variance = blocks.var(axis=(1, 2), ddof=1, dtype=np.float64)
    active = variance > ACTIVE_VARIANCE
    chosen, variance = blocks[active], variance[active]
    distorted = _has_flat_edge(chosen)
    noisy = _is_noisy(chosen, variance)
    amount = float(np.sum(distorted * (1.0 - variance)) + np.sum(noisy * variance))
    return (amount + _CONSTANT) / (_CONSTANT + len(chosen)) * 100.0


def _has_flat_edge(blocks: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether any run of six pixels along an edge is almost constant: blockiness, blur."""
    edges = np.stack([blocks[:, 0], blocks[:, -1], blocks[:, :, 0], blocks[:, :, -1]], axis=1)
    segments = np.lib.stride_tricks.sliding_window_view(edges, SEGMENT, axis=2)
    deviation = segments.std(axis=-1, ddof=1)
    return np.any(deviation < FLAT_DEVIATION, axis=(1, 2))


def _is_noisy(blocks: NDArray[np.float32], variance: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the block deviates as much in its two middle columns as around them."""
    if not len(blocks):
        return np.zeros(0, np.bool_)
    middle = [BLOCK // 2 - 1, BLOCK // 2]
    centre = blocks[:, :, middle].reshape(len(blocks), -1).std(axis=1, ddof=1)
    around = np.delete(blocks, middle, axis=2).reshape(len(blocks), -1).std(axis=1, ddof=1)
    ratio = np.divide(centre, around, out=np.zeros_like(centre), where=around > 0)
    deviation = np.sqrt(variance)
    beta = np.abs(deviation - ratio) / np.maximum(deviation, ratio)
    return np.asarray(deviation > 2.0 * beta)


def _raw(rgb: RgbArray) -> float:
    return -piqe(grey(rgb))


PIQE = Formula(
    "piqe",
    "PIQE",
    "Venkatanath et al. 2015",
    _raw,
    # Luma, normalisation, and three sums of squares over all pixels.
    512 * 512 * (3 + mscn.MACS_PER_PIXEL + 3),
)
