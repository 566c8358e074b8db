"""Benchmark inputs: files, or frames in the layout of a camera."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from edgeiqa.assets import sample_paths
from edgeiqa.imaging.frame import ColorRange, Frame, PixelFormat

SAMPLE = "china.jpg"
"""The default sample, which is enlarged: it has fine detail, sky, and shadows."""


@dataclass(frozen=True, eq=False)
class Subject:
    """One input.

    Attributes:
        name: Of the photograph.
        source: Path of a file, or a function that creates the frame from buffers, which is timed.
        facts: "kind" ("file" or "frame"), "width", "height", and for a frame "pixel_format" and
            "rotation".
    """

    name: str
    source: str | Callable[[], Frame]
    facts: dict[str, Any] = field(default_factory=dict)


def file_subject(path: str) -> Subject:
    """A file, decoded for every score; raises UnreadableImageError."""
    from edgeiqa.imaging.decode import decode

    picture = decode(path)
    facts = {"kind": "file", "width": picture.width, "height": picture.height}
    facts["bytes"] = os.path.getsize(path)
    return Subject(path, path, facts)


def frame_subject(
    name: str,
    picture: Image.Image,
    size: tuple[int, int],
    pixel_format: PixelFormat,
    rotation: int = 0,
) -> Subject:
    """A frame made from the centre of a photograph.

    Args:
        name: Of the photograph.
        picture: Mode RGB.
        size: (width, height) of the buffer.
        pixel_format: Any.
        rotation: Clockwise degrees to upright, as reported by the camera.
    """
    fitted = ImageOps.fit(picture, size, Image.Resampling.BICUBIC)
    facts = {
        **{"kind": "frame", "width": size[0], "height": size[1]},
        **{"pixel_format": pixel_format.value, "rotation": rotation},
    }
    return Subject(name, _buffers(fitted, pixel_format, rotation), facts)


def sample_picture() -> Image.Image:
    """The default sample; mode RGB."""
    path = next(path for path in sample_paths() if path.name == SAMPLE)
    with Image.open(path) as image:
        return image.convert("RGB")


def _buffers(picture: Image.Image, pixel_format: PixelFormat, rotation: int) -> Callable[[], Frame]:
    """A function that creates the frame from memory filled here, once."""
    width, height = picture.size
    if not pixel_format.is_yuv:
        modes = {1: "L", 3: "RGB", 4: "RGBA"}
        pixels = np.asarray(picture.convert(modes[pixel_format.channels]))
        if pixel_format in (PixelFormat.BGR, PixelFormat.BGRA):
            order = [2, 1, 0, 3][: pixel_format.channels]
            pixels = np.ascontiguousarray(pixels[:, :, order])
        return lambda: Frame(pixels, pixel_format, rotation)
    y, u, v = _planes(picture, pixel_format.chroma_step)
    # Pillow's YCbCr is that of JPEG.
    options: dict[str, Any] = {"rotation": rotation, "color_range": ColorRange.FULL}
    if pixel_format is PixelFormat.YUV_420_888:
        # As on most phones: one buffer V U V U ..., in which U starts one byte later.
        pairs = np.stack([v, u], axis=2).reshape(-1)
        flat, stride = y.reshape(-1), 2 * u.shape[1]
        return lambda: Frame.from_planes(
            *(flat, pairs[1:], pairs[:-1], width, height),
            row_strides=[width, stride, stride],
            pixel_strides=[1, 2, 2],
            **options,
        )
    if pixel_format is PixelFormat.YUYV:
        even = np.pad(y, ((0, 0), (0, width % 2)), mode="edge")
        buffer = np.stack([even[:, 0::2], u, even[:, 1::2], v], axis=2).reshape(-1)
    else:
        pair = {PixelFormat.NV12: [u, v], PixelFormat.NV21: [v, u]}.get(pixel_format)
        chroma = [u, v] if pair is None else [np.stack(pair, axis=2)]
        buffer = np.concatenate([part.reshape(-1) for part in (y, *chroma)])
    return lambda: Frame.from_buffer(buffer, width, height, pixel_format, **options)


def _planes(
    picture: Image.Image, step: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    luma, *chroma = picture.convert("YCbCr").split()
    u, v = (np.asarray(plane.reduce(step[::-1])) for plane in chroma)
    return np.asarray(luma), u, v
