"""Frames for the tests, in every format, and what Pillow makes of the same pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from edgeiqa.imaging.frame import ColorMatrix, ColorRange, Frame, PixelFormat
from tests.edgeiqa.planes import interleaved as interleaved
from tests.edgeiqa.planes import padded as padded
from tests.edgeiqa.planes import yuv_frame as yuv_frame

FORMATS = tuple(PixelFormat)
YUV = tuple(f for f in PixelFormat if f.is_yuv)
YUV_420 = tuple(f for f in YUV if f is not PixelFormat.YUYV)
RGB_LIKE = tuple(f for f in PixelFormat if not f.is_yuv)

# Pillow counts counter-clockwise.
_TURNS = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Case:
    """A frame, and the same samples as plain arrays.

    Attributes:
        frame: In some layout of memory.
        luma_or_pixels: RGB or gray as it is after compositing, or Y; contiguous.
        chroma: U and V, contiguous; None for pictures of the RGB kind.
    """

    frame: Frame
    luma_or_pixels: np.ndarray
    chroma: tuple[np.ndarray, np.ndarray] | None


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """uint8, anything."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def pillow_turned(
    pixels: np.ndarray, box: tuple[int, int, int, int] | None, rotation: int
) -> Image.Image:
    """Cut to (x, y, width, height) and turned clockwise, by Pillow."""
    image = Image.fromarray(pixels)
    if box is not None:
        x, y, width, height = box
        image = image.crop((x, y, x + width, y + height))
    return image.transpose(_TURNS[rotation]) if rotation else image


@st.composite
def layouts(draw: st.DrawFn, pixels: np.ndarray) -> np.ndarray:
    """The same pixels, lying in memory in some other way."""
    kind = draw(st.sampled_from(["plain", "read-only", "sliced", "turned", "mirrored", "columns"]))
    if kind == "read-only":
        pixels = pixels.copy()
        pixels.setflags(write=False)
    elif kind == "sliced":
        sides = ((1, 2), (3, 1), (0, 0))[: pixels.ndim]
        pixels = np.pad(pixels, sides)[1:-2, 3:-1]
    elif kind == "turned":
        k = draw(st.integers(1, 3))
        pixels = np.rot90(np.ascontiguousarray(np.rot90(pixels, k)), -k)
    elif kind == "mirrored":
        pixels = np.ascontiguousarray(pixels[::-1])[::-1]
        if pixels.ndim == 3:
            pixels = np.ascontiguousarray(pixels[:, ::-1, ::-1])[:, ::-1, ::-1]
    elif kind == "columns":
        pixels = np.asfortranarray(pixels)
    return pixels


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    formats: tuple[PixelFormat, ...] = FORMATS,
    most: int = 70,
    even_roi: bool = False,
) -> Case:
    """Frames of any format, size, layout, region and rotation, full of noise."""
    pixel_format = draw(st.sampled_from(formats))
    step = 2 if even_roi else 1
    height, width = (draw(st.integers(1, most // step)) * step for _ in range(2))
    seed = draw(st.integers(0, 99))
    options: dict[str, Any] = {"rotation": draw(st.sampled_from([0, 90, 180, 270]))}
    if draw(st.booleans()):
        x = draw(st.integers(0, (width - 1) // step)) * step
        y = draw(st.integers(0, (height - 1) // step)) * step
        # Whole pairs only for an even region: as many as there are, at least one.
        across = draw(st.integers(1, (width - x) // step)) * step
        down = draw(st.integers(1, (height - y) // step)) * step
        options["roi"] = (x, y, across, down)
    if pixel_format.is_yuv:
        options["color_matrix"] = draw(st.sampled_from(ColorMatrix))
        options["color_range"] = draw(st.sampled_from(ColorRange))
        luma = noise(height, width, seed=seed)
        shape = pixel_format.chroma_shape(height, width)
        u, v = noise(*shape, seed=seed + 1), noise(*shape, seed=seed + 2)
        if draw(st.booleans()):
            frame = Frame(
                *(draw(layouts(luma)), pixel_format),
                chroma=(draw(layouts(u)), draw(layouts(v))),
                **options,
            )
        else:
            options |= {"padding": draw(st.integers(0, 5)), "last": draw(st.booleans())}
            frame = yuv_frame(luma, u, v, pixel_format, **options)
        return Case(frame, luma, (u, v))
    if pixel_format is PixelFormat.GRAY:
        gray = noise(height, width, seed=seed)
        pixels = draw(layouts(gray))
        if draw(st.booleans()):
            pixels = pixels[:, :, np.newaxis]
        return Case(Frame(pixels, pixel_format, **options), gray, None)
    rgb = noise(height, width, 3, seed=seed)
    pixels = rgb[:, :, ::-1] if pixel_format.value.startswith("BGR") else rgb
    if pixel_format.channels == 4:
        alpha = np.full((height, width, 1), 255, np.uint8)
        if draw(st.booleans()):
            alpha = noise(height, width, 1, seed=seed + 3)
            wide = rgb.astype(np.int64)
            # The rounded division by 255.
            rgb = ((2 * (wide * alpha + 255 * (255 - alpha.astype(int))) + 255) // 510).astype(
                np.uint8
            )
        pixels = np.concatenate([pixels, alpha], axis=2)
    return Case(Frame(draw(layouts(pixels)), pixel_format, **options), rgb, None)
