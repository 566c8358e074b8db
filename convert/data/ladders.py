"""Pairs of one scene, one more distorted than the other: labels that need no observer.

Made from well-rated training pictures only, so no scene of validation or test takes part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.data.manifest import DataError, ManifestRow
from convert.files import replacing
from convert.progress import progress

LEAST_MOS = 0.6
"""Pictures rated below are spoilt already; making them worse says little."""

MARGIN_PER_STRENGTH = 0.2
"""Least score difference on 0-1 for a pair that spans the whole range of a distortion."""


def load_ladders(
    rows: Sequence[ManifestRow], root: Path, size: int, cache_dir: Path, count: int, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Loads ``count`` pairs, making them on the first call.

    Distortion, both strengths and the picture are drawn by the seed; the distortion is applied at
    the picture's own resolution and both versions then go through the runtime's resize.

    Args:
        rows: Training rows; those with a MOS of at least :data:`LEAST_MOS` are used.
        root: The data root.
        size: Height and width in pixels.
        cache_dir: Where the arrays are kept.
        count: Number of pairs.
        seed: Seed of the draw.

    Returns:
        uint8 [count, 2, size, size, 3] RGB (less distorted first) and the margins [count].

    Raises:
        DataError: No row is rated well enough.
    """
    good = [row for row in rows if row.mos >= LEAST_MOS]
    if not good:
        raise DataError(f"no picture has a MOS of at least {LEAST_MOS}: no ladders can be made")
    pairs, margins = _draw(good, count, seed)
    key = f"ladders-2 {_DISTORTIONS_VERSION} {size}\n" + "\n".join(map(repr, pairs))
    file = cache_dir / "ladders" / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}-{size}.npy"
    if not file.is_file():
        _make(pairs, root, size, file)
    array: NDArray[np.uint8] = np.load(file, mmap_mode="r")
    return array, margins


_DISTORTIONS_VERSION = 1
"""To be raised when a distortion of :mod:`convert.distort` changes, so that pairs are made anew."""

_Pair = tuple[ManifestRow, str, float, float, int]


def _draw(
    good: Sequence[ManifestRow], count: int, seed: int
) -> tuple[list[_Pair], NDArray[np.float32]]:
    from convert.distort import DISTORTIONS

    generator = np.random.default_rng((seed, 7))
    kinds = sorted(DISTORTIONS)
    pairs: list[_Pair] = []
    for number in range(count):
        row = good[int(generator.integers(len(good)))]
        low = float(generator.choice([0.0, 1.0])) * float(generator.uniform(0.0, 0.8))
        high = min(1.0, low + float(generator.uniform(0.15, 0.4)))
        pairs.append((row, kinds[number % len(kinds)], low, high, number))
    spans = np.array([high - low for _, _, low, high, _ in pairs], np.float32)
    return pairs, spans * np.float32(MARGIN_PER_STRENGTH)


def _make(pairs: Sequence[_Pair], root: Path, size: int, file: Path) -> None:
    from convert.distort import distort
    from edgeiqa.decode import decode
    from edgeiqa.preprocess import resize

    with replacing(file) as scratch:
        array = np.lib.format.open_memmap(
            scratch, mode="w+", dtype=np.uint8, shape=(len(pairs), 2, size, size, 3)
        )
        bar = progress(enumerate(pairs), len(pairs), "making ladders")
        for index, (row, kind, low, high, seed) in bar:
            picture = np.asarray(decode(root / row.path))
            for slot, strength in enumerate((low, high)):
                spoilt = distort(picture, kind, strength=strength, seed=seed)
                array[index, slot] = resize(spoilt, (size, size))
        array.flush()
