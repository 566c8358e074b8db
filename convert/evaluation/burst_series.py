"""Series of frames of one moment, each worse than the one before: what burst ranking is tried on.

A series comes from one clean picture. Its frames differ a little in framing, exposure and coding
(`convert.distortions.burst`), which should not matter, and from one to the next one thing gets
worse by one level, which should. In a series of kind "mixed", blur, noise, exposure and
compression are all there at once in their own strengths, and each step makes one or two of them a
level worse.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..distortions import burst
from ..distortions.distort import LEVELS, RgbArray

KINDS: tuple[str, ...] = (
    "gaussian_blur",
    "defocus",
    "motion_blur",
    "motion_shake",
    "noise",
    "jpeg",
    "under_exposure",
    "over_exposure",
)
"""What a camera does differently from one frame of a burst to the next."""

SLIGHT: dict[str, str] = {"slight_blur": "defocus", "slight_motion": "motion_shake"}
"""Kinds whose frames are a quarter or half of a level apart, by the distortion they are made with:
what one frame of a steady hand has more than the next."""

MIXED = "mixed"
"""Several of `KINDS` at once."""

APART: tuple[int, ...] = (1, 2)
"""Levels between the two frames of a pair."""

_BLURS = KINDS[:4]
_EXPOSURES = KINDS[6:]
_MIXED_STEPS = 4
_SLIGHT_LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)


@dataclass(frozen=True)
class Series:
    """Frames of one scene, best first.

    Attributes:
        scene: name of the picture.
        kind: one of `KINDS` or `SLIGHT`, or `MIXED`.
        levels: per frame, distortion to level (0-5) in the order in which they come about.
        seed: of everything random.
        stops: by how much exposure may differ from the picture's, which does not matter.
        least_share: how much of the sides a frame shows at least, which does not matter either.
    """

    scene: str
    kind: str
    levels: tuple[dict[str, float], ...]
    seed: int
    stops: float = burst.MAX_STOPS
    least_share: float = burst.MIN_SHARE

    def frames(self, rgb: RgbArray) -> Iterator[RgbArray]:
        """Takes the frames.

        Args:
            rgb: the scene, uint8 (height, width, 3) RGB.

        Yields:
            uint8 (height', width', 3) RGB, not all of the same size.
        """
        shared = self.seed + zlib.crc32(self.scene.encode())
        own = np.random.default_rng([shared, zlib.crc32(self.kind.encode())])
        for levels in self.levels:
            strengths = {kind: level / LEVELS[-1] for kind, level in levels.items()}
            yield burst.mixed_frame(
                rgb, strengths, shared, own, stops=self.stops, least_share=self.least_share
            )

    def pairs(self) -> Iterator[tuple[int, int, int]]:
        """Yields (better, worse, levels apart), as numbers of frames."""
        for apart in APART:
            for better in range(len(self.levels) - apart):
                yield better, better + apart, apart


def series_of(
    scene: str,
    kinds: Sequence[str],
    seed: int,
    stops: float = burst.MAX_STOPS,
    least_share: float = burst.MIN_SHARE,
) -> list[Series]:
    """Plans the series of a scene.

    Args:
        scene: name of the picture.
        kinds: of `KINDS`, `SLIGHT` and `MIXED`.
        seed: non-negative integer.
        stops: see `Series`.
        least_share: see `Series`.
    """
    found = []
    for kind in kinds:
        if kind == MIXED:
            levels = _mixed(scene, seed)
        elif kind in SLIGHT:
            levels = tuple({SLIGHT[kind]: level} for level in _SLIGHT_LEVELS)
        else:
            levels = tuple({kind: float(level)} for level in (0, *LEVELS))
        found.append(Series(scene, kind, levels, seed, stops, least_share))
    return found


def _mixed(scene: str, seed: int) -> tuple[dict[str, float], ...]:
    generator = np.random.default_rng([seed, zlib.crc32(scene.encode()), 1])
    blur = _BLURS[generator.integers(len(_BLURS))]
    exposure = _EXPOSURES[generator.integers(len(_EXPOSURES))]
    # As light goes: optics, exposure, sensor, encoder.
    names = (blur, exposure, "noise", "jpeg")
    now = {name: float(generator.integers(3)) for name in names}
    steps = [now]
    for _ in range(_MIXED_STEPS):
        worse = [name for name in names if now[name] < LEVELS[-1]]
        chosen = generator.permutation(worse)[: generator.integers(1, 3)]
        now = {name: level + float(name in chosen) for name, level in now.items()}
        steps.append(now)
    return tuple(steps)
