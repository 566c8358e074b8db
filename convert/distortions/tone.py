"""Exposure and light's colour in linear light; contrast, banding and sharpening on codes."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from .light import DECODE, LUMA, from_codes, linear_to_srgb, side_scale
from .registry import RgbArray, register

_UNDER_STOPS = 4.5
_OVER_STOPS = 3.0

_CAST_STOPS = 1.1
_CAST_TINT = 0.35

_MIN_CONTRAST = 0.12

_BAND_COARSEST = 5.0
_BAND_EXPONENT = 0.5

_SHARPEN_AMOUNT = 5.0
_SHARPEN_SIGMA = 1.8
_SHARPEN_EXPONENT = 1.4


def _expose(rgb: RgbArray, stops: float) -> RgbArray:
    """Multiplies linear light by 2 ** stops, clips at white, codes as sRGB."""
    coded = np.rint(linear_to_srgb(np.clip(DECODE * 2.0**stops, 0.0, 1.0)) * 255.0)
    return coded.astype(np.uint8)[rgb]


@register(
    "under_exposure",
    "dark",
    "too little light, by up to 4.5 stops",
    seeded=False,
    says=lambda s: f"{-_UNDER_STOPS * s:.1f} stops",
)
def _under_exposure(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Darkens by 0.9 stops a level, in linear light; noise stays as it is."""
    del generator
    return _expose(rgb, -_UNDER_STOPS * strength)


@register(
    "over_exposure",
    "bright",
    "too much light, by up to 3 stops",
    seeded=False,
    says=lambda s: f"{_OVER_STOPS * s:+.1f} stops",
)
def _over_exposure(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Brightens by 0.6 stops a level, in linear light; what exceeds white is lost."""
    del generator
    return _expose(rgb, _OVER_STOPS * strength)


@register(
    "white_balance",
    "other",
    "white balance set for another light: a colour cast",
    seeded=True,
    says=lambda s: f"red / blue by {2 * _CAST_STOPS * s:.1f} stops",
    margin=0.08,
    monotone=False,
)
def _white_balance(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Multiplies the channels of linear light as a wrong illuminant would (von Kries).

    In the logarithm of light, black-body lamps lie on nearly a straight line from blue to amber
    (Finlayson, Drew & Lu, ECCV 2004): red rises by up to 1.1 stops while blue falls by as much,
    about tungsten light taken for daylight, or the reverse; tubes add up to 0.35 stops of green
    or magenta. The luminance of white is kept. The seed draws the direction.
    """
    warm = _CAST_STOPS * strength * (1.0 if generator.random() < 0.6 else -1.0)
    tint = _CAST_TINT * strength * generator.uniform(-1.0, 1.0)
    gains = 2.0 ** np.array([warm, tint, -warm])
    gains /= float(gains @ LUMA)
    result = np.empty_like(rgb)
    for channel in range(3):
        light = np.clip(DECODE * gains[channel], 0.0, 1.0)
        result[..., channel] = np.rint(linear_to_srgb(light) * 255.0).astype(np.uint8)[
            rgb[..., channel]
        ]
    return result


@register(
    "low_contrast",
    "low_contrast",
    "a flat tone curve: neither black nor white",
    seeded=False,
    says=lambda s: f"contrast {1 - (1 - _MIN_CONTRAST) * s:.0%}",
    margin=0.15,
)
def _low_contrast(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Pulls codes towards the picture's mean luma (kept within 80-176), down to 12% of contrast.

    On codes, not on light: a flat look is the tone curve's doing, after the sensor.
    """
    del generator
    luma = np.array([0.299, 0.587, 0.114])
    middle = float(np.clip(rgb.reshape(-1, 3).mean(axis=0) @ luma, 80.0, 176.0))
    contrast = 1.0 - (1.0 - _MIN_CONTRAST) * strength
    table = np.rint(middle + contrast * (np.arange(256) - middle))
    return table.astype(np.uint8)[rgb]


def _band_count(strength: float) -> float:
    """How many levels a channel has left: 256 at strength 0, 5 at strength 1."""
    return float(256.0 * (_BAND_COARSEST / 256.0) ** (strength**_BAND_EXPONENT))


@register(
    "banding",
    "compression",
    "too few levels: smooth gradients break into steps",
    seeded=False,
    says=lambda s: f"{_band_count(s):.0f} levels",
    margin=0.12,
)
def _banding(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Rounds codes to 256 * (5 / 256) ** sqrt(strength) even levels, black and white among them.

    The levels of the scale leave 44, 21, 12, 8 and 5 of them.
    """
    del generator
    step = 255.0 / (_band_count(strength) - 1.0)
    table = np.rint(np.minimum(np.rint(np.arange(256) / step) * step, 255.0))
    return table.astype(np.uint8)[rgb]


@register(
    "sharpening",
    "other",
    "sharpened too much: bright and dark halos along edges",
    seeded=False,
    says=lambda s: f"unsharp mask {_SHARPEN_AMOUNT * s**_SHARPEN_EXPONENT:.1f}x",
    margin=0.08,
    monotone=False,
)
def _sharpening(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Adds up to 5 times what a blur of sigma 1.8/512 takes from the luma codes (unsharp mask).

    On codes, where cameras do it, and on luma alone, so that halos are bright and dark, not
    coloured.
    """
    del generator
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    luma = (rgb.reshape(-1, 3).astype(np.float32) @ weights).reshape(rgb.shape[:2])
    sigma = max(0.5, _SHARPEN_SIGMA * side_scale(rgb))
    detail = luma - ndimage.gaussian_filter(luma, sigma, mode="reflect", truncate=3.0)
    amount = np.float32(_SHARPEN_AMOUNT * math.pow(strength, _SHARPEN_EXPONENT))
    return from_codes(rgb + amount * detail[..., None])
