"""Camera and coding distortions that get worse by a known amount.

Each distortion takes a uint8 RGB picture and a strength between 0 (untouched) and 1, and makes
the same picture from the same seed every time. Five named levels are equal steps of the
strength: level k is strength k / 5. What the air, the optics and the sensor do is done in linear
light; what the tone curve, the sharpening and the encoder do is done on the coded values.

A new distortion is one function in :mod:`convert.distortions`, decorated with `@register(...)`;
its name then appears in `DISTORTIONS`, in the contact sheet and in the tests.
"""

from __future__ import annotations

import zlib

import numpy as np

# Importing a family registers its distortions, in this order.
from . import optics, sensor  # isort: skip
from . import tone, coding  # isort: skip
from .light import linear_to_srgb, srgb_to_linear
from .registry import (
    CAUSES,
    DISTORTIONS,
    LEVELS,
    ORIGINAL,
    Distortion,
    LightArray,
    RgbArray,
)

__all__ = [
    "CAUSES",
    "DISTORTIONS",
    "LEVELS",
    "ORIGINAL",
    "Distortion",
    "LightArray",
    "RgbArray",
    "check_picture",
    "check_seed",
    "distort",
    "level_strength",
    "linear_to_srgb",
    "monotone_kinds",
    "srgb_to_linear",
]
del optics, sensor, tone, coding

# Reports list the six kinds of the first ladder report first, as they always did.
for _name in (*ORIGINAL, *[name for name in DISTORTIONS if name not in ORIGINAL]):
    DISTORTIONS[_name] = DISTORTIONS.pop(_name)


def distort(
    rgb: RgbArray,
    kind: str,
    level: int | None = None,
    *,
    strength: float | None = None,
    seed: int = 0,
) -> RgbArray:
    """Degrades a picture by a known amount.

    Args:
        rgb: uint8 array of shape (height, width, 3), RGB, 0-255, any size from 1x1. Not changed.
        kind: a name in `DISTORTIONS`.
        level: 1 (mild) to 5 (severe); the same as a strength of level / 5.
        strength: 0 (returns a copy) to 1 (as level 5). Give either this or `level`.
        seed: non-negative integer that fixes everything random (noise pattern, motion angle).
            One seed gives one pattern at every strength, so that levels differ by amount only.

    Returns:
        A new uint8 array of the same shape.

    Raises:
        TypeError: `rgb` is not a uint8 array, or `level`, `strength` or `seed` is not a number.
        ValueError: wrong shape, unknown kind, level, strength or seed out of range, or not
            exactly one of `level` and `strength`.
    """
    check_picture(rgb)
    if kind not in DISTORTIONS:
        raise ValueError(f"unknown distortion {kind!r}; known: {', '.join(DISTORTIONS)}")
    amount = _check_amount(level, strength)
    check_seed(seed)
    if amount == 0.0:
        return rgb.copy()
    # The kind enters the seed so that one seed does not couple the choices of two distortions.
    generator = np.random.default_rng([int(seed), zlib.crc32(kind.encode())])
    return DISTORTIONS[kind].apply(np.ascontiguousarray(rgb), amount, generator)


def level_strength(level: int) -> float:
    """Returns the strength (0-1) of a level.

    Args:
        level: 1 to 5.

    Raises:
        TypeError: the level is not an integer.
        ValueError: the level is out of range.
    """
    if isinstance(level, bool) or not isinstance(level, int | np.integer):
        raise TypeError(f"level must be an integer from 1 to 5, got {type(level).__name__}")
    if level not in LEVELS:
        raise ValueError(f"level must be from 1 to 5, got {level}")
    return int(level) / LEVELS[-1]


def monotone_kinds(*, portable: bool = False) -> tuple[str, ...]:
    """The kinds that surely look worse with every level.

    Args:
        portable: leave out those that not every machine has (AVIF, HEVC).
    """
    return tuple(
        name
        for name, found in DISTORTIONS.items()
        if found.monotone and (found.portable or not portable)
    )


def check_picture(rgb: RgbArray) -> None:
    """Refuses anything but a uint8 (height, width, 3) array with at least one pixel.

    Raises:
        TypeError: no array, or another dtype.
        ValueError: another shape.
    """
    if not isinstance(rgb, np.ndarray):
        raise TypeError(f"expected a numpy array, got {type(rgb).__name__}")
    if rgb.dtype != np.uint8:
        raise TypeError(f"expected dtype uint8, got {rgb.dtype}")
    if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"expected shape (height, width, 3), got {rgb.shape}")


def check_seed(seed: int) -> None:
    """Refuses anything but a non-negative integer.

    Raises:
        TypeError: no integer.
        ValueError: negative.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"seed must be an integer, got {type(seed).__name__}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")


def _check_amount(level: int | None, strength: float | None) -> float:
    if (level is None) == (strength is None):
        raise ValueError("give exactly one of level and strength")
    if level is not None:
        return level_strength(level)
    if isinstance(strength, bool) or not isinstance(strength, int | float | np.number):
        raise TypeError(f"strength must be a number from 0 to 1, got {type(strength).__name__}")
    if not 0.0 <= strength <= 1.0:  # also refuses NaN
        raise ValueError(f"strength must be from 0 to 1, got {strength}")
    return float(strength)
