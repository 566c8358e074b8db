"""Degrades a picture's luma by amounts that are known, in the order in which a camera does.

Sizes are in pixels of the picture as it is, for that is what the network for causes sees: unlike
`convert.distortions`, where they grow with the picture. Severities are on 0-1, a half where a
fault becomes plain to see at 100%: s = a^2 / (a^2 + h^2), with

- blur: `a` the deviation of the point-spread function in pixels, per axis, h = 2. A line of length
  L counts like a Gaussian of deviation sqrt(L^2 / 24): its variance over both axes;
- noise: `a` the deviation of luma that the noise caused, in codes of 255, h = 10;
- compression: `a` libjpeg's scale of the quantisation table in percent (quality 50 is 100, 20 is
  250, 75 is 50), h = 250; WebP by the JPEG quality that looks alike.
"""

from __future__ import annotations

import io
import math

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import fft, ndimage

from ..distortions import kernels
from ..distortions.light import from_light, smooth_field, to_light

LEARNED = ("blur", "noise", "compression")
"""The causes that the network detects; the others are computed."""

HALF = {"blur": 2.0, "noise": 10.0, "compression": 250.0}
"""The amount at which the severity is a half."""

Luma = npt.NDArray[np.uint8]
Light = npt.NDArray[np.float32]

_SIGMA = (0.7, 12.0)
_NOISE = (1.5, 45.0)
_SHARP_SHARE = 0.2
_WEBP_AS_JPEG = ((0.0, 1.0, 5.0, 13.0, 28.0, 60.0, 90.0), (4.0, 6.0, 11.0, 18.0, 35.0, 60.0, 90.0))


def severity(cause: str, amount: float) -> float:
    """The severity 0-1 of an amount.

    Args:
        cause: One of `LEARNED`.
        amount: In the units above, not negative.
    """
    return amount**2 / (amount**2 + HALF[cause] ** 2)


def degrade(luma: Luma, generator: np.random.Generator) -> tuple[Luma, dict[str, float]]:
    """Degrades a picture at random, or not at all.

    Args:
        luma: uint8 [h, w], sharp, clean and hardly compressed.
        generator: The source of all that is random.

    Returns:
        uint8 [h, w], and the severity of each of `LEARNED`.
    """
    light = to_light(luma)
    severities = dict.fromkeys(LEARNED, 0.0)
    if generator.random() < 0.55:
        light, severities["blur"] = _blur(light, generator)
    if generator.random() < 0.4:
        light = light * np.float32(2.0 ** generator.uniform(-4.5, 1.2))
    if generator.random() < 0.12:
        fog = np.float32(generator.uniform(0.2, 0.8))
        light = light * (1 - fog) + fog * np.float32(generator.uniform(0.05, 0.9))
    if generator.random() < 0.45:
        light, severities["noise"] = _noise(light, generator)
    codes = from_light(light)
    if generator.random() < 0.2:
        codes = _sharpen(codes, generator)
    codes, severities["compression"] = _compress(codes, generator)
    return codes, severities


def blur_kernel(kind: str, sigma: float, generator: np.random.Generator) -> Light:
    """A point-spread function of a given deviation.

    Args:
        kind: "gaussian", "disc", "line" or "shake".
        sigma: Root of the variance per axis, in pixels.
        generator: Draws direction and path.
    """
    if kind == "gaussian":
        return kernels.gaussian_kernel(sigma)
    if kind == "disc":
        return kernels.disc_kernel(2.0 * sigma)
    if kind == "line":
        return kernels.line_kernel(math.sqrt(24.0) * sigma, generator.uniform(0.0, math.pi))
    return kernels.path_kernel(kernels.shake_path(generator), math.sqrt(2.0) * sigma)


def convolved(light: Light, kernel: Light) -> Light:
    """Convolves one plane of light, mirrored at its borders, with an odd kernel."""
    reach = tuple(side // 2 for side in kernel.shape)
    padded = np.pad(light, tuple((r, r) for r in reach), mode="symmetric")
    shape = tuple(fft.next_fast_len(side, real=True) for side in padded.shape)
    full = fft.irfft2(fft.rfft2(padded, s=shape) * fft.rfft2(kernel, s=shape), s=shape)
    height, width = light.shape
    inner = full[2 * reach[0] : 2 * reach[0] + height, 2 * reach[1] : 2 * reach[1] + width]
    return np.asarray(inner, np.float32)


def _blur(light: Light, generator: np.random.Generator) -> tuple[Light, float]:
    sigma = math.exp(generator.uniform(math.log(_SIGMA[0]), math.log(_SIGMA[1])))
    kind = str(generator.choice(("gaussian", "disc", "line", "shake", "zoom"), p=_KINDS))
    if kind == "zoom":
        # An enlargement by k leaves what a pixel k times as wide would see.
        factor = min(6.0, math.sqrt(12.0) * sigma)
        blurred = _enlarged(light, factor)
        sigma = math.sqrt(max(factor**2 - 1.0, 0.0) / 12.0)
    else:
        blurred = convolved(light, blur_kernel(kind, sigma, generator))
    if generator.random() < 0.15:
        # A soft background behind a sharp subject is not a fault.
        field = smooth_field(light.shape, 4, generator)
        share = generator.uniform(_SHARP_SHARE, 0.7)
        edge = float(np.quantile(field, 1.0 - share))
        sharp = np.clip((field - edge) * 8.0 + 0.5, 0.0, 1.0)
        return light * sharp + blurred * (1.0 - sharp), 0.0
    return blurred, severity("blur", sigma)


_KINDS = (0.38, 0.2, 0.25, 0.12, 0.05)


def _enlarged(light: Light, factor: float) -> Light:
    height, width = light.shape
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    plane = Image.fromarray(light).resize(small, Image.Resampling.BOX)
    return np.array(plane.resize((width, height), Image.Resampling.BICUBIC), np.float32)


def _noise(light: Light, generator: np.random.Generator) -> tuple[Light, float]:
    """Shot and read noise, sometimes blotchy, scaled to a wanted deviation of the codes."""
    wanted = math.exp(generator.uniform(math.log(_NOISE[0]), math.log(_NOISE[1])))
    read = generator.uniform(0.02, 0.3)
    pattern = generator.standard_normal(light.shape, dtype=np.float32)
    if generator.random() < 0.5:
        # Demosaicing and scaling share noise between neighbours.
        spread = generator.uniform(0.4, 1.1)
        pattern = ndimage.gaussian_filter(pattern, spread, mode="reflect")
        pattern /= np.float32(pattern.std())
    pattern *= np.sqrt(np.maximum(light, 0.0) + np.float32(read**2))
    clean = from_light(light).astype(np.float32)
    amount = wanted / 255.0
    for _ in range(3):  # The tone curve is not linear: a few steps find the size for `wanted`.
        noisy = light + pattern * np.float32(amount)
        caused = float(np.std(from_light(noisy) - clean))
        if caused <= 0.1:
            return light, 0.0
        amount *= min(3.0, wanted / caused)
    noisy = light + pattern * np.float32(amount)
    return noisy, severity("noise", float(np.std(from_light(noisy) - clean)))


def _sharpen(codes: Luma, generator: np.random.Generator) -> Luma:
    wide = codes.astype(np.float32)
    soft = ndimage.gaussian_filter(wide, generator.uniform(0.6, 1.5), mode="reflect")
    wide += (wide - soft) * np.float32(generator.uniform(0.2, 1.2))
    return np.clip(np.rint(wide), 0, 255).astype(np.uint8)


def _compress(codes: Luma, generator: np.random.Generator) -> tuple[Luma, float]:
    if generator.random() >= 0.45:
        if generator.random() < 0.5:
            return codes, 0.0
        quality = int(generator.integers(88, 98))  # What any camera does.
        return jpeg(codes, quality), severity("compression", table_scale(quality))
    quality = round(math.exp(generator.uniform(math.log(5.0), math.log(80.0))))
    if generator.random() < 0.75:
        return jpeg(codes, quality), severity("compression", table_scale(quality))
    setting = int(np.interp(quality, _WEBP_AS_JPEG[1], _WEBP_AS_JPEG[0]))
    alike = float(np.interp(setting, *_WEBP_AS_JPEG))
    return _coded(codes, "WEBP", setting), severity("compression", table_scale(alike))


def table_scale(quality: float) -> float:
    """The scale by libjpeg of the quantisation table in percent, for a quality of 1-100."""
    return 5000.0 / quality if quality < 50 else 200.0 - 2.0 * quality


def jpeg(codes: Luma, quality: int) -> Luma:
    """Codes and decodes a gray picture as JPEG."""
    return _coded(codes, "JPEG", quality)


def _coded(codes: Luma, name: str, quality: int) -> Luma:
    stream = io.BytesIO()
    picture = Image.fromarray(codes)
    if name == "WEBP":
        picture.convert("RGB").save(stream, name, quality=quality, method=1)
    else:
        picture.save(stream, name, quality=quality)
    with Image.open(stream) as coded:
        return np.array(coded.convert("L"))
