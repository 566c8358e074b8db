"""Films for Chromium's fake webcam: what it shows in turns of a few seconds, as raw I420."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from edgeiqa import PixelFormat, sample_paths
from tests.golden.frames import to_yuv

WIDTH, HEIGHT, RATE = 480, 360, 15


def pictures() -> dict[str, Image.Image]:
    """One scene, sharp, blurred and dark."""
    (path,) = [path for path in sample_paths() if path.stem == "raccoon"]
    with Image.open(path) as image:
        sharp = image.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    return {
        "sharp": sharp,
        "blurred": sharp.filter(ImageFilter.GaussianBlur(5)),
        "dark": sharp.point(lambda value: value // 9),
    }


def write_film(path: Path, parts: Sequence[tuple[str, float]]) -> None:
    """Writes a film as YUV4MPEG2, limited range; the fake webcam starts it anew at its end.

    Args:
        path: Ends in .y4m.
        parts: Names of `pictures` and seconds, in their order.
    """
    frames = {}
    for name, picture in pictures().items():
        planes = to_yuv(np.asarray(picture), PixelFormat.I420)
        frames[name] = b"FRAME\n" + b"".join(plane.tobytes() for plane in planes)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for name, seconds in parts:
            file.write(frames[name] * round(seconds * RATE))
