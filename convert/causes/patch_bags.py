"""What the network for causes is trained on: patches of degraded pictures, with what degraded them.

Made once, in shards, by all processors; a run that was stopped resumes where it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeiqa.analysis.patches import detail
from edgeiqa.imaging.frame import Frame, PixelFormat
from edgeiqa.inference.contract_spec import InputSpec

from ..common.files import replacing
from ..common.progress import progress
from ..distortions import watermark
from .clean_images import Photograph, view
from .degradation import LEARNED, degrade

SHARD = 250
"""Bags per file."""

_VERSION = 1
_MARKED = 0.15


@dataclass(frozen=True)
class Bags:
    """Patches of pictures and the severities of their faults.

    Attributes:
        patches: uint8 [N, patches, side, side], luma.
        severities: float32 [N, len(LEARNED)], 0-1.
    """

    patches: npt.NDArray[np.uint8]
    severities: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.patches)


def load_bags(
    photographs: Sequence[Photograph],
    spec: InputSpec,
    count: int,
    seed: int,
    folder: Path,
    jobs: int = 2,
) -> Bags:
    """Makes bags, or loads those made before.

    Args:
        photographs: Clean pictures; each bag draws one.
        spec: Input of the network.
        count: How many bags; rounded up to whole shards.
        seed: Of everything random.
        folder: Where they are kept.
        jobs: Processes that make them.

    Returns:
        The bags; the same ones for the same arguments.
    """
    shards = -(-count // SHARD)
    weights = np.array([one.weight for one in photographs])
    text = repr((_VERSION, seed, spec, [(str(p.path), p.weight) for p in photographs]))
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    files = [folder / f"bags-{name}-{index:04d}.npz" for index in range(shards)]
    missing = [index for index, file in enumerate(files) if not file.exists()]
    paths = [one.path for one in photographs]
    shares = weights / weights.sum()
    with ProcessPoolExecutor(jobs) as pool:
        waiting = [
            pool.submit(_make, files[index], paths, shares, spec, (seed, index))
            for index in missing
        ]
        for done in progress(as_completed(waiting), len(waiting), "bags"):
            done.result()
    parts = [np.load(file) for file in files]
    return Bags(
        np.concatenate([part["patches"] for part in parts]),
        np.concatenate([part["severities"] for part in parts]),
    )


def bag(
    path: Path, spec: InputSpec, generator: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], list[float]]:
    """One picture, degraded at random.

    Args:
        path: Of a clean photograph.
        spec: Input of the network.
        generator: The source of all that is random.

    Returns:
        uint8 [patches, side, side], and the severity of each of `LEARNED`.
    """
    luma, severities = degrade(view(path, generator), generator)
    if generator.random() < _MARKED:
        # Print that is painted on afterwards is sharp in the worst picture.
        luma = watermark.paint(luma[..., np.newaxis], generator)[..., 0]
    tensor = detail(Frame(luma, PixelFormat.GRAY), spec).tensor
    patches = tensor.reshape(len(spec.views), spec.height, spec.width)
    return patches, [severities[cause] for cause in LEARNED]


def _make(
    file: Path,
    paths: Sequence[Path],
    shares: npt.NDArray[np.float64],
    spec: InputSpec,
    seed: tuple[int, int],
) -> None:
    generator = np.random.default_rng(seed)
    chosen = generator.choice(len(paths), SHARD, p=shares)
    made = [bag(paths[index], spec, generator) for index in chosen]
    with replacing(file) as scratch, scratch.open("wb") as stream:
        np.savez(
            stream,
            patches=np.stack([patches for patches, _ in made]),
            severities=np.array([severities for _, severities in made], np.float32),
        )
