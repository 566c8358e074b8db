"""Measures frames of series, and the measures that people use instead, for comparison."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from edgeiqa.burst.features import Luma, Places
from edgeiqa.burst.ranking import rank
from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging.decode import decode
from edgeiqa.imaging.frame import Frame
from edgeiqa.quality import Quality
from edgeiqa.scorer import Scorer

from ..common.progress import progress
from ..common.quiet import quiet
from ..common.tenengrad import tenengrad
from ..distortions.burst import MAX_STOPS, MIN_SHARE
from ..distortions.distort import RgbArray
from .burst_series import Series, series_of

METHODS: tuple[str, ...] = ("burst", "score", "laplacian", "tenengrad")
"""`edgeiqa.best_of`; the score alone; variance of the Laplacian and Tenengrad of all pixels."""


@dataclass(frozen=True)
class MeasuredFrame:
    """One frame of a moment.

    Attributes:
        quality: of the frame alone.
        detail: float64 [len(FEATURES)], see `edgeiqa.burst.features`.
        laplacian: variance of the Laplacian of the luma, over all pixels.
        tenengrad: mean squared Sobel gradient of the luma, over all pixels.
    """

    quality: Quality
    detail: NDArray[np.float64]
    laplacian: float = 0.0
    tenengrad: float = 0.0


def measure_frames(
    frames: Iterable[RgbArray], scorer: Scorer, first: int = 0, *, others: bool = True
) -> list[MeasuredFrame]:
    """Measures the frames of one moment.

    Args:
        frames: uint8 (height, width, 3) RGB.
        scorer: the model.
        first: which frame comes first in the burst and so chooses the places.
        others: whether to compute what others use, too.
    """
    kept = list(frames)
    places = Places(Luma(Frame(kept[first])))
    found = []
    for rgb in kept:
        detail = places.measure(Luma(Frame(rgb))).values
        laplacian, tenengrad = classic(rgb) if others else (0.0, 0.0)
        found.append(MeasuredFrame(scorer.score(rgb), detail, laplacian, tenengrad))
    return found


def measure_series(
    series: Series, rgb: RgbArray, scorer: Scorer, *, others: bool = True
) -> list[MeasuredFrame]:
    """Takes and measures the frames of a series; its seed says which of them comes first."""
    frames = list(series.frames(rgb))
    first = zlib.crc32(f"{series.seed} {series.scene} {series.kind}".encode()) % len(frames)
    return measure_frames(frames, scorer, first, others=others)


def classic(rgb: RgbArray) -> tuple[float, float]:
    """Variance of the Laplacian (Pech-Pacheco et al. 2000) and Tenengrad (Krotkov 1987).

    Args:
        rgb: uint8 (height, width, 3) RGB.
    """
    luma = Luma(Frame(rgb)).small(1)
    laplacian = ndimage.convolve(luma, np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32))
    return float(laplacian.var()), tenengrad(luma)


def ratings(frames: list[MeasuredFrame]) -> dict[str, NDArray[np.float64]]:
    """One number per frame and method, the higher the better.

    Args:
        frames: of one moment.
    """
    values = np.empty(len(frames))
    for ranked in rank([frame.quality for frame in frames], [frame.detail for frame in frames]):
        values[ranked.index] = ranked.value
    return {
        "burst": values,
        "score": np.array([frame.quality.score for frame in frames]),
        "laplacian": np.array([frame.laplacian for frame in frames]),
        "tenengrad": np.array([frame.tenengrad for frame in frames]),
    }


@dataclass(frozen=True)
class Scene:
    """A picture of which series are made.

    Attributes:
        name: for reports and seeds.
        path: the file.
        kinds: see `convert.evaluation.burst_series.series_of`.
        seed: of everything random.
        scale: the picture is resized by this before anything else, with a Lanczos filter; above
            1 it becomes as soft at the pixel as large photographs are.
        others: whether to compute what others use, too.
        stops: see `convert.evaluation.burst_series.Series`.
        least_share: see `convert.evaluation.burst_series.Series`.
    """

    name: str
    path: str
    kinds: tuple[str, ...]
    seed: int = 0
    scale: float = 1.0
    others: bool = True
    stops: float = MAX_STOPS
    least_share: float = MIN_SHARE


MeasuredSeries: TypeAlias = tuple[Series, list[MeasuredFrame]]


def measure_scenes(
    scenes: Sequence[Scene], model: str, processes: int = 1, label: str = "bursts"
) -> tuple[list[MeasuredSeries], list[str]]:
    """Makes and measures all series of all scenes.

    Args:
        scenes: the pictures.
        model: name or file of a .tflite.
        processes: how many work side by side.
        label: of the progress bar.

    Returns:
        The series in the order of scenes; and a line for each picture that cannot be read.
    """
    with ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=_start, initargs=(model,)
    ) as pool:
        found: list[MeasuredSeries] = []
        errors: list[str] = []
        for measured, error in progress(pool.map(_measure_scene, scenes), len(scenes), label):
            found += measured
            if error is not None:
                errors.append(error)
    return found, errors


_scorer: Scorer | None = None


def _start(model: str) -> None:
    global _scorer
    with quiet():  # LiteRT announces its delegate
        _scorer = Scorer(model)


def _measure_scene(scene: Scene) -> tuple[list[MeasuredSeries], str | None]:
    assert _scorer is not None
    try:
        picture = decode(scene.path)
    except UnreadableImageError as error:
        return [], str(error)
    if scene.scale != 1.0:
        size = (round(picture.width * scene.scale), round(picture.height * scene.scale))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    rgb = np.asarray(picture)
    return [
        (series, measure_series(series, rgb, _scorer, others=scene.others))
        for series in series_of(scene.name, scene.kinds, scene.seed, scene.stops, scene.least_share)
    ], None
