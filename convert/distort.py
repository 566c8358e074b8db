"""Camera and coding distortions that get worse by a known amount.

Each distortion takes a uint8 RGB picture and a strength between 0 (untouched) and 1, and makes
the same picture from the same seed every time. Five named levels stand at equal steps of the
strength: level k is strength k / 5. What the optics and the sensor do is done in linear light
(blur, exposure, noise); what the encoder does is done on the coded values (JPEG).

A new distortion is one function decorated with `@_register(...)`; its name then appears in
`DISTORTIONS`, in the ladder report and in the tests.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import fft

RgbArray: TypeAlias = npt.NDArray[np.uint8]
LightArray: TypeAlias = npt.NDArray[np.float32]
_Apply: TypeAlias = Callable[[RgbArray, float, np.random.Generator], RgbArray]

LEVELS: tuple[int, ...] = (1, 2, 3, 4, 5)
"""The named levels, mildest first."""

# Sizes at strength 1, in pixels of a picture whose shorter side is 512.
_REFERENCE_SIDE = 512.0
_GAUSSIAN_SIGMA = 6.0
_MOTION_LENGTH = 30.0
# An exponent above 1 spaces the levels evenly to the eye: 0.8, 1.9, 3.2, 4.5, 6 px of sigma.
_BLUR_EXPONENT = 1.25

_JPEG_WORST_QUALITY = 4.0
_JPEG_EXPONENT = 0.7

# Noise at strength 1: a white pixel holds 20 photo-electrons, the read noise is 3% of white.
_NOISE_FULL_WELL = 20.0
_NOISE_READ = 0.03
_NOISE_EXPONENT = 1.2

_UNDER_STOPS = 4.5
_OVER_STOPS = 3.0


@dataclass(frozen=True)
class Distortion:
    """One way to spoil a picture.

    Attributes:
        name: the key in `DISTORTIONS`.
        cause: the cause of bad quality that it imitates, in the words of `Quality.causes`.
        summary: one line for people.
        seeded: whether the seed changes the result.
        apply: (uint8 HxWx3 RGB, strength in (0, 1], generator) -> uint8 HxWx3 RGB, unchecked.
            Use `distort` instead, which checks its input.
    """

    name: str
    cause: str
    summary: str
    seeded: bool
    apply: _Apply


DISTORTIONS: dict[str, Distortion] = {}
"""Every distortion by name, in the order in which reports list them."""


def distort(
    rgb: RgbArray,
    kind: str,
    level: int | None = None,
    *,
    strength: float | None = None,
    seed: int = 0,
) -> RgbArray:
    """Spoils a picture by a known amount.

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
        TypeError: `rgb` is not a uint8 array, or `level`, `strength` or `seed` is no number.
        ValueError: wrong shape, unknown kind, level, strength or seed out of range, or not
            exactly one of `level` and `strength`.
    """
    _check_picture(rgb)
    if kind not in DISTORTIONS:
        raise ValueError(f"unknown distortion {kind!r}; known: {', '.join(DISTORTIONS)}")
    amount = _check_amount(level, strength)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"seed must be an integer, got {type(seed).__name__}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
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


def _check_picture(rgb: RgbArray) -> None:
    if not isinstance(rgb, np.ndarray):
        raise TypeError(f"expected a numpy array, got {type(rgb).__name__}")
    if rgb.dtype != np.uint8:
        raise TypeError(f"expected dtype uint8, got {rgb.dtype}")
    if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"expected shape (height, width, 3), got {rgb.shape}")


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


def _register(name: str, cause: str, summary: str, *, seeded: bool) -> Callable[[_Apply], _Apply]:
    def add(function: _Apply) -> _Apply:
        DISTORTIONS[name] = Distortion(name, cause, summary, seeded, function)
        return function

    return add


# --- light -----------------------------------------------------------------------------------


def srgb_to_linear(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Decodes sRGB values (0-1) to linear light (0-1), IEC 61966-2-1.

    Args:
        value: float array of any shape.
    """
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Codes linear light (0-1) as sRGB values (0-1), IEC 61966-2-1.

    Args:
        light: float array of any shape.
    """
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


_DECODE = srgb_to_linear(np.arange(256) / 255.0)
_DECODE32: LightArray = _DECODE.astype(np.float32)
# 16 bits resolve the steepest part of the curve to a twentieth of an 8-bit step.
_ENCODE: RgbArray = np.rint(linear_to_srgb(np.arange(65536) / 65535.0) * 255.0).astype(np.uint8)


def _to_light(rgb: RgbArray) -> LightArray:
    return _DECODE32[rgb]


def _from_light(light: LightArray) -> RgbArray:
    """Clips linear light to 0-1 and codes it as 8-bit sRGB."""
    steps = light * np.float32(65535.0)
    steps += np.float32(0.5)
    np.clip(steps, 0.0, 65535.0, out=steps)
    return _ENCODE[steps.astype(np.uint16)]


# --- optics ----------------------------------------------------------------------------------


def _scaled(size_at_512: float, rgb: RgbArray, strength: float) -> float:
    """Turns a size at strength 1 and a 512 px shorter side into pixels of this picture."""
    share = size_at_512 / _REFERENCE_SIDE
    return float(share * min(rgb.shape[:2]) * strength**_BLUR_EXPONENT)


def _blur_light(rgb: RgbArray, kernel: LightArray) -> RgbArray:
    """Convolves the linear light of a picture, mirrored at its borders, with an odd kernel."""
    radius_y, radius_x = kernel.shape[0] // 2, kernel.shape[1] // 2
    height, width = rgb.shape[:2]
    pad = ((radius_y, radius_y), (radius_x, radius_x), (0, 0))
    # Channels first: the transforms then run over contiguous planes.
    light = np.ascontiguousarray(_to_light(np.pad(rgb, pad, mode="symmetric")).transpose(2, 0, 1))
    shape = tuple(fft.next_fast_len(side, real=True) for side in light.shape[1:])
    spectrum = fft.rfft2(light, s=shape)
    spectrum *= fft.rfft2(kernel, s=shape)
    full = fft.irfft2(spectrum, s=shape, overwrite_x=True)
    # The kernel's centre lies at (radius_y, radius_x), which moves the result by that much.
    inner = full[:, 2 * radius_y : 2 * radius_y + height, 2 * radius_x : 2 * radius_x + width]
    return _from_light(np.ascontiguousarray(inner.transpose(1, 2, 0)))


@_register("gaussian_blur", "blur", "defocus, as a Gaussian blur", seeded=False)
def _gaussian_blur(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Blurs light with a Gaussian; sigma is 6/512 of the shorter side at strength 1.

    On a picture with a shorter side of 512 px the levels have sigma 0.8, 1.9, 3.2, 4.5, 6.0 px.
    """
    del generator
    sigma = _scaled(_GAUSSIAN_SIGMA, rgb, strength)
    radius = math.ceil(3.5 * sigma)
    axis = np.arange(-radius, radius + 1)
    profile = np.exp(-0.5 * (axis / max(sigma, 1e-6)) ** 2)
    profile /= profile.sum()
    return _blur_light(rgb, np.outer(profile, profile).astype(np.float32))


@_register("motion_blur", "blur", "camera shake along a straight line", seeded=True)
def _motion_blur(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Smears light along a line; its length is 30/512 of the shorter side at strength 1.

    On a picture with a shorter side of 512 px the levels smear over 4.0, 9.5, 15.8, 22.7, 30 px.
    The seed draws the angle, uniform over all directions.
    """
    length = _scaled(_MOTION_LENGTH, rgb, strength)
    angle = generator.uniform(0.0, math.pi)
    return _blur_light(rgb, _line_kernel(length, angle))


def _line_kernel(length: float, angle: float) -> LightArray:
    """Draws an anti-aliased line through the middle of an odd kernel that sums to 1.

    Args:
        length: in pixels, may be fractional, 0 gives a single point.
        angle: radians from the x axis.
    """
    radius = math.ceil(length / 2) + 1
    # Many points per pixel, each split over its four neighbours, follow a line of any length.
    count = max(2, 8 * math.ceil(length))
    offset = (np.arange(count) + 0.5) / count * length - length / 2
    x, y = radius + offset * math.cos(angle), radius + offset * math.sin(angle)
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - x0, y - y0
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1))
    for dy, wy in ((0, 1 - fy), (1, fy)):
        for dx, wx in ((0, 1 - fx), (1, fx)):
            # At the right and lower border the weight of the outer neighbour is 0.
            rows, columns = np.minimum(y0 + dy, 2 * radius), np.minimum(x0 + dx, 2 * radius)
            np.add.at(kernel, (rows, columns), wy * wx)
    return (kernel / kernel.sum()).astype(np.float32)


# --- coding ----------------------------------------------------------------------------------


@_register("jpeg", "compression", "JPEG with 4:2:0 chroma at a low quality", seeded=False)
def _jpeg(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Codes and decodes as baseline JPEG, 4:2:0, by libjpeg's quality 35, 18, 11, 6, 4."""
    del generator
    quality = 100.0 * (_JPEG_WORST_QUALITY / 100.0) ** (strength**_JPEG_EXPONENT)
    coded = io.BytesIO()
    Image.fromarray(rgb).save(coded, "JPEG", quality=round(quality), subsampling="4:2:0")
    with Image.open(coded) as picture:
        return np.array(picture.convert("RGB"))


# --- sensor ----------------------------------------------------------------------------------


@_register("noise", "noise", "shot and read noise of a sensor", seeded=True)
def _noise(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Adds Gaussian noise to linear light with variance light / full well + read noise squared.

    At strength 1 a white pixel holds 20 photo-electrons and the read noise is 3% of white; the
    deviation scales with strength ** 1.2. Mid-grey then deviates by about 4 to 29 of 255 from
    level 1 to 5. Noise is per pixel, whatever the picture's size, as it is on a sensor; colour
    channels are independent. The heteroscedastic Gaussian model is that of Foi et al., IEEE
    Trans. Image Process. 17(10), 2008.
    """
    deviation = np.sqrt(_DECODE / _NOISE_FULL_WELL + _NOISE_READ**2) * strength**_NOISE_EXPONENT
    light = generator.standard_normal(rgb.shape, dtype=np.float32)
    light *= deviation.astype(np.float32)[rgb]
    light += _to_light(rgb)
    return _from_light(light)


def _expose(rgb: RgbArray, stops: float) -> RgbArray:
    """Multiplies linear light by 2 ** stops, clips at white, codes as sRGB."""
    coded = np.rint(linear_to_srgb(np.clip(_DECODE * 2.0**stops, 0.0, 1.0)) * 255.0)
    return coded.astype(np.uint8)[rgb]


@_register("under_exposure", "dark", "too little light, by up to 4.5 stops", seeded=False)
def _under_exposure(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Darkens by 0.9 stops a level, in linear light; noise stays as it is."""
    del generator
    return _expose(rgb, -_UNDER_STOPS * strength)


@_register("over_exposure", "bright", "too much light, by up to 3 stops", seeded=False)
def _over_exposure(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Brightens by 0.6 stops a level, in linear light; what exceeds white is lost."""
    del generator
    return _expose(rgb, _OVER_STOPS * strength)
