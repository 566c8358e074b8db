"""Proxy labels: how much a distorted picture differs from its clean original, without observers.

Full-reference metrics agree with people far better than blind ones, but need the original. On clean
photographs that we degrade ourselves there is one, so a network can learn from their verdicts. No
single metric is right about all distortions; their ranks are averaged, as rank fusion needs no
common scale (unsupervised rank aggregation for FR-IQA: Ye, Kumar, Kang, Doermann, "Beyond human
opinion scores: blind image quality assessment based on synthetic scores", CVPR 2014).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.files import replacing
from ..common.progress import progress
from ..datasets.manifest import DataError, ManifestRow
from .full_reference import METRICS, MIN_SIDE, full_reference

_VERSION = 2
DIRECTIONS = tuple(direction for _, direction in METRICS.values())


@dataclass(frozen=True)
class ProxySet:
    """Distorted crops with proxy labels.

    Attributes:
        pixels: uint8 [N, side, side, 3] RGB; the clean crop of each photograph comes first, then
            its distorted versions.
        scores: float64 [N, metrics], each metric's own value, in the order of
            `convert.baselines.full_reference.METRICS`.
        labels: float64 [N], the fused rank, 0 (worst of the set) to 1 (clean).
    """

    pixels: NDArray[np.uint8]
    scores: NDArray[np.float64]
    labels: NDArray[np.float64]


def fuse_ranks(
    scores: NDArray[np.floating], directions: Sequence[int] = DIRECTIONS
) -> NDArray[np.float64]:
    """The mean of the metrics' ranks, each scaled to 0-1.

    Args:
        scores: [N, metrics], N at least 2.
        directions: 1 where higher is better, -1 where lower is.

    Returns:
        float64 [N], 0 where all metrics call the item the worst, 1 the best; ties share ranks.

    Raises:
        ValueError: Fewer than two items, other shapes, or scores that are not finite.
    """
    from scipy.stats import rankdata

    if scores.ndim != 2 or len(scores) < 2 or scores.shape[1] != len(directions):
        raise ValueError(f"expected scores [N >= 2, {len(directions)}], got {list(scores.shape)}")
    if not np.isfinite(scores).all():
        raise ValueError("expected finite scores, got NaN or infinity")
    ranks = rankdata(scores * np.asarray(directions), axis=0)
    return np.asarray((ranks.mean(axis=1) - 1) / (len(scores) - 1))


def proxy_set(
    rows: Sequence[ManifestRow],
    root: Path,
    work: Path,
    *,
    per_picture: int = 4,
    side: int = 192,
    seed: int = 0,
) -> ProxySet:
    """Degrades clean photographs and scores the result; computed once, then cached.

    The distortion is applied to the whole picture, as its strength depends on the size, and a
    random crop at native resolution is compared with the same crop of the original.

    Args:
        rows: Clean photographs; they must come from the train split.
        root: The data root.
        work: Cached in ``work/baselines/proxy``.
        per_picture: Distorted versions of each; kinds take turns, strengths are drawn.
        side: Of the crop in pixels.
        seed: Of kinds, strengths and crops.

    Raises:
        DataError: No rows, or rows of another split.
        ValueError: The crop is too small for the metrics.
    """
    if not rows:
        raise DataError("no photographs to make proxy labels of")
    if others := sorted({row.split for row in rows} - {"train"}):
        raise DataError(f"proxy labels are made of training pictures only, got {others}")
    if side < MIN_SIDE:
        raise ValueError(f"the crop must have at least {MIN_SIDE} px, got {side}")
    text = "\n".join(row.path for row in rows)
    from ..distortions.distort import DISTORTIONS

    kinds = " ".join(sorted(DISTORTIONS))
    key = f"{_VERSION} {per_picture} {side} {seed} {kinds} {root.resolve()}\n{text}"
    file = work / "baselines" / "proxy" / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"
    if not file.is_file():
        _make(rows, root, per_picture, side, seed, file)
    with np.load(file) as stored:
        pixels, scores = stored["pixels"], stored["scores"]
    return ProxySet(pixels, scores, fuse_ranks(scores))


def _make(
    rows: Sequence[ManifestRow], root: Path, per_picture: int, side: int, seed: int, file: Path
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def one(index: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        versions = distorted_crops(rows[index], root, index, per_picture, side, seed)
        return versions, full_reference(np.broadcast_to(versions[:1], versions.shape), versions)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = progress(pool.map(one, range(len(rows))), len(rows), "making proxy labels")
        pixels, scores = zip(*results, strict=True)
    with replacing(file) as scratch, scratch.open("wb") as stream:
        np.savez(stream, pixels=np.concatenate(pixels), scores=np.concatenate(scores))


def distorted_crops(
    row: ManifestRow, root: Path, index: int, per_picture: int, side: int, seed: int
) -> NDArray[np.uint8]:
    """One photograph's crop, clean first, then distorted: uint8 [1 + N, side, side, 3]."""
    from edgeiqa.imaging.decode import decode
    from edgeiqa.preprocessing.resize import resize

    from ..distortions.distort import DISTORTIONS, distort

    image = decode(root / row.path)
    picture = np.asarray(image)
    if min(picture.shape[:2]) < side:
        picture = resize(image, (side, side))
    generator = np.random.default_rng((seed, index))
    y, x = (int(generator.integers(length - side + 1)) for length in picture.shape[:2])
    kinds = sorted(DISTORTIONS)
    versions = [picture]
    for number in range(per_picture):
        kind = kinds[(index * per_picture + number) % len(kinds)]
        strength = float(generator.uniform(0.02, 1.0))
        versions.append(distort(picture, kind, strength=strength, seed=index))
    return np.stack([version[y : y + side, x : x + side] for version in versions])
