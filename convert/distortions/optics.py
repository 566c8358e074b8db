"""What happens before the sensor: focus, shake, dirty glass and air. All of it in linear light."""

from __future__ import annotations

import math

import numpy as np

from . import kernels
from .light import (
    BLUR_EXPONENT,
    convolve,
    from_light,
    scaled,
    side_scale,
    smooth_field,
    to_light,
    veil,
)
from .registry import RgbArray, register

# Sizes at strength 1, in pixels of a picture whose shorter side is 512.
_GAUSSIAN_SIGMA = 6.0
_MOTION_LENGTH = 30.0
# An even disc of radius r has the variance of a Gaussian with sigma r / 2.
_DISC_RADIUS = 2 * _GAUSSIAN_SIGMA
# As far from its middle as a straight line of the same strength.
_SHAKE_SPREAD = _MOTION_LENGTH / math.sqrt(12.0)

_HAZE_OPTICAL_DEPTH = 1.8
# The eye sees thin haze sooner than thick haze thickening.
_HAZE_EXPONENT = 1.6
# Scattered daylight: bright, a little blue, in linear light.
_AIRLIGHT = np.array([0.74, 0.78, 0.84], np.float32)

_GLARE_SHARE = 0.35
_GLARE_SIGMA = 70.0
_GREASE_RADIUS = 9.0
_GREASE_STREAK = 14.0


@register(
    "gaussian_blur",
    "blur",
    "defocus, as a Gaussian blur",
    seeded=False,
    says=lambda s: f"sigma {_GAUSSIAN_SIGMA * s**BLUR_EXPONENT:.1f} px",
)
def _gaussian_blur(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Blurs light with a Gaussian; sigma is 6/512 of the shorter side at strength 1.

    On a picture with a shorter side of 512 px the levels have sigma 0.8, 1.9, 3.2, 4.5, 6.0 px.
    """
    del generator
    sigma = scaled(_GAUSSIAN_SIGMA, rgb, strength)
    return from_light(convolve(rgb, kernels.gaussian_kernel(sigma)))


@register(
    "motion_blur",
    "blur",
    "camera shake along a straight line",
    seeded=True,
    says=lambda s: f"length {_MOTION_LENGTH * s**BLUR_EXPONENT:.0f} px",
    anew=True,
)
def _motion_blur(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Smears light along a line; its length is 30/512 of the shorter side at strength 1.

    On a picture with a shorter side of 512 px the levels smear over 4.0, 9.5, 15.8, 22.7, 30 px.
    The seed draws the angle, uniform over all directions.
    """
    length = scaled(_MOTION_LENGTH, rgb, strength)
    angle = generator.uniform(0.0, math.pi)
    return from_light(convolve(rgb, kernels.line_kernel(length, angle)))


@register(
    "defocus",
    "blur",
    "out of focus: every point becomes an even disc",
    seeded=False,
    says=lambda s: f"radius {_DISC_RADIUS * s**BLUR_EXPONENT:.1f} px",
)
def _defocus(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Blurs light with the disc of geometrical optics, radius 12/512 of the side at strength 1.

    Highlights grow into discs, as a round aperture makes them. The levels' variance is that of
    the same level of `gaussian_blur`.
    """
    del generator
    radius = scaled(_DISC_RADIUS, rgb, strength)
    return from_light(convolve(rgb, kernels.disc_kernel(radius)))


@register(
    "motion_shake",
    "blur",
    "an unsteady hand: light smeared along a curved path",
    seeded=True,
    says=lambda s: f"spread {_SHAKE_SPREAD * s**BLUR_EXPONENT:.1f} px",
    anew=True,
)
def _motion_shake(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Smears light along a random hand-held trajectory (Boracchi & Foi 2012).

    The mean squared distance from the middle is that of `motion_blur` at the same strength; the
    seed draws the path, which only grows with the strength.
    """
    path = kernels.shake_path(generator)
    spread = scaled(_SHAKE_SPREAD, rgb, strength)
    return from_light(convolve(rgb, kernels.path_kernel(path, spread)))


@register(
    "haze",
    "low_contrast",
    "haze or fog that thickens with distance",
    seeded=True,
    says=lambda s: f"optical depth {_HAZE_OPTICAL_DEPTH * s**_HAZE_EXPONENT:.1f}",
    margin=0.15,
)
def _haze(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Lets air scatter light in: I = J t + A (1 - t), t = exp(-depth), in linear light.

    Koschmieder's law as in Narasimhan & Nayar, "Vision and the Atmosphere", IJCV 48(3), 2002.
    The distance rises smoothly from a third at the lower border to 1 at the upper one, with
    random hills; the optical depth there is 1.8 at strength 1.
    """
    height, width = rgb.shape[:2]
    ramp = np.linspace(1.0, 0.35, height, dtype=np.float32)[:, None]
    hills = smooth_field((height, width), 4, generator) - np.float32(0.5)
    distance = np.clip(ramp + np.float32(0.3) * hills, 0.2, 1.15)
    depth = np.float32(_HAZE_OPTICAL_DEPTH * strength**_HAZE_EXPONENT)
    passed = np.exp(-depth * distance)[..., None]
    return from_light(_AIRLIGHT + (to_light(rgb) - _AIRLIGHT) * passed)


@register(
    "lens_smudge",
    "blur",
    "a finger's grease on the lens: glare and smeared patches",
    seeded=True,
    says=lambda s: f"glare {_GLARE_SHARE * s:.0%}, patches {s:.0%}",
    margin=0.15,
)
def _lens_smudge(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Scatters part of the light widely, and smears it more where grease lies thick.

    Light that passes grease keeps going, spread by its point-spread function: a wide veil over
    everything (up to 35% of the light) and, in smooth random patches, a disc drawn out along the
    wiping direction (Gu, Ramamoorthi, Belhumeur & Nayar, "Removing Image Artifacts Due to Dirty
    Camera Lenses and Thin Occluders", ACM Trans. Graph. 28(5), 2009). No light is lost.
    """
    scale = side_scale(rgb)
    angle = generator.uniform(0.0, math.pi)
    thick = smooth_field(rgb.shape[:2], 5, generator)
    thick = np.clip((thick - 0.25) * 2.0, 0.0, 1.0)[..., None]
    # The grease itself stays the same; its share of the light grows with the strength.
    smear = kernels.smear_kernel(_GREASE_RADIUS * scale, _GREASE_STREAK * scale, angle)
    light = to_light(rgb)
    light += (convolve(rgb, smear) - light) * (thick * np.float32(strength**0.75))
    glare = np.float32(_GLARE_SHARE * strength)
    light += (veil(light, _GLARE_SIGMA * scale) - light) * glare
    return from_light(light)
