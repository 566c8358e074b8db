"""Pictures without a rating, for a student to learn from its teacher.

Clean photographs and the well-rated part of the training rows, cropped and scaled at random and
mostly distorted at that resolution. No scene of validation or test takes part.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.files import replacing
from ..common.progress import progress
from .augment import LARGEST_CROP, MARKED_SUBSETS
from .cache import name_some
from .errors import DataError
from .ladders import DISTORTIONS_VERSION, MIN_MOS
from .manifest import ManifestRow
from .pristine import find_clean

DISTORTED_SHARE = 0.6
"""Share of the pictures that are distorted: two thirds of them by one kind, the rest by several."""

CLEAN_SHARE = 0.35
"""Share that comes from clean sets, where there are any; the rest from training rows."""

_SINGLE_SHARE = 2 / 3
_MIN_CROP = 0.5
# In pixels: a distortion is seen at most as finely as the network sees it.
_MIN_SIDE = 0.8 * 448
_VERSION = 1


@dataclass(frozen=True)
class _Plan:
    """How one picture is made: drawn before any is decoded, so that it names the cache."""

    path: str
    bottom: float
    crop: tuple[float, float, float, float]
    scale: float
    kind: str
    strength: float
    seed: int


def load_unlabelled(
    rows: Sequence[ManifestRow], root: Path, size: int, cache_dir: Path, count: int, seed: int
) -> NDArray[np.uint8]:
    """Loads ``count`` unlabelled pictures, making them on the first call.

    Each is a crop of half to all of a photograph's sides (every other one with the photograph's
    aspect, the others with any), scaled down by up to 2, then as it is (40%), under one
    distortion (40%) or under a mixture (20%), then squashed by the runtime's resize.

    Args:
        rows: Training rows; those with a MOS of at least 0.6 are used.
        root: The data root; clean sets under it (`convert.datasets.pristine`) give a third.
        size: Height and width in pixels.
        cache_dir: Where the array is kept.
        count: Number of pictures.
        seed: Seed of the draw; the first pictures of a longer draw are the same.

    Returns:
        Read-only memory map, uint8 [count, size, size, 3] RGB.

    Raises:
        DataError: There is nothing to draw from, or a picture is damaged.
    """
    plans = _draw(rows, root, size, count, seed)
    key = f"unlabelled-{_VERSION} {DISTORTIONS_VERSION} {size}\n" + "\n".join(map(repr, plans))
    name = f"{hashlib.sha256(key.encode()).hexdigest()[:20]}-{size}.npy"
    file = cache_dir / "unlabelled" / name
    if not file.is_file():
        _make(plans, root, size, file)
    array: NDArray[np.uint8] = np.load(file, mmap_mode="r")
    return array


def _draw(rows: Sequence[ManifestRow], root: Path, size: int, count: int, seed: int) -> list[_Plan]:
    from ..distortions.distort import DISTORTIONS

    good = [
        (row.path, LARGEST_CROP if row.subset in MARKED_SUBSETS else 1.0)
        for row in rows
        if row.mos >= MIN_MOS and row.split == "train"
    ]
    clean = [(picture.path, 1.0) for picture in find_clean(root)[0]]
    if not good and not clean:
        raise DataError(
            f"no training picture has a MOS of at least {MIN_MOS} and there are no clean sets "
            f"under {root}: nothing to draw unlabelled pictures from"
        )
    kinds = sorted(name for name, found in DISTORTIONS.items() if found.portable)
    plans = []
    for number in range(count):
        # One generator each, so that a longer draw begins with the shorter one.
        generator = np.random.default_rng((seed, 11, number))
        from_clean = bool(clean) and (not good or generator.random() < CLEAN_SHARE)
        pool = clean if from_clean else good
        path, bottom = pool[int(generator.integers(len(pool)))]
        share = generator.uniform(_MIN_CROP, 1.0)
        other = share if generator.random() < 0.5 else generator.uniform(_MIN_CROP, 1.0)
        place = generator.random(2)
        scale = float(generator.uniform(0.5, 1.0)) if generator.random() < 0.5 else 1.0
        kind, strength = "", 0.0
        if generator.random() < DISTORTED_SHARE:
            single = generator.random() < _SINGLE_SHARE
            kind = kinds[int(generator.integers(len(kinds)))] if single else "mixture"
            strength = float(generator.uniform(0.1, 1.0))
        crop = (float(share), float(other), float(place[0]), float(place[1]))
        plans.append(_Plan(path, bottom, crop, scale, kind, strength, number))
    return plans


def _make(plans: Sequence[_Plan], root: Path, size: int, file: Path) -> None:
    from edgeiqa.errors import UnreadableImageError
    from edgeiqa.imaging.decode import decode
    from edgeiqa.preprocessing.resize import resize

    with replacing(file) as scratch:
        array = np.lib.format.open_memmap(
            scratch, mode="w+", dtype=np.uint8, shape=(len(plans), size, size, 3)
        )

        def one(index: int) -> str | None:
            plan = plans[index]
            try:
                picture = np.asarray(decode(root / plan.path))
            except (UnreadableImageError, OSError) as error:
                return f"{plan.path} ({error})"
            array[index] = resize(_spoil(_cut(picture, plan), plan), (size, size))
            return None

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = progress(pool.map(one, range(len(plans))), len(plans), "making unlabelled")
            damaged = [message for message in results if message]
        if damaged:
            raise DataError(name_some(f"{len(damaged)} pictures are damaged", damaged))
        array.flush()


def _cut(rgb: NDArray[np.uint8], plan: _Plan) -> NDArray[np.uint8]:
    """Crops at the native resolution and scales down, but not far below the network's size."""
    from edgeiqa.preprocessing.resize import resize

    rgb = rgb[: max(1, int(plan.bottom * rgb.shape[0]))]
    height, width = rgb.shape[:2]
    rows, columns = max(1, round(plan.crop[0] * height)), max(1, round(plan.crop[1] * width))
    y = round(plan.crop[2] * (height - rows))
    x = round(plan.crop[3] * (width - columns))
    cut = rgb[y : y + rows, x : x + columns]
    # The same whatever the size asked for: teacher and student must see one picture.
    scale = max(plan.scale, _MIN_SIDE / min(rows, columns))
    if scale >= 1.0:
        return np.ascontiguousarray(cut)
    return np.asarray(
        resize(np.ascontiguousarray(cut), (round(rows * scale), round(columns * scale)))
    )


def _spoil(rgb: NDArray[np.uint8], plan: _Plan) -> NDArray[np.uint8]:
    from ..distortions.distort import distort
    from ..distortions.mixture import mixture

    if not plan.kind:
        return rgb
    if plan.kind == "mixture":
        return mixture(rgb, plan.seed, plan.strength)
    return distort(rgb, plan.kind, strength=plan.strength, seed=plan.seed)
