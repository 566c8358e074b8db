"""sRGB codes to linear light and back, convolution of light, and smooth random fields."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import fft, ndimage

from .registry import LightArray, RgbArray

REFERENCE_SIDE = 512.0
"""Sizes in pixels are stated for a picture with this shorter side and scale with it."""

BLUR_EXPONENT = 1.25
"""Above 1, so that the levels of a blur are evenly spaced to the eye (sigma 0.8 to 6 px)."""

LUMA: LightArray = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Luminance of linear sRGB, ITU-R BT.709."""


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


DECODE: npt.NDArray[np.float64] = srgb_to_linear(np.arange(256) / 255.0)
"""Linear light (0-1) of each code."""

_DECODE32: LightArray = DECODE.astype(np.float32)
# 16 bits resolve the steepest part of the curve to a twentieth of an 8-bit step.
_ENCODE: RgbArray = np.rint(linear_to_srgb(np.arange(65536) / 65535.0) * 255.0).astype(np.uint8)


def to_light(rgb: RgbArray) -> LightArray:
    """Decodes uint8 sRGB to float32 linear light (0-1) of the same shape."""
    return _DECODE32[rgb]


def from_light(light: LightArray) -> RgbArray:
    """Clips linear light to 0-1 and codes it as 8-bit sRGB."""
    steps = light * np.float32(65535.0)
    steps += np.float32(0.5)
    np.clip(steps, 0.0, 65535.0, out=steps)
    return _ENCODE[steps.astype(np.uint16)]


def from_codes(codes: npt.NDArray[np.float32]) -> RgbArray:
    """Rounds float codes (0-255) to uint8, clipping them."""
    return np.clip(np.rint(codes), 0.0, 255.0).astype(np.uint8)


def side_scale(rgb: npt.NDArray[np.generic]) -> float:
    """The shorter side of a picture as a multiple of 512 px."""
    return min(rgb.shape[:2]) / REFERENCE_SIDE


def scaled(size_at_512: float, rgb: RgbArray, strength: float) -> float:
    """Turns a size at strength 1 and a 512 px shorter side into pixels of this picture."""
    share = size_at_512 / REFERENCE_SIDE
    return float(share * min(rgb.shape[:2]) * strength**BLUR_EXPONENT)


def convolve(rgb: RgbArray, kernel: LightArray) -> LightArray:
    """Convolves the linear light of a picture, mirrored at its borders, with an odd kernel.

    Args:
        rgb: uint8 (height, width, 3).
        kernel: float32 point-spread function with odd sides; its sum is the gain.

    Returns:
        Linear light, float32 (height, width, 3), not clipped.
    """
    radius_y, radius_x = kernel.shape[0] // 2, kernel.shape[1] // 2
    height, width = rgb.shape[:2]
    pad = ((radius_y, radius_y), (radius_x, radius_x), (0, 0))
    # Channels first: the transforms then run over contiguous planes.
    light = np.ascontiguousarray(to_light(np.pad(rgb, pad, mode="symmetric")).transpose(2, 0, 1))
    shape = tuple(fft.next_fast_len(side, real=True) for side in light.shape[1:])
    spectrum = fft.rfft2(light, s=shape)
    spectrum *= fft.rfft2(kernel, s=shape)
    full = fft.irfft2(spectrum, s=shape, overwrite_x=True)
    # The kernel's centre lies at (radius_y, radius_x), which moves the result by that much.
    inner = full[:, 2 * radius_y : 2 * radius_y + height, 2 * radius_x : 2 * radius_x + width]
    return np.ascontiguousarray(inner.transpose(1, 2, 0))


def veil(light: LightArray, sigma: float) -> LightArray:
    """Blurs light very widely, at an eighth of the resolution.

    Args:
        light: float32 (height, width, channels).
        sigma: of the Gaussian, in pixels of ``light``; wide against 8 px.

    Returns:
        Float32 of the same shape.
    """
    height, width = light.shape[:2]
    small = (max(1, width // 8), max(1, height // 8))
    planes = []
    for channel in range(light.shape[2]):
        plane = Image.fromarray(light[..., channel]).resize(small, Image.Resampling.BOX)
        blurred: LightArray = ndimage.gaussian_filter(np.asarray(plane), sigma / 8, mode="reflect")
        wide = Image.fromarray(blurred).resize((width, height), Image.Resampling.BILINEAR)
        planes.append(np.asarray(wide))
    return np.stack(planes, axis=-1)


def smooth_field(
    shape: tuple[int, int], cells: int, generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    """A smooth random pattern that fills 0-1.

    Args:
        shape: height and width.
        cells: how many random values lie along each side; more are finer.
        generator: the source of randomness; ``cells`` squared numbers are drawn from it.
    """
    coarse = Image.fromarray(generator.random((cells, cells), dtype=np.float32))
    fine: LightArray = np.array(
        coarse.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), np.float32
    )
    low, high = float(fine.min()), float(fine.max())
    fine -= np.float32(low)
    fine /= np.float32(max(high - low, 1e-6))
    return fine
