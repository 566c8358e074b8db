"""Proxy labels: how much a distorted picture differs from its clean original, without observers.

Full-reference metrics (from `piq`) agree with people far better than blind ones, but need the
original. On clean photographs that we spoil ourselves there is one, so a network can learn from
their verdicts. No single metric is right about all distortions; their ranks are averaged, as rank
fusion needs no common scale (unsupervised rank aggregation for FR-IQA: Ye, Kumar, Kang, Doermann,
"Beyond human opinion scores: blind image quality assessment based on synthetic scores", CVPR
2014).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.common.files import replacing
from convert.common.progress import progress
from convert.datasets.manifest import DataError, ManifestRow

METRICS: Mapping[str, int] = {
    "gmsd": -1,
    "multi_scale_ssim": 1,
    "vsi": 1,
    "fsim": 1,
    "haarpsi": 1,
    "mdsi": -1,
}
"""Names of functions of `piq`, and 1 where higher is better, -1 where lower is.

GMSD: Xue et al. 2014; MS-SSIM: Wang et al. 2003; VSI: Zhang et al. 2014; FSIM: Zhang et al. 2011;
HaarPSI: Reisenhofer et al. 2018; MDSI: Nafchi et al. 2016.
"""

LEAST_SIDE = 161
"""MS-SSIM halves the picture four times under an 11 px window."""

_VERSION = 1


@dataclass(frozen=True)
class ProxySet:
    """Distorted crops with proxy labels.

    Attributes:
        pixels: uint8 [N, side, side, 3] RGB; the clean crop of each photograph comes first, then
            its distorted versions.
        scores: float64 [N, metrics], each metric's own value, in the order of `METRICS`.
        labels: float64 [N], the fused rank, 0 (worst of the set) to 1 (clean).
    """

    pixels: NDArray[np.uint8]
    scores: NDArray[np.float64]
    labels: NDArray[np.float64]


def full_reference(
    clean: NDArray[np.uint8], distorted: NDArray[np.uint8], metrics: Sequence[str] = tuple(METRICS)
) -> NDArray[np.float64]:
    """Full-reference scores.

    Args:
        clean: uint8 [N, H, W, 3] RGB, sides of at least 161 px.
        distorted: The same shape.
        metrics: Names out of `METRICS`.

    Returns:
        float64 [N, metrics], each on its own scale and in its own direction.

    Raises:
        ValueError: Shapes differ, pictures are too small, or a metric is unknown.
        RuntimeError: `piq` is not installed.
    """
    if clean.shape != distorted.shape or clean.ndim != 4 or clean.shape[3] != 3:
        raise ValueError(
            f"expected two arrays [N, H, W, 3] of one shape, got {clean.shape}, {distorted.shape}"
        )
    if min(clean.shape[1:3]) < LEAST_SIDE:
        raise ValueError(f"sides must be at least {LEAST_SIDE} px, got {clean.shape[1:3]}")
    if unknown := sorted(set(metrics) - set(METRICS)):
        raise ValueError(f"unknown metrics {unknown}; known: {', '.join(METRICS)}")
    import torch

    piq = import_piq()
    x, y = (
        torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).float() / 255.0
        for pictures in (distorted, clean)
    )
    with torch.inference_mode():
        columns = [
            getattr(piq, name)(x, y, data_range=1.0, reduction="none").double().numpy()
            for name in metrics
        ]
    return np.stack(columns, axis=1)


def fuse_ranks(
    scores: NDArray[np.floating], directions: Sequence[int] = tuple(METRICS.values())
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
    """Spoils clean photographs and scores the result; computed once, then cached.

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
    if side < LEAST_SIDE:
        raise ValueError(f"the crop must have at least {LEAST_SIDE} px, got {side}")
    text = "\n".join(row.path for row in rows)
    from convert.distortions.distort import DISTORTIONS

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

    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # many small operations: pictures beside each other are faster
    try:

        def one(index: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
            versions = distorted_crops(rows[index], root, index, per_picture, side, seed)
            clean = np.broadcast_to(versions[:1], versions.shape)
            return versions, full_reference(np.ascontiguousarray(clean), versions)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = progress(pool.map(one, range(len(rows))), len(rows), "making proxy labels")
            pixels, scores = zip(*results, strict=True)
    finally:
        torch.set_num_threads(threads)
    with replacing(file) as scratch, scratch.open("wb") as stream:
        np.savez(stream, pixels=np.concatenate(pixels), scores=np.concatenate(scores))


def distorted_crops(
    row: ManifestRow, root: Path, index: int, per_picture: int, side: int, seed: int
) -> NDArray[np.uint8]:
    """One photograph's crop, clean first, then distorted: uint8 [1 + N, side, side, 3]."""
    from convert.distortions.distort import DISTORTIONS, distort
    from edgeiqa.imaging.decode import decode
    from edgeiqa.preprocessing.resize import resize

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


def import_piq() -> ModuleType:
    """The package `piq`, also beside a torch and a torchvision of different builds.

    `piq` imports torchvision for networks that are not used here; a torchvision that was built
    for CUDA refuses to register its operators with a CPU build of torch.

    Raises:
        RuntimeError: It is not installed.
    """
    import importlib
    import sys

    try:
        return importlib.import_module("piq")
    except ModuleNotFoundError as error:
        raise RuntimeError(
            f'{error.name} is not installed; pip install "edgeiqa[baselines]" brings it'
        ) from error
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    for name in [n for n in sys.modules if n.split(".")[0] in ("torchvision", "piq")]:
        del sys.modules[name]
    registrations: Any = ModuleType("torchvision._meta_registrations")
    sys.modules["torchvision._meta_registrations"] = registrations
    return importlib.import_module("piq")
