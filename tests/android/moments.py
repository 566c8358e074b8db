"""Writes moments for the Kotlin library to rank: frames as raw RGB, and how Python ranks them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from edgeiqa import Scorer
from edgeiqa.burst.ranking import Moment

CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda picture: picture.copy(),
    "moved": lambda picture: picture.transform(
        picture.size, Image.Transform.AFFINE, (1, 0, 5, 0, 1, -3)
    ),
    "blurred": lambda picture: picture.filter(ImageFilter.GaussianBlur(1.5)),
    "darkened": lambda picture: ImageEnhance.Brightness(picture).enhance(0.5),
    "noisy": lambda picture: _noisy(picture),
}
"""What is made of a photograph; together they are one moment."""


def write(samples: Path, folder: Path) -> Path:
    """Makes moments of sample photographs and ranks them.

    Args:
        samples: Where the sample photographs of the package are.
        folder: Where to write; exists.

    Returns:
        The JSON file; the frames are beside it.
    """
    scorer = Scorer()
    moments = []
    for name in ("coffee", "astronaut", "rocket"):
        with Image.open(samples / f"{name}.jpg") as file:
            picture = file.convert("RGB")
        moment = Moment(scorer)
        frames = []
        for number, change in enumerate(CHANGES.values()):
            pixels = np.asarray(change(picture))
            path = folder / f"{name}-{number}.rgb"
            path.write_bytes(pixels.tobytes())
            quality = moment.add(pixels)
            frames.append(
                {
                    "file": path.name,
                    "width": pixels.shape[1],
                    "height": pixels.shape[0],
                    "score": quality.score,
                }
            )
        ranking = moment.ranking()
        values = {ranked.index: ranked.value for ranked in ranking}
        moments.append(
            {
                "name": name,
                "frames": frames,
                "order": [ranked.index for ranked in ranking],
                "values": [values[index] for index in range(len(frames))],
            }
        )
    path = folder / "moments.json"
    path.write_text(json.dumps(moments))
    return path


def _noisy(picture: Image.Image) -> Image.Image:
    noise = np.random.default_rng(1).normal(0, 12, (picture.height, picture.width, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))
