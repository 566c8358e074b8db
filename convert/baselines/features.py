"""What is computed once per training picture, cached on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.files import replacing
from ..common.progress import progress
from ..datasets.manifest import ManifestRow
from .base import RgbArray, read_rgb

GREY_SIDE = 512
"""BIQ2021 is nearly all 512 x 512; the few others are brought to this size for training."""


def picture_features(
    name: str,
    compute: Callable[[RgbArray], NDArray[Any]],
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    *,
    jobs: int | None = None,
) -> NDArray[Any]:
    """Computes an array per picture, or takes it from the cache.

    Args:
        name: Names the cache; has to change when ``compute`` does.
        compute: From uint8 [H, W, 3] RGB to an array of one shape for all pictures; called from
            several threads.
        rows: The pictures.
        root: The data root.
        work: Cached in ``work/baselines/features``.
        jobs: Threads; the number of processors when None.

    Returns:
        [N, ...] in the order of ``rows``, a read-only memory map.

    Raises:
        UnreadableImageError: A picture is missing or damaged.
        ValueError: There are no rows.
    """
    if not rows:
        raise ValueError("no pictures to compute features of")
    text = "\n".join(row.path for row in rows)
    key = hashlib.sha256(f"{name}\n{root.resolve()}\n{text}".encode()).hexdigest()[:16]
    file = work / "baselines" / "features" / f"{name}-{key}.npy"
    if not file.is_file():
        first = compute(read_rgb(rows[0], root))
        with replacing(file) as scratch:
            array = np.lib.format.open_memmap(
                scratch, mode="w+", dtype=first.dtype, shape=(len(rows), *first.shape)
            )

            def one(index: int) -> None:
                array[index] = compute(read_rgb(rows[index], root))

            with ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
                for _ in progress(pool.map(one, range(len(rows))), len(rows), f"computing {name}"):
                    pass
            array.flush()
    stored: NDArray[Any] = np.load(file, mmap_mode="r")
    return stored


def grey_square(rgb: RgbArray) -> NDArray[np.uint8]:
    """The picture as training crops are cut from it: uint8 [512, 512] luma."""
    from edgeiqa.preprocessing.resize import resize

    from .base import grey

    if rgb.shape[:2] == (GREY_SIDE, GREY_SIDE):
        return grey(rgb)
    return grey(resize(rgb, (GREY_SIDE, GREY_SIDE)))
