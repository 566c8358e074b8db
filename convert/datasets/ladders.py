"""Pairs of one scene, one more distorted than the other: labels that need no observer.

Made from well-rated training pictures only, so no scene of validation or test takes part.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.files import replacing
from ..common.progress import progress
from .cache import name_some
from .errors import DataError
from .manifest import ManifestRow

MIN_MOS = 0.6
"""Pictures rated below are degraded already; making them worse says little."""

DISTORTIONS_VERSION = 3
"""To be raised when a distortion of :mod:`convert.distortions` changes: pairs are made anew."""

BURST_SHARE = 0.5
"""Share of the pairs that are two frames of a burst: framed and exposed a little differently."""

_TASTE_FLOOR = 0.3
"""Kinds of taste (colour cast, sharpening) surely look worse only from here on."""


def load_ladders(
    rows: Sequence[ManifestRow], root: Path, size: int, cache_dir: Path, count: int, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Loads ``count`` pairs, making them on the first call.

    Distortion, both strengths and the picture are drawn by the seed; all kinds that every machine
    has come in turn. The distortion is applied at the picture's own resolution and both versions
    then go through the runtime's resize. Half of the pairs are frames of a burst
    (`convert.distortions.burst.frame`): their framing and exposure differ a little, their noise
    altogether.

    Args:
        rows: Training rows; those with a MOS of at least :data:`MIN_MOS` are used.
        root: The data root.
        size: Height and width in pixels.
        cache_dir: Where the arrays are kept.
        count: Number of pairs.
        seed: Seed of the draw.

    Returns:
        uint8 [count, 2, size, size, 3] RGB (less distorted first) and the margins [count]: the
        kind's own margin (0-1 for its whole range, `Distortion.margin`) times the strengths'
        difference.

    Raises:
        DataError: No row is rated well enough, or a picture is damaged.
    """
    good = [row for row in rows if row.mos >= MIN_MOS]
    if not good:
        raise DataError(f"no picture has a MOS of at least {MIN_MOS}: no ladders can be made")
    pairs, margins = _draw(good, count, seed)
    key = f"ladders-3 {DISTORTIONS_VERSION} {size}\n" + "\n".join(map(repr, pairs))
    file = cache_dir / "ladders" / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}-{size}.npy"
    if not file.is_file():
        _make(pairs, root, size, file)
    array: NDArray[np.uint8] = np.load(file, mmap_mode="r")
    return array, margins


_Pair = tuple[ManifestRow, str, float, float, bool, int]


def ladder_kinds() -> tuple[str, ...]:
    """The kinds that pairs are drawn from: all that every machine has, in alphabetical order.

    Those of taste (white balance, sharpening) have small margins and start at a strength of 0.3.
    AVIF and HEVC are left out, so that one seed gives the same pairs everywhere.
    """
    from ..distortions.distort import DISTORTIONS

    return tuple(sorted(name for name, found in DISTORTIONS.items() if found.portable))


def _draw(
    good: Sequence[ManifestRow], count: int, seed: int
) -> tuple[list[_Pair], NDArray[np.float32]]:
    from ..distortions.distort import DISTORTIONS

    generator = np.random.default_rng((seed, 7))
    kinds = ladder_kinds()
    pairs: list[_Pair] = []
    margins = np.empty(count, np.float32)
    for number in range(count):
        row = good[int(generator.integers(len(good)))]
        kind = DISTORTIONS[kinds[number % len(kinds)]]
        low = float(generator.choice([0.0, 1.0])) * float(generator.uniform(0.0, 0.8))
        span = float(generator.uniform(0.15, 0.4))
        burst = bool(generator.random() < BURST_SHARE)
        if not kind.monotone:
            low = max(low, _TASTE_FLOOR)
        high = min(1.0, low + span)
        pairs.append((row, kind.name, low, high, burst, number))
        margins[number] = kind.margin * (high - low)
    return pairs, margins


def _make(pairs: Sequence[_Pair], root: Path, size: int, file: Path) -> None:
    from edgeiqa.errors import UnreadableImageError
    from edgeiqa.imaging.decode import decode
    from edgeiqa.preprocessing.resize import resize

    from ..distortions.burst import frame
    from ..distortions.distort import distort

    with replacing(file) as scratch:
        array = np.lib.format.open_memmap(
            scratch, mode="w+", dtype=np.uint8, shape=(len(pairs), 2, size, size, 3)
        )

        def one(index: int) -> str | None:
            row, kind, low, high, burst, seed = pairs[index]
            try:
                picture = np.asarray(decode(root / row.path))
            except (UnreadableImageError, OSError) as error:
                return f"{row.path} ({error})"
            generator = np.random.default_rng((seed, 13))
            for slot, strength in enumerate((low, high)):
                if burst:
                    degraded = frame(picture, kind, strength, seed, generator)
                else:
                    degraded = distort(picture, kind, strength=strength, seed=seed)
                array[index, slot] = resize(degraded, (size, size))
            return None

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = progress(pool.map(one, range(len(pairs))), len(pairs), "making ladders")
            damaged = [message for message in results if message]
        if damaged:
            raise DataError(name_some(f"{len(damaged)} pictures are damaged", damaged))
        array.flush()
