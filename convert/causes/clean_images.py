"""The clean photographs that the network for causes learns from, and the ones kept from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ..datasets.errors import DataError
from ..datasets.holdout import refuse_reserved
from ..datasets.manifest import ManifestRow

MIN_MOS = 0.65
"""From this MOS on, a picture of a rated database is taken for sharp, clean and well coded."""

_LIKED = 25
"""A large photograph is worth this many small ones: each crop of it is another picture."""


@dataclass(frozen=True)
class Photograph:
    """One source of clean pictures.

    Attributes:
        path: Of the file.
        weight: How often it is drawn, against others.
    """

    path: Path
    weight: float


def large(split: str, root: Path) -> list[Path]:
    """Large photographs of a committed list that are there.

    Args:
        split: "train" or "test".
        root: The data root.

    Raises:
        DataError: None is there.
    """
    text = (files(__package__ or "") / "splits" / f"large_{split}.txt").read_text("utf-8")
    names = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = [root / name for name in names if (root / name).is_file()]
    if not found:
        raise DataError(
            f"none of the {len(names)} photographs of convert/causes/splits/large_{split}.txt is "
            f"below {root}; each line names a public repository and a path in it"
        )
    return found


def rated(rows: Sequence[ManifestRow], root: Path, split: str) -> list[Path]:
    """Pictures of a rated database that people liked.

    Args:
        rows: Of its manifest.
        root: The data root.
        split: "train" or "validation"; pictures of the test split are never used for training.
    """
    if split not in ("train", "validation"):
        raise DataError(f"the network learns from train and validation, not from {split}")
    return [root / row.path for row in rows if row.split == split and row.mos >= MIN_MOS]


def weighted(small: Sequence[Path], big: Sequence[Path]) -> list[Photograph]:
    """Joins small pictures, drawn evenly, and large ones, drawn oftener.

    Raises:
        DataError: A file belongs to a set that must not be used for training.
    """
    everything = [*small, *big]
    refuse_reserved([str(path) for path in everything])
    return [
        *(Photograph(path, 1.0) for path in small),
        *(Photograph(path, float(_LIKED)) for path in big),
    ]


@lru_cache(maxsize=80)  # Large ones come back often, and take long to decode.
def _luma(path: Path) -> Image.Image:
    with Image.open(path) as file:
        return ImageOps.exif_transpose(file).convert("L")


def view(path: Path, generator: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A picture as another camera might have framed it: a crop, often made smaller, turned.

    Args:
        path: Of a clean photograph.
        generator: The source of all that is random.

    Returns:
        uint8 [h, w], luma; sides of about 300 to 1400 pixels, or those of the file if it is
        smaller.
    """
    picture = _luma(path)
    width, height = picture.size
    short = min(width, height)
    if short > 700:
        scale = 1.0 if generator.random() < 0.5 else generator.uniform(max(0.25, 420 / short), 1.0)
    else:
        scale = 1.0 if generator.random() < 0.7 else generator.uniform(0.6, 1.0)
    sides = []
    for side in (width, height):
        most = min(side, round(1400 / scale))
        least = min(most, max(round(420 / scale), round(0.6 * most)))
        sides.append(int(generator.integers(least, most + 1)))
    spare = width - sides[0], height - sides[1]
    left, top = (int(generator.integers(0, free + 1)) for free in spare)
    picture = picture.crop((left, top, left + sides[0], top + sides[1]))
    if scale < 1.0:
        wide, high = (max(64, math.ceil(side * scale)) for side in sides)
        picture = picture.resize((wide, high), Image.Resampling.LANCZOS)
    luma = np.asarray(picture)
    if generator.random() < 0.5:
        luma = luma[:, ::-1]
    if generator.random() < 0.3:
        luma = np.rot90(luma, int(generator.integers(4)))
    return np.ascontiguousarray(luma)
