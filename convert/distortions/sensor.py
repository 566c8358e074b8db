"""What the sensor and its first processing add: noise, demosaicing, denoising. Linear light."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .light import DECODE, from_codes, from_light, to_light
from .registry import LightArray, RgbArray, register

# Noise at strength 1: a white pixel holds 20 photo-electrons, the read noise is 3% of white.
_NOISE_FULL_WELL = 20.0
_NOISE_READ = 0.03
_NOISE_EXPONENT = 1.2

# Raw noise at strength 1, before white balance and colour matrix, which amplify it.
_RAW_FULL_WELL = 60.0
_RAW_READ = 0.02
# Daylight gains of red and blue, and a matrix from camera to sRGB colour, as phones have them.
_RAW_GAINS = np.array([2.0, 1.0, 1.7], np.float32)
_CAMERA_TO_SRGB = np.array(
    [[1.66, -0.54, -0.12], [-0.21, 1.44, -0.23], [0.02, -0.58, 1.56]], np.float32
)

# A small phone pixel: 1500 electrons at base gain, 2 electrons of read noise, 10 bits.
_LIFT_STOPS = 6.0
_LIFT_FULL_WELL = 1500.0
_LIFT_READ = 2.0 / _LIFT_FULL_WELL
_LIFT_BITS = 10

_SMEAR_RADIUS = 3
_SMEAR_EDGE = 28.0
_SMEAR_EXPONENT = 1.6
_SMEAR_CHROMA = 6.0

# JPEG's luma and chroma (JFIF, after ITU-R BT.601), on codes.
_TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)
_FROM_YCC = np.linalg.inv(_TO_YCC.astype(np.float64)).astype(np.float32)


@register(
    "noise",
    "noise",
    "shot and read noise of a sensor",
    seeded=True,
    says=lambda s: f"{_NOISE_FULL_WELL / s ** (2 * _NOISE_EXPONENT):.0f} electrons",
    anew=True,
)
def _noise(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Adds Gaussian noise to linear light with variance light / full well + read noise squared.

    At strength 1 a white pixel holds 20 photo-electrons and the read noise is 3% of white; the
    deviation scales with strength ** 1.2. Mid-grey then deviates by about 4 to 29 of 255 from
    level 1 to 5. Noise is per pixel, whatever the picture's size, as it is on a sensor; colour
    channels are independent. The heteroscedastic Gaussian model is that of Foi et al., IEEE
    Trans. Image Process. 17(10), 2008.
    """
    deviation = np.sqrt(DECODE / _NOISE_FULL_WELL + _NOISE_READ**2) * strength**_NOISE_EXPONENT
    light = generator.standard_normal(rgb.shape, dtype=np.float32)
    light *= deviation.astype(np.float32)[rgb]
    light += to_light(rgb)
    return from_light(light)


@register(
    "raw_noise",
    "noise",
    "noise of a raw picture after demosaicing: coloured and blotchy",
    seeded=True,
    says=lambda s: f"{_RAW_FULL_WELL / s ** (2 * _NOISE_EXPONENT):.0f} electrons",
    anew=True,
)
def _raw_noise(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Adds shot and read noise to a Bayer mosaic and interpolates it as a camera does.

    Each pixel has the noise of its one colour filter; white balance multiplies red by 2 and blue
    by 1.7, so they are noisier; demosaicing spreads it over neighbours; the colour matrix mixes
    the channels. As the interpolation of Malvar, He & Cutler (ICASSP 2004) is linear, the noise
    alone is interpolated, and the picture keeps the sharpness it has.
    """
    return from_light(to_light(rgb) + _raw_noise_light(rgb, strength, generator))


def _raw_noise_light(rgb: RgbArray, strength: float, generator: np.random.Generator) -> LightArray:
    """The noise of a raw picture, in linear light after demosaicing."""
    light = bayer(to_light(rgb))
    gains = bayer(np.broadcast_to(_RAW_GAINS, (*rgb.shape[:2], 3)))
    # Variance in the sensor's units is light / gain / full well + read ** 2.
    deviation = np.sqrt(light * gains / _RAW_FULL_WELL + (_RAW_READ * gains) ** 2)
    noise = generator.standard_normal(rgb.shape[:2], dtype=np.float32) * deviation
    noise *= np.float32(strength**_NOISE_EXPONENT)
    return _mix(demosaic(noise), _CAMERA_TO_SRGB)


def _mix(picture: LightArray, matrix: LightArray) -> LightArray:
    """Applies a 3x3 matrix to the channels of each pixel, in one product."""
    return (picture.reshape(-1, 3) @ matrix.T).reshape(picture.shape)


def bayer(rgb: LightArray) -> LightArray:
    """Samples (height, width, 3) through an RGGB colour filter array to (height, width)."""
    mosaic = rgb[..., 1].copy()
    mosaic[::2, ::2] = rgb[::2, ::2, 0]
    mosaic[1::2, 1::2] = rgb[1::2, 1::2, 2]
    return mosaic


def demosaic(mosaic: LightArray) -> LightArray:
    """Interpolates an RGGB mosaic linearly, with the 5x5 filters of Malvar, He & Cutler 2004.

    Args:
        mosaic: float32 (height, width); red at even rows and even columns.

    Returns:
        Float32 (height, width, 3).
    """
    height, width = mosaic.shape
    # Mirrored without repeating the border, so that the pattern's phase goes on.
    wide = np.pad(mosaic, 2, mode="reflect")

    def at(dy: int, dx: int) -> LightArray:
        return wide[2 + dy : 2 + dy + height, 2 + dx : 2 + dx + width]

    beside, above = at(0, -1) + at(0, 1), at(-1, 0) + at(1, 0)
    beside2, above2 = at(0, -2) + at(0, 2), at(-2, 0) + at(2, 0)
    corners = at(-1, -1) + at(-1, 1) + at(1, -1) + at(1, 1)
    green = (4 * mosaic + 2 * (beside + above) - beside2 - above2) / 8
    across = (5 * mosaic + 4 * beside - beside2 - corners + 0.5 * above2) / 8
    down = (5 * mosaic + 4 * above - above2 - corners + 0.5 * beside2) / 8
    other = (6 * mosaic + 2 * corners - 1.5 * (beside2 + above2)) / 8
    result = np.stack([mosaic, mosaic, mosaic], axis=-1)
    result[::2, ::2, 1], result[1::2, 1::2, 1] = green[::2, ::2], green[1::2, 1::2]
    result[::2, 1::2, 0], result[1::2, ::2, 0] = across[::2, 1::2], down[1::2, ::2]
    result[1::2, ::2, 2], result[::2, 1::2, 2] = across[1::2, ::2], down[::2, 1::2]
    result[1::2, 1::2, 0], result[::2, ::2, 2] = other[1::2, 1::2], other[::2, ::2]
    return result


@register(
    "denoise_smear",
    "noise",
    "noise and the watercolour that strong noise reduction makes of it",
    seeded=True,
    says=lambda s: f"noise {s:.0%}, edges under {_SMEAR_EDGE * s**_SMEAR_EXPONENT:.0f} codes",
    anew=True,
)
def _denoise_smear(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Adds raw noise and smooths it with an edge-preserving filter: texture goes, edges stay.

    Luma passes twice through the guided filter (He, Sun & Tang, IEEE TPAMI 35(6), 2013), guided
    by itself, which flattens whatever deviates by less than 28 codes at strength 1; chroma is
    simply blurred, as cheap noise reduction does, so that colours bleed.
    """
    # Less noise than `raw_noise` at this strength: what degrades the picture is its removal.
    noise = _raw_noise_light(rgb, 0.85 * strength, generator)
    codes = _mix(from_light(to_light(rgb) + noise).astype(np.float32), _TO_YCC)
    luma = codes[..., 0]
    for _ in range(2):
        luma = guided_filter(luma, _SMEAR_RADIUS, _SMEAR_EDGE * strength**_SMEAR_EXPONENT)
    codes[..., 0] = luma
    for channel in (1, 2):
        codes[..., channel] = ndimage.gaussian_filter(
            codes[..., channel], _SMEAR_CHROMA * strength, mode="reflect", truncate=3.0
        )
    return from_codes(_mix(codes, _FROM_YCC))


def guided_filter(
    plane: npt.NDArray[np.float32], radius: int, edge: float
) -> npt.NDArray[np.float32]:
    """Smooths a plane where it varies little and leaves edges: the self-guided filter.

    Args:
        plane: float32 (height, width).
        radius: of the square window, in pixels.
        edge: deviation inside a window, in the plane's unit, that is halved in power.
    """
    side = 2 * radius + 1

    def mean(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return ndimage.uniform_filter(values, side, mode="reflect")

    middle = mean(plane)
    variance = np.maximum(mean(plane * plane) - middle * middle, 0.0)
    keep = variance / (variance + np.float32(edge**2 + 1e-12))
    return mean(keep) * plane + mean(middle - keep * middle)


@register(
    "lifted_shadows",
    "noise",
    "under-exposed, then brightened again: noisy, banded shadows",
    seeded=True,
    says=lambda s: f"{_LIFT_STOPS * s:.1f} stops",
    anew=True,
)
def _lifted_shadows(rgb: RgbArray, strength: float, generator: np.random.Generator) -> RgbArray:
    """Exposes a small phone pixel by up to 6 stops too little and multiplies it back.

    With g = 2 ** stops the light has a variance of g * light / 1500 from the photons and
    (g * read) ** 2 from the readout, of which a quarter is shared by each row (pattern noise),
    and steps of g / 1023 from a 10-bit converter. What a full exposure would have anyway is
    taken off, as the picture at hand contains it.
    """
    gain = 2.0 ** (_LIFT_STOPS * strength)
    shot, read = (gain - 1.0) / _LIFT_FULL_WELL, _LIFT_READ**2 * (gain**2 - 1.0)
    deviation = np.sqrt(DECODE * shot + 0.75 * read).astype(np.float32)
    light = generator.standard_normal(rgb.shape, dtype=np.float32) * deviation[rgb]
    rows = generator.standard_normal((rgb.shape[0], 1, 1), dtype=np.float32)
    light += rows * np.float32(0.5 * np.sqrt(read))
    light += to_light(rgb)
    step = np.float32((gain - 1.0) / (2**_LIFT_BITS - 1))
    if step > 0:
        light = np.rint(light / step) * step
    return from_light(light)
