"""Baselines that are a formula: nothing but their scale is learned from MOS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import RgbArray, Scorer, TrainingData, mos_of
from .features import picture_features
from .scale import RAW_PICTURES, fit_scale, scaled_scorer


@dataclass
class Formula:
    """A formula on the MOS scale.

    Attributes:
        name: As ``--only`` takes it.
        title: As tables show it.
        paper: Where it was published.
        raw: uint8 [H, W, 3] RGB to a number that is higher for better pictures.
        macs: Products that it takes on a picture of 512 x 512 pixels.
        version: To be raised when its values change.
        extra: The extra of this package that it needs.
    """

    name: str
    title: str
    paper: str
    raw: Callable[[RgbArray], float]
    macs: int
    version: int = 1
    extra: str = "convert"

    def fit(self, data: TrainingData, folder: Path) -> Mapping[str, NDArray[Any]]:
        """Fits the MOS scale."""
        del folder
        rows = data.part(*RAW_PICTURES)
        key = f"{self.name}-{self.version}"
        raw = picture_features(key, lambda rgb: np.array(self.raw(rgb)), rows, data.root, data.work)
        return fit_scale(raw, mos_of(rows))

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> Scorer:
        """The formula with a fitted scale."""
        return scaled_scorer(self.raw, arrays, macs=self.macs)
