"""NIQE: distance from the statistics of good photographs, without opinion scores.

Mittal, Soundararajan, Bovik, "Making a 'completely blind' image quality analyzer", IEEE Signal
Process. Lett. 20(3), 2013. The authors' pristine photographs are replaced by the best rated
training pictures, as their own are under other terms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.progress import progress
from . import mscn
from .base import RgbArray, Scorer, TrainingData, grey, mos_of, read_rgb
from .features import picture_features
from .scale import RAW_PICTURES, fit_scale, scaled_scorer

PATCH = 96
FEATURES = 36
SHARP_SHARE = 0.75
"""Patches at least this sharp, relative to the picture's sharpest, describe good photographs."""

PRISTINE = (250, 30)
"""Well-rated pictures, full and small budget; the paper had 125."""


def patch_features(luma: mscn.Luma) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 36 features and the sharpness of every whole 96 x 96 patch.

    Args:
        luma: [H, W], 0-255, at least 96 x 96.

    Returns:
        Features [patches, 36] and mean local deviation [patches].

    Raises:
        ValueError: The picture is smaller than one patch.
    """
    rows, columns = luma.shape[0] // PATCH, luma.shape[1] // PATCH
    if not rows * columns:
        raise ValueError(f"NIQE needs at least {PATCH} x {PATCH} pixels, got {luma.shape}")
    scale = np.asarray(luma[: rows * PATCH, : columns * PATCH], np.float32)
    found = []
    sharpness = np.zeros(rows * columns)
    for level, side in enumerate((PATCH, PATCH // 2)):
        coefficients, deviation = mscn.mscn(scale)
        found.append(_features(_tiles(coefficients, side)))
        if level == 0:
            sharpness = _tiles(deviation, side).mean(axis=(1, 2), dtype=np.float64)
            scale = mscn.halve(scale)
    return np.concatenate(found, axis=1), sharpness


def _tiles(plane: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    tiles = plane.reshape(rows, side, columns, side).swapaxes(1, 2)
    return np.ascontiguousarray(tiles.reshape(-1, side, side))


def _features(tiles: NDArray[np.float32]) -> NDArray[np.float64]:
    """18 features per tile: shape and scale of the coefficients, four of each product."""

    def density(
        values: NDArray[np.float32],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        shape, left, right = mscn.aggd(values.reshape(len(tiles), -1))
        factor = mscn.spread_factor(shape)
        return shape, left * factor, right * factor

    shape, left, right = density(tiles)
    columns = [shape, (left + right) / 2]
    for product in mscn.products(tiles):
        shape, left, right = density(product)
        columns += [shape, (right - left) * mscn.mean_factor(shape), left, right]
    return np.stack(columns, axis=1)


def fit_pristine(pictures: Sequence[mscn.Luma]) -> dict[str, NDArray[np.float64]]:
    """The Gaussian of the sharp patches of good photographs.

    Args:
        pictures: Lumas, [H, W] each.

    Returns:
        ``mean`` [36] and ``covariance`` [36, 36].

    Raises:
        ValueError: Too few sharp patches for a covariance.
    """
    kept = []
    for luma in progress(pictures, len(pictures), "reading good photographs"):
        features, sharpness = patch_features(luma)
        kept.append(features[sharpness > SHARP_SHARE * sharpness.max()])
    patches = np.concatenate(kept)
    if len(patches) <= 2:
        raise ValueError(f"only {len(patches)} sharp patches in {len(pictures)} photographs")
    return {"mean": patches.mean(axis=0), "covariance": np.cov(patches, rowvar=False)}


def niqe(luma: mscn.Luma, pristine: Mapping[str, NDArray[Any]]) -> float:
    """The distance of equation 10 of the paper; 0 is best, 20 is bad.

    Args:
        luma: [H, W], 0-255, at least 96 x 96.
        pristine: What `fit_pristine` returned.
    """
    features, _ = patch_features(luma)
    covariance = np.cov(features, rowvar=False) if len(features) > 1 else 0.0
    middle = (pristine["covariance"] + covariance) / 2
    apart = pristine["mean"] - features.mean(axis=0)
    return float(np.sqrt(max(apart @ np.linalg.pinv(middle) @ apart, 0.0)))


def _luma(rgb: RgbArray) -> NDArray[np.uint8]:
    """The luma, with a picture smaller than a patch mirrored up to one."""
    luma = grey(rgb)
    missing = [max(0, PATCH - side) for side in luma.shape]
    return np.pad(luma, [(0, n) for n in missing], mode="symmetric") if any(missing) else luma


class Niqe:
    """NIQE on the MOS scale."""

    name = "niqe"
    title = "NIQE"
    paper = "Mittal et al. 2013"
    version = 1
    extra = "convert"

    def fit(self, data: TrainingData, folder: Path) -> Mapping[str, NDArray[Any]]:
        """Describes the best rated training pictures, then fits the MOS scale on others."""
        del folder
        best = sorted(data.rows, key=lambda row: (-row.mos, row.path))[: data.count(*PRISTINE)]
        pristine = fit_pristine([_luma(read_rgb(row, data.root)) for row in best])
        rows = data.part(*RAW_PICTURES)
        raw = picture_features(
            f"niqe-1-{len(best)}",
            lambda rgb: np.array(-niqe(_luma(rgb), pristine)),
            rows,
            data.root,
            data.work,
        )
        return {**pristine, **fit_scale(raw, mos_of(rows))}

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Scorer:
        """At 480 x 480 and a quarter of that: normalisation, products, moments."""
        pristine = {name: arrays[name] for name in ("mean", "covariance")}

        def raw(rgb: RgbArray) -> float:
            return -niqe(_luma(rgb), pristine)

        pixels = 480 * 480 * 5 // 4
        macs = 512 * 512 * 3 + pixels * (mscn.MACS_PER_PIXEL + 4 + 5 * 2)
        # The covariance is symmetric.
        parameters = FEATURES + FEATURES * (FEATURES + 1) // 2
        return scaled_scorer(raw, arrays, macs=macs, parameters=parameters)
