"""What a distortion is, and the table that holds them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

RgbArray: TypeAlias = npt.NDArray[np.uint8]
LightArray: TypeAlias = npt.NDArray[np.float32]
Apply: TypeAlias = Callable[[RgbArray, float, np.random.Generator], RgbArray]

LEVELS: tuple[int, ...] = (1, 2, 3, 4, 5)
"""The named levels, mildest first."""

CAUSES: tuple[str, ...] = (
    "blur",
    "noise",
    "dark",
    "bright",
    "compression",
    "low_contrast",
    "other",
)
"""The causes of `Quality.causes`, and "other" for what none of them names."""

ORIGINAL: tuple[str, ...] = (
    "gaussian_blur",
    "motion_blur",
    "jpeg",
    "noise",
    "under_exposure",
    "over_exposure",
)
"""The six kinds of the first ladder report; what they do to a picture never changes."""


@dataclass(frozen=True)
class Distortion:
    """One way to degrade a picture.

    Attributes:
        name: the key in `DISTORTIONS`.
        cause: the cause of bad quality that it imitates, one of `CAUSES`.
        summary: one line for people.
        seeded: whether the seed changes the result.
        apply: (uint8 HxWx3 RGB, strength in (0, 1], generator) -> uint8 HxWx3 RGB, unchecked.
            Use `convert.distortions.distort.distort` instead, which checks its input.
        says: strength (0-1) to the physical amount on a picture whose shorter side is 512 px,
            such as "sigma 3.2 px".
        margin: least fall of the score (0-1) that people surely see over the whole range.
        monotone: whether a higher strength surely looks worse, from the first level on. Not so
            for matters of taste: a warmer picture or a slightly sharper one may please.
        anew: whether each frame of a burst draws its own (noise, shake) or all share it (haze).
        portable: whether it is there on every machine; codecs may be missing from a build.
    """

    name: str
    cause: str
    summary: str
    seeded: bool
    apply: Apply
    says: Callable[[float], str]
    margin: float = 0.2
    monotone: bool = True
    anew: bool = False
    portable: bool = True


DISTORTIONS: dict[str, Distortion] = {}
"""Every distortion by name, in the order in which reports list them."""


def register(
    name: str,
    cause: str,
    summary: str,
    *,
    seeded: bool,
    says: Callable[[float], str],
    margin: float = 0.2,
    monotone: bool = True,
    anew: bool = False,
    portable: bool = True,
) -> Callable[[Apply], Apply]:
    """Enters a function in `DISTORTIONS`; the arguments are those of `Distortion`.

    Raises:
        ValueError: the name is taken, or the cause is not one of `CAUSES`.
    """
    if name in DISTORTIONS:
        raise ValueError(f"there is a distortion {name!r} already")
    if cause not in CAUSES:
        raise ValueError(f"unknown cause {cause!r}; known: {', '.join(CAUSES)}")

    def add(function: Apply) -> Apply:
        DISTORTIONS[name] = Distortion(
            name, cause, summary, seeded, function, says, margin, monotone, anew, portable
        )
        return function

    return add
