"""The burst check: which of two frames of one moment is the less distorted one?

Harder than a ladder, and what a camera needs: the frames differ a little in framing, exposure,
noise and coding too, which should not matter, and in one distortion by one level, which should.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..common.metrics import Interval
from ..common.progress import progress
from ..distortions import burst
from ..distortions.distort import LEVELS, ORIGINAL, RgbArray


@dataclass(frozen=True)
class BurstPair:
    """Two frames of one scene.

    Attributes:
        picture: name of the scene.
        kind: the distortion.
        level: of the worse frame, 1-5; the better one is a level below (0 is undistorted).
        better: score of the better frame, 0-100.
        worse: score of the worse frame, 0-100.
    """

    picture: str
    kind: str
    level: int
    better: float
    worse: float

    @property
    def correct(self) -> float:
        """1 when the better frame scores higher, 0.5 at a tie, else 0."""
        return 0.5 * (float(self.better > self.worse) + float(self.better >= self.worse))


@dataclass(frozen=True)
class BurstReport:
    """All burst pairs of one model.

    Attributes:
        pairs: in the order of scenes, kinds and levels.
        seed: of framing, exposure, noise and shake.
        repeats: bootstrap draws of the intervals.
    """

    pairs: tuple[BurstPair, ...]
    seed: int = 0
    repeats: int = 1000

    @property
    def kinds(self) -> tuple[str, ...]:
        """The distortions that were tried."""
        return tuple(dict.fromkeys(pair.kind for pair in self.pairs))

    def accuracy(
        self, kinds: Sequence[str] | None = None, levels: Sequence[int] = LEVELS
    ) -> Interval:
        """Share of the pairs whose better frame scores higher, with its 95% interval.

        The bootstrap draws scenes, not pairs: pairs of one scene are alike.

        Args:
            kinds: only these, or all (None).
            levels: only pairs whose worse frame has one of these.
        """
        scenes: dict[str, list[float]] = {}
        for pair in self.pairs:
            if (kinds is None or pair.kind in kinds) and pair.level in levels:
                scenes.setdefault(pair.picture, []).append(pair.correct)
        if not scenes:
            return Interval(float("nan"), float("nan"), float("nan"))
        right = np.array([sum(values) for values in scenes.values()])
        count = np.array([len(values) for values in scenes.values()])
        generator = np.random.default_rng(self.seed)
        draws = generator.integers(len(right), size=(self.repeats, len(right)))
        shares = right[draws].sum(axis=1) / count[draws].sum(axis=1)
        low, high = np.percentile(shares, [2.5, 97.5])
        return Interval(float(right.sum() / count.sum()), float(low), float(high))

    @property
    def unrest(self) -> float:
        """Median over scenes of the deviation of undistorted frames' scores, 0-100.

        What framing within 4%, 0.06 stops and JPEG 95 alone do to a score; NaN without pairs.
        """
        scenes: dict[str, list[float]] = {}
        for pair in self.pairs:
            if pair.level == 1:
                scenes.setdefault(pair.picture, []).append(pair.better)
        spreads = [np.std(scores, ddof=1) for scores in scenes.values() if len(scores) > 1]
        return float(np.median(spreads)) if spreads else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as JSON-ready values.

        Keys: `protocol` (how frames are made), `total`, `original` (the six kinds of the first
        ladder report), `kinds` and `levels` (by kind; by the worse frame's level), each with
        `pairs`, `accuracy` and its 95% interval `low` and `high` (all 0-1), and `unrest` (see
        `BurstReport.unrest`, points of 0-100).
        """
        unrest = self.unrest
        return {
            "protocol": {
                "seed": self.seed,
                "bootstrap_repeats": self.repeats,
                "bootstrap_unit": "scene",
                "least_share_of_sides": burst.MIN_SHARE,
                "most_stops": burst.MAX_STOPS,
                "jpeg_quality": burst.QUALITY,
                "scenes": len({pair.picture for pair in self.pairs}),
            },
            "total": self._row(),
            "original": self._row(ORIGINAL),
            "kinds": {kind: self._row((kind,)) for kind in self.kinds},
            "levels": {str(level): self._row(None, (level,)) for level in LEVELS},
            "unrest": round(unrest, 3) if np.isfinite(unrest) else None,
        }

    def _row(
        self, kinds: Sequence[str] | None = None, levels: Sequence[int] = LEVELS
    ) -> dict[str, float | None]:
        found = self.accuracy(kinds, levels)
        pairs = sum(
            (kinds is None or pair.kind in kinds) and pair.level in levels for pair in self.pairs
        )
        values = {"accuracy": found.value, "low": found.low, "high": found.high}
        rounded = {k: round(v, 4) if np.isfinite(v) else None for k, v in values.items()}
        return {"pairs": pairs, **rounded}

    def table(self) -> str:
        """Returns the report as text for people."""
        rows = [(kind, self._row((kind,))) for kind in self.kinds]
        rows.append(("original six", self._row(ORIGINAL)))
        rows += [(f"level {n - 1} to {n}", self._row(None, (n,))) for n in LEVELS]
        rows.append(("all", self._row()))
        lines = [f"{'two frames, one level apart':28}{'pairs':>7}{'accuracy':>10}{'95%':>15}"]
        for name, row in rows:
            if row["pairs"]:
                span = f"{row['low']:.3f}-{row['high']:.3f}"
                lines.append(f"{name:28}{row['pairs']:7}{row['accuracy']:10.3f}{span:>15}")
        lines.append(f"undistorted frames of a scene deviate by {self.unrest:.2f} points (median)")
        return "\n".join(lines)


def check_bursts(
    score: Callable[[RgbArray], float],
    pictures: Mapping[str, RgbArray],
    kinds: Sequence[str],
    *,
    seed: int = 0,
    repeats: int = 1000,
) -> BurstReport:
    """Scores pairs of frames that differ by one level, five pairs per scene and kind.

    Args:
        score: uint8 (height, width, 3) RGB to a score of 0-100, higher is better.
        pictures: name to uint8 (height, width, 3) RGB, clean.
        kinds: names in `convert.distortions.distort.DISTORTIONS`.
        seed: non-negative integer.
        repeats: bootstrap draws.
    """
    pairs = []
    jobs = [(name, kind, level) for name in pictures for kind in kinds for level in LEVELS]
    for name, kind, level in progress(jobs, len(jobs), "bursts"):
        scene = zlib.crc32(name.encode())
        generator = np.random.default_rng([seed, scene, zlib.crc32(kind.encode()), level])
        frames = (
            burst.frame(pictures[name], kind, step / LEVELS[-1], seed + scene, generator)
            for step in (level - 1, level)
        )
        better, worse = (float(score(frame)) for frame in frames)
        pairs.append(BurstPair(name, kind, level, better, worse))
    return BurstReport(tuple(pairs), seed, repeats)
