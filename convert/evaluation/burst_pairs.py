"""``edgeiqa convert burst``: how often is the better of two frames of one moment found?

On bursts made from clean photographs, where it is known which frame is worse and by how many
levels (`convert.evaluation.burst_series`), and on real pairs: a sharp and a blurred frame of the
same scene, and windows of a video's consecutive frames averaged as a shutter would. Beside
`edgeiqa.best_of` are the score alone, variance of the Laplacian and Tenengrad, on the same
frames in the same run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeiqa.burst.features import shift_between
from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging.decode import decode
from edgeiqa.imaging.discovery import expand
from edgeiqa.scorer import Scorer

from ..common.progress import progress
from ..distortions.distort import RgbArray
from ..distortions.light import from_light, to_light
from .burst_measures import (
    METHODS,
    MeasuredFrame,
    Scene,
    measure_frames,
    measure_scenes,
    ratings,
)
from .burst_series import APART, SLIGHT

TARGET = 0.9
"""Asked for of synthetic pairs one level apart."""

WINDOWS: tuple[int, ...] = (1, 3, 5, 7, 9, 11)
"""How many consecutive frames are averaged into one; the more, the longer the shutter is open."""

_Z = 1.959964  # Of a two-sided 95% interval.
_STRIDE = 13
# The widest window has to move by this many pixels, or it is not blurrier but only less noisy.
_MIN_MOTION = 6


@dataclass
class Count:
    """Pairs and how many were put in the right order; a tie counts half."""

    right: float = 0.0
    pairs: int = 0

    def add(self, better: float, worse: float) -> None:
        """Counts a pair by its two values, the higher the better."""
        self.right += 0.5 * (float(better > worse) + float(better >= worse))
        self.pairs += 1

    def to_dict(self) -> dict[str, float]:
        """`accuracy` and its 95% interval `low` and `high`, 0-1."""
        low, high = wilson(self.right, self.pairs)
        values = {"accuracy": self.right / self.pairs, "low": low, "high": high}
        return {name: round(value, 4) for name, value in values.items()}


def wilson(right: float, pairs: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson, JASA 22, 1927).

    Args:
        right: how many were right, 0 to `pairs`.
        pairs: how many there were, at least 1.

    Returns:
        (low, high), 0-1.
    """
    share, z2 = right / pairs, _Z * _Z
    middle = (share + z2 / (2 * pairs)) / (1 + z2 / pairs)
    half = _Z / (1 + z2 / pairs) * math.sqrt(share * (1 - share) / pairs + z2 / (4 * pairs**2))
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass
class PairSet:
    """Pairs of one origin: counts by row, such as (kind, levels apart), and method.

    Attributes:
        name: of the origin.
        what: one line about the pictures.
        scenes: how many.
        counts: row to method to count; rows are (kind, levels apart).
    """

    name: str
    what: str
    scenes: int = 0
    counts: dict[tuple[str, int], dict[str, Count]] = field(default_factory=dict)

    def add(
        self, kind: str, frames: list[MeasuredFrame], pairs: Iterator[tuple[int, int, int]]
    ) -> None:
        """Counts the pairs (better, worse, apart) of a moment, under its kind and under "all".

        Slight differences do not count under "all": they are less than a level.
        """
        values = ratings(frames)
        for better, worse, apart in pairs:
            rows = [(kind, apart)] if kind in SLIGHT else [(kind, apart), ("all", apart)]
            for row in rows:
                counts = self.counts.setdefault(row, {method: Count() for method in METHODS})
                for method, count in counts.items():
                    count.add(values[method][better], values[method][worse])

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        rows = []
        order = sorted(self.counts, key=lambda row: (row[0] == "all", row[1]))
        for kind, apart in order:
            counts = self.counts[kind, apart]
            rows.append(
                {
                    "kind": kind,
                    "apart": apart,
                    "pairs": counts[METHODS[0]].pairs,
                    **{method: count.to_dict() for method, count in counts.items()},
                }
            )
        return {"name": self.name, "what": self.what, "scenes": self.scenes, "rows": rows}


def synthetic(
    name: str, what: str, scenes: Sequence[Scene], model: str, processes: int
) -> tuple[PairSet, list[str]]:
    """Counts the pairs of bursts made from clean photographs."""
    measured, errors = measure_scenes(scenes, model, processes, name)
    found = PairSet(name, what, len({series.scene for series, _ in measured}))
    for series, frames in measured:
        found.add(series.kind, frames, series.pairs())
    return found, errors


def sharp_and_blurred(folder: Path) -> list[tuple[Path, Path]]:
    """Finds pairs of files NAME_gt.SUFFIX, the sharp one, and NAME.SUFFIX.

    Args:
        folder: searched to its depths.
    """
    found = []
    for sharp in sorted(folder.rglob("*_gt.*")):
        blurred = sharp.with_name(sharp.name.replace("_gt.", "."))
        if blurred.is_file():
            found.append((sharp, blurred))
    return found


def real_pairs(folder: Path, scorer: Scorer) -> tuple[PairSet, list[str]]:
    """Counts real sharp frames against blurred ones; each comes first in half of the pairs."""
    found, errors = PairSet("pairs", "a sharp and a blurred frame of the same scene"), []
    files = sharp_and_blurred(folder)
    for number, pair in progress(list(enumerate(files)), len(files), "pairs"):
        try:
            frames = [np.asarray(decode(path)) for path in pair]
        except UnreadableImageError as error:
            errors.append(str(error))
            continue
        measured = measure_frames(frames, scorer, number % 2)
        found.add(pair[0].parent.parent.name, measured, iter([(0, 1, 1)]))
        found.scenes += 1
    return found, errors


def video_windows(folder: Path, scorer: Scorer) -> tuple[PairSet, list[str]]:
    """Counts frames averaged over a shorter time against longer ones.

    As the GoPro data set does it (Nah, Kim & Lee, CVPR 2017), but in linear light: a longer
    shutter adds up more of the frames. The windows of a moment stand at different times, so that
    their contents have moved against each other.
    """
    found = PairSet("video", "consecutive frames of a video averaged over 1, 3, ... 11")
    files = [Path(item.path) for item in expand([str(folder)]) if item.error is None]
    widest = WINDOWS[-1]
    starts = range(0, len(files) - 2 * widest, _STRIDE)
    for start in progress(starts, len(starts), "video"):
        frames = [np.asarray(decode(path)) for path in files[start : start + 2 * widest]]
        if _motion(frames[:widest]) < _MIN_MOTION:
            continue
        generator = np.random.default_rng(start)
        shown = []
        for window in WINDOWS:
            first = int(generator.integers(2 * widest - window + 1))
            shown.append(_exposed(frames[first : first + window]))
        measured = measure_frames(shown, scorer, start % len(shown))
        pairs = [(i, i + n, n) for n in APART for i in range(len(shown) - n)]
        found.add("shutter", measured, iter(pairs))
        found.scenes += 1
    return found, []


def _exposed(frames: Sequence[RgbArray]) -> RgbArray:
    total = np.zeros(frames[0].shape, np.float32)
    for frame in frames:
        total += to_light(frame)
    return from_light(total / np.float32(len(frames)))


def _motion(frames: Sequence[RgbArray]) -> float:
    """By how many pixels the scene moves from the first to the last frame, about."""
    first, last = (frame[::2, ::2, 1].astype(np.float32) for frame in (frames[0], frames[-1]))
    return 2.0 * math.hypot(*shift_between(first, last))


def table(sets: Sequence[PairSet]) -> str:
    """Text for people."""
    lines = []
    for one in sets:
        lines += [f"{one.name}: {one.what}, {one.scenes} scenes"]
        lines += [f"{'':16}{'apart':>6}{'pairs':>7}" + "".join(f"{m:>11}" for m in METHODS)]
        for row in one.to_dict()["rows"]:
            cells = "".join(f"{row[method]['accuracy']:>11.3f}" for method in METHODS)
            low, high = row["burst"]["low"], row["burst"]["high"]
            lines.append(
                f"{row['kind']:16}{row['apart']:>6}{row['pairs']:>7}{cells}"
                f"   burst {low:.3f}-{high:.3f}"
            )
        lines.append("")
    return "\n".join(lines)
