"""Fixtures for the conversion tests: real pictures, small ones."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.quantization.parity import read_pixels
from edgeiqa.inference.contract import InputSpec
from tests.convert.netzoo import SIZE

# TensorFlow reads this when it is first imported, which no test module does at its top.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def export_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 JPEGs of 40x48 pixels, from black to white, smooth to noisy."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(7)
    for index in range(48):
        coarse = generator.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize((48, 40)), np.float64)
        level = 255 * index / 47
        noise = generator.normal(0, index % 7 * 6, smooth.shape)
        pixels = np.clip(0.35 * (smooth - 128) + level + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:02d}.jpg", quality=95)
    return folder


@pytest.fixture(scope="session")
def export_pixels(export_folder: Path) -> np.ndarray:
    """The same at the size of the nets: uint8 [48,32,32,3] RGB."""
    pixels, errors = read_pixels(sorted(export_folder.iterdir()), InputSpec(SIZE, SIZE))
    assert not errors
    return pixels
