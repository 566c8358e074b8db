"""``edgeiqa convert sharpness``: is slight blur in large photographs detected?

Large photographs of scenes that the network for causes was not trained on are blurred at their own
resolution, by a Gaussian or along a line, in linear light. A detector gives each version a number;
reported is the area under the ROC curve of the blurred versions against the sharp originals, all
photographs together, as one threshold has to serve for all of them. What people use instead is
reported beside it: the variance of the Laplacian and Tenengrad, both on the full picture.

All versions, the sharp one too, are coded as JPEG once more, as blur comes before the encoder in a
camera. "Noise kept" adds after the blur as much noise as the sharp original has, as blur comes
before the sensor, too; without it, a detector may react to the missing noise.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from scipy import ndimage

from edgeiqa.analysis.cause_detector import CauseDetector
from edgeiqa.imaging.frame import Frame, PixelFormat

from ..baselines.laplacian import laplacian_variance
from ..common.tenengrad import tenengrad
from ..common.text_table import aligned
from ..distortions import kernels
from ..distortions.light import from_light, to_light
from .degradation import convolved

GAUSSIAN = (1.5, 2.0, 3.0, 4.0)
"""Deviations in pixels."""

MOTION = (7.0, 15.0, 25.0)
"""Lengths in pixels; each photograph has its own direction."""

JPEG_QUALITY = 92

DETECTORS = ("edgeiqa", "laplacian", "tenengrad")

Luma = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Measured:
    """What the detectors said of one photograph.

    Attributes:
        name: Of the file.
        values: Per version ("sharp", "gaussian 2", ...) and detector, larger is blurrier.
    """

    name: str
    values: dict[str, dict[str, float]]


def versions() -> list[str]:
    """Names of the blurred versions."""
    return [
        *(f"gaussian {sigma:g}" for sigma in GAUSSIAN),
        *(f"motion {length:g}" for length in MOTION),
    ]


def kernel(version: str, generator: np.random.Generator) -> npt.NDArray[np.float32]:
    """The point-spread function of a version."""
    kind, size = version.split()
    if kind == "gaussian":
        return kernels.gaussian_kernel(float(size))
    return kernels.line_kernel(float(size), generator.uniform(0.0, math.pi))


def measure_photograph(
    path: Path, detector: CauseDetector, *, keep_noise: bool = False
) -> Measured:
    """Blurs a photograph in every way and runs the detectors on it.

    Args:
        path: Of the file.
        detector: The network for causes.
        keep_noise: Whether blurred versions get the noise of the sharp one.
    """
    with Image.open(path) as file:
        luma = np.asarray(ImageOps.exif_transpose(file).convert("L"))
    generator = np.random.default_rng(zlib.crc32(path.name.encode()))
    noise = noise_deviation(luma)
    light = to_light(luma)
    values = {"sharp": _ask(_coded(luma), detector)}
    for version in versions():
        codes = from_light(convolved(light, kernel(version, generator)))
        if keep_noise:
            pattern = generator.standard_normal(codes.shape, dtype=np.float32)
            noisy = codes + pattern * np.float32(noise)
            codes = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
        values[version] = _ask(_coded(codes), detector)
    return Measured(path.name, values)


def noise_deviation(luma: Luma) -> float:
    """The deviation of the noise in a picture, in codes of 255.

    The kernel of J. Immerkaer, "Fast noise variance estimation", Computer Vision and Image
    Understanding 64(2), 1996; the median over blocks in place of the mean, so that texture does not
    count as noise where there are flat parts.

    Args:
        luma: uint8 [h, w], at least 3 x 3.
    """
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(ndimage.convolve(luma.astype(np.float32), mask))
    side = 32
    down, across = (n // side * side for n in luma.shape)
    if not down or not across:
        return float(math.sqrt(math.pi / 2) / 6 * response.mean())
    blocks = response[:down, :across].reshape(down // side, side, across // side, side)
    return float(math.sqrt(math.pi / 2) / 6 * np.quantile(blocks.mean((1, 3)), 0.2))


def auc(blurred: npt.ArrayLike, sharp: npt.ArrayLike) -> float:
    """Area under the ROC curve: how often a blurred one is above a sharp one, ties by half."""
    high, low = np.asarray(blurred)[:, None], np.asarray(sharp)[None]
    return float(np.mean(high > low) + 0.5 * np.mean(high == low))


def summary(
    measured: Sequence[Measured], repeats: int = 1000, seed: int = 0
) -> dict[str, dict[str, dict[str, float]]]:
    """AUC per version and detector with bootstrap intervals over photographs.

    Args:
        measured: One per photograph.
        repeats: Draws of the 95% percentile intervals.
        seed: Of the draws.

    Returns:
        Per version and detector {"auc", "low", "high"}.
    """
    generator = np.random.default_rng(seed)
    draws = [generator.integers(0, len(measured), len(measured)) for _ in range(repeats)]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for version in versions():
        found[version] = {}
        for detector in DETECTORS:
            high = np.array([one.values[version][detector] for one in measured])
            low = np.array([one.values["sharp"][detector] for one in measured])
            drawn = [auc(high[draw], low[draw]) for draw in draws]
            bounds = np.percentile(drawn, (2.5, 97.5)) if drawn else (math.nan, math.nan)
            found[version][detector] = {
                "auc": auc(high, low),
                "low": float(bounds[0]),
                "high": float(bounds[1]),
            }
    return found


def share_above(measured: Sequence[Measured], limit: float) -> dict[str, float]:
    """Per version, the sharp one included, the share whose severity of blur is above a limit."""
    return {
        version: float(np.mean([one.values[version]["edgeiqa"] > limit for one in measured]))
        for version in ("sharp", *versions())
    }


def table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """The AUC of every version and detector, as text."""
    rows = [["blurred by", *DETECTORS]]
    for version, detectors in found.items():
        rows.append(
            [
                f"{version} px",
                *(
                    f"{detectors[d]['auc']:.3f} [{detectors[d]['low']:.3f}, "
                    f"{detectors[d]['high']:.3f}]"
                    for d in DETECTORS
                ),
            ]
        )
    return aligned(rows)


def _ask(luma: Luma, detector: CauseDetector) -> dict[str, float]:
    causes = detector.causes(Frame(luma, PixelFormat.GRAY))
    return {
        "edgeiqa": causes["blur"],
        "laplacian": -laplacian_variance(luma),
        "tenengrad": -tenengrad(luma),
    }


def _coded(luma: Luma) -> Luma:
    stream = io.BytesIO()
    Image.fromarray(luma).save(stream, "JPEG", quality=JPEG_QUALITY)
    with Image.open(stream) as coded:
        return np.array(coded)
