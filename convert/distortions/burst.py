"""Frames of one moment: the same scene with the small differences that a hand makes."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image

from .distort import DISTORTIONS, distort
from .light import from_light, to_light
from .registry import RgbArray

MIN_SHARE = 0.96
"""A frame shows at least this share of the sides: shift and zoom within 4%."""

MAX_STOPS = 0.06
"""Exposure of neighbouring frames differs by at most this from the picture's, in stops."""

QUALITY = 95
"""JPEG quality of a frame."""


def frame(
    rgb: RgbArray,
    kind: str,
    strength: float,
    seed: int,
    generator: np.random.Generator,
) -> RgbArray:
    """Takes a frame of a scene: framing, exposure, one distortion, JPEG 95.

    The framing is a crop at whole pixels, so that no frame is blurred by resampling. Noise and
    shake (`Distortion.anew`) differ from frame to frame; haze and grease stay with the scene.

    Args:
        rgb: the scene, uint8 (height, width, 3) RGB.
        kind: a name in `convert.distortions.distort.DISTORTIONS`.
        strength: 0 to 1.
        seed: of what the frames of a burst share.
        generator: of what is this frame's own.

    Returns:
        uint8 (height', width', 3), 96-100% of the scene's sides.
    """
    return mixed_frame(
        rgb, {kind: strength}, seed, generator, stops=MAX_STOPS, least_share=MIN_SHARE
    )


def mixed_frame(
    rgb: RgbArray,
    strengths: Mapping[str, float],
    seed: int,
    generator: np.random.Generator,
    *,
    stops: float = MAX_STOPS,
    least_share: float = MIN_SHARE,
) -> RgbArray:
    """Takes a frame of a scene that several things degrade; see `frame`.

    Args:
        rgb: the scene, uint8 (height, width, 3) RGB.
        strengths: name in `convert.distortions.distort.DISTORTIONS` to 0-1, in the order in
            which they come about: optics, then light, sensor and encoder.
        seed: of what the frames of a burst share.
        generator: of what is this frame's own.
        stops: exposure differs by at most this from the picture's.
        least_share: least share of the sides that is shown, 0-1.

    Returns:
        uint8 (height', width', 3).
    """
    height, width = rgb.shape[:2]
    share = generator.uniform(least_share, 1.0)
    rows, columns = max(1, round(share * height)), max(1, round(share * width))
    y, x = generator.integers(height - rows + 1), generator.integers(width - columns + 1)
    gain = np.float32(2.0 ** generator.uniform(-stops, stops))
    own = int(generator.integers(2**31))
    shown = from_light(to_light(rgb[y : y + rows, x : x + columns]) * gain)
    degraded = shown
    for kind, strength in strengths.items():
        anew = DISTORTIONS[kind].anew
        degraded = distort(degraded, kind, strength=strength, seed=own if anew else seed)
    coded = io.BytesIO()
    Image.fromarray(degraded).save(coded, "JPEG", quality=QUALITY)
    with Image.open(coded) as picture:
        return np.array(picture.convert("RGB"))
