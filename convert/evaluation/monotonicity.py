"""The ladder check: a score must fall with every rung of a distortion, and choose within a burst.

Each picture is distorted at five growing levels (`convert.distortions.distort`), and the original
and the five levels are scored by the runtime. Every neighbouring pair in which the score does not
fall is a violation. Then frames of one moment that differ by one level are compared
(`convert.evaluation.ladder_burst`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..common.progress import progress
from ..datasets.manifest import ManifestRow, select
from ..distortions.distort import DISTORTIONS, ORIGINAL, RgbArray
from .ladder_report import Ladder, LadderReport, rungs


def check_ladders(
    score: Callable[[RgbArray], float],
    pictures: Mapping[str, RgbArray],
    kinds: Sequence[str] = ORIGINAL,
    *,
    seed: int = 0,
    facts: Mapping[str, Any] | None = None,
) -> LadderReport:
    """Scores every picture under every distortion at every level.

    Args:
        score: uint8 (height, width, 3) RGB to a score of 0-100, higher is better.
        pictures: name to uint8 (height, width, 3) RGB.
        kinds: names in `convert.distortions.distort.DISTORTIONS`; the six of the first report
            by default.
        seed: fixes noise and motion angles.
        facts: what the report shall say about how it was made.

    Raises:
        ValueError: an unknown distortion, or no pictures.
    """
    if not pictures:
        raise ValueError("no pictures to check")
    unknown = [kind for kind in kinds if kind not in DISTORTIONS]
    if unknown:
        raise ValueError(f"unknown distortion {unknown[0]!r}; known: {', '.join(DISTORTIONS)}")
    ladders = []
    jobs = [(name, kind) for name in pictures for kind in kinds]
    originals: dict[str, float] = {}
    for name, kind in progress(jobs, len(jobs), "ladders"):
        original, *levels = rungs(pictures[name], kind, name, seed)
        if name not in originals:
            originals[name] = float(score(original))
        scores = (originals[name], *(float(score(level)) for level in levels))
        ladders.append(Ladder(name, kind, scores))
    return LadderReport(tuple(ladders), seed, dict(facts or {}))


VALIDATION_MOS = 0.7
"""Validation pictures rated at least this (0-1) count as clean."""


def validation_scenes(rows: Sequence[ManifestRow], count: int, seed: int) -> list[str]:
    """Draws well-rated pictures that never took part in training.

    Args:
        rows: rows of the manifest; only those of its validation split count.
        count: how many to draw at most.
        seed: of the draw.

    Returns:
        Their paths below the data root, sorted.

    Raises:
        ValueError: no validation picture is rated well enough.
    """
    from ..datasets.augment import MARKED_SUBSETS

    good = sorted(
        row.path
        for row in select(rows, "validation")
        if row.mos >= VALIDATION_MOS and row.subset not in MARKED_SUBSETS
    )
    if not good:
        raise ValueError(f"no validation picture has a MOS of at least {VALIDATION_MOS}")
    chosen = np.random.default_rng(seed).permutation(len(good))[:count]
    return sorted(good[index] for index in chosen)


def clean_samples() -> list[Path]:
    """Returns the package's sample photographs that were not degraded on purpose."""
    from edgeiqa.assets import sample_paths

    # A degraded one is called <photograph>-<what was done>.jpg (edgeiqa/assets/samples/README.md).
    return [Path(path) for path in sample_paths() if "-" not in Path(path).stem]


def load_pictures(paths: Iterable[Path]) -> tuple[dict[str, RgbArray], list[str]]:
    """Reads pictures as the runtime does.

    Args:
        paths: image files.

    Returns:
        File name to uint8 (height, width, 3) RGB, and one line for each unreadable file.
    """
    from edgeiqa.errors import UnreadableImageError
    from edgeiqa.imaging.decode import decode

    pictures: dict[str, RgbArray] = {}
    errors = []
    for path in paths:
        try:
            pictures[path.name] = np.asarray(decode(path))
        except (UnreadableImageError, OSError) as error:
            errors.append(f"{path}: {error}")
    return pictures, errors
