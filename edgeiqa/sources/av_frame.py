"""Converts a decoded picture to a `Frame`, sharing the decoder's memory where possible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeiqa.imaging.frame import Frame
from edgeiqa.imaging.pixel_format import ColorMatrix, ColorRange, PixelFormat

# Numbers of ITU-T H.273, table 4, which ffmpeg uses.
_MATRICES = {
    1: ColorMatrix.BT709,
    4: ColorMatrix.BT601,  # FCC: the third decimal differs.
    5: ColorMatrix.BT601,
    6: ColorMatrix.BT601,
    7: ColorMatrix.BT709,  # SMPTE 240M: the second decimal differs.
}
_RANGES = {1: ColorRange.LIMITED, 2: ColorRange.FULL}
_BT2020 = (9, 10)
_PACKED = {
    "rgb24": (PixelFormat.RGB, 3),
    "bgr24": (PixelFormat.BGR, 3),
    "rgba": (PixelFormat.RGBA, 4),
    "bgra": (PixelFormat.BGRA, 4),
    "rgb0": (PixelFormat.RGB, 4),
    "bgr0": (PixelFormat.BGR, 4),
}
_PLANAR = {
    "yuv420p": PixelFormat.I420,
    "yuvj420p": PixelFormat.I420,
    "yuv422p": PixelFormat.YUYV,
    "yuvj422p": PixelFormat.YUYV,
}
_SEMIPLANAR = {"nv12": PixelFormat.NV12, "nv21": PixelFormat.NV21}
_NATIVE = {*_PACKED, *_PLANAR, *_SEMIPLANAR, "gray", "yuyv422"}


@dataclass(frozen=True)
class ColorHint:
    """Overrides the colour description of a YUV stream.

    Attributes:
        matrix: None for that of the stream; if unspecified, BT.709 from a width of 1280 or a
            height of 720 pixels, as in players, else BT.601.
        range: None for that of the stream; if unspecified, limited, or full for gray.
    """

    matrix: ColorMatrix | None = None
    range: ColorRange | None = None


def to_frame(picture: Any, color: ColorHint, timestamp_ns: int) -> Frame:
    """Wraps a decoded picture.

    8-bit 4:2:0 and 4:2:2, NV12, NV21, YUYV, gray, RGB and BGR stay in the decoder's memory,
    read-only, without a copy. Everything else is converted by ffmpeg's libswscale: to 8 bits;
    4:4:4 and 4:1:1 to 4:2:0; formats with alpha, and BT.2020, to RGB(A). High dynamic range is
    not tone-mapped, and non-square pixels are kept.

    Args:
        picture: An `av.VideoFrame`.
        color: Overrides the stream's colour description.
        timestamp_ns: When it was taken.

    Returns:
        The frame, with the rotation stored in the video.

    Raises:
        ValueError: A pixel format unknown to libswscale.
    """
    rotation = _clockwise(getattr(picture, "rotation", 0))
    number = int(getattr(picture, "colorspace", 2))
    matrix = color.matrix or _MATRICES.get(number)
    if matrix is None:
        is_hd = picture.width >= 1280 or picture.height >= 720
        matrix = ColorMatrix.BT709 if is_hd else ColorMatrix.BT601
    name = picture.format.name
    is_full = name.startswith("yuvj") or len(picture.format.components) == 1
    default = ColorRange.FULL if is_full else ColorRange.LIMITED
    values = color.range or _RANGES.get(int(getattr(picture, "color_range", 0)), default)
    wide = number in _BT2020 and color.matrix is None and not picture.format.is_rgb
    if name not in _NATIVE or wide or min(plane.line_size for plane in picture.planes) <= 0:
        picture = _converted(picture, matrix, values, wide=wide)
    return _wrap(picture, rotation, timestamp_ns, matrix, values)


def _wrap(
    picture: Any, rotation: int, timestamp_ns: int, matrix: ColorMatrix, values: ColorRange
) -> Frame:
    name, width, height = picture.format.name, picture.width, picture.height
    make = _maker(width, height, rotation, timestamp_ns, matrix, values)
    first = _rows(picture, 0, height)
    if name in _PACKED:
        pixel_format, step = _PACKED[name]
        pixels = first[:, : width * step].reshape(height, width, step)
        pixels = pixels[:, :, : pixel_format.channels]
        return Frame(pixels, pixel_format, rotation, timestamp_ns=timestamp_ns)
    if name == "gray":
        if values is ColorRange.FULL:
            gray = first[:, :width]
            return Frame(gray, PixelFormat.GRAY, rotation, timestamp_ns=timestamp_ns)
        rows, columns = PixelFormat.I420.chroma_shape(height, width)
        neutral = np.broadcast_to(np.uint8(128), (rows, columns))
        return make(first[:, :width], neutral, neutral, PixelFormat.I420)
    if name == "yuyv422":
        pairs = 4 * -(-width // 2)
        u, v = first[:, 1:pairs:4], first[:, 3:pairs:4]
        return make(first[:, : 2 * width : 2], u, v, PixelFormat.YUYV)
    pixel_format = _PLANAR.get(name) or _SEMIPLANAR[name]
    rows, columns = pixel_format.chroma_shape(height, width)
    second = _rows(picture, 1, rows)
    if name in _PLANAR:
        u, v = second[:, :columns], _rows(picture, 2, rows)[:, :columns]
    else:
        u, v = second[:, 0 : 2 * columns : 2], second[:, 1 : 2 * columns : 2]
        if pixel_format is PixelFormat.NV21:
            u, v = v, u
    return make(first[:, :width], u, v, pixel_format)


def _maker(
    width: int,
    height: int,
    rotation: int,
    timestamp_ns: int,
    matrix: ColorMatrix,
    values: ColorRange,
) -> Callable[[np.ndarray, np.ndarray, np.ndarray, PixelFormat], Frame]:
    def make(y: np.ndarray, u: np.ndarray, v: np.ndarray, pixel_format: PixelFormat) -> Frame:
        return Frame.from_planes(
            *(y, u, v, width, height),
            pixel_format=pixel_format,
            rotation=rotation,
            timestamp_ns=timestamp_ns,
            color_matrix=matrix,
            color_range=values,
        )

    return make


def _converted(picture: Any, matrix: ColorMatrix, values: ColorRange, *, wide: bool) -> Any:
    """Converts a picture to a format that `_wrap` supports, with the same matrix and range."""
    # Numbers of libswscale's matrices and ffmpeg's ranges, the same in all versions.
    source = 9 if wide else 1 if matrix is ColorMatrix.BT709 else 5
    number = 2 if values is ColorRange.FULL else 1
    target = _target(picture.format)
    if wide and target == "yuv420p":
        target = "rgb24"
    into_rgb = target in _PACKED
    return picture.reformat(
        format=target,
        src_colorspace=source,
        dst_colorspace=source,
        src_color_range=number,
        dst_color_range=2 if into_rgb else number,
    )


def _target(kind: Any) -> str:
    parts = kind.components
    if len(parts) in (2, 4):  # Gray, YUV or RGB with alpha.
        return "rgba" if kind.name != "rgba" else "bgra"
    if kind.is_rgb or kind.has_palette or kind.name.startswith(("bayer", "xyz")):
        return "rgb24" if kind.name != "rgb24" else "bgr24"
    if len(parts) == 1:
        return "gray"
    return "yuv420p"


def _rows(picture: Any, index: int, height: int) -> np.ndarray:
    """Returns a plane with its row padding, uint8 [height, stride]."""
    plane = picture.planes[index]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:height]
    # Read-only: the decoder predicts later pictures from this one.
    rows.flags.writeable = False
    return rows


def _clockwise(counterclockwise: float) -> int:
    """Returns degrees as in `Frame`; 0 for rotations that are not multiples of 90."""
    turns = -counterclockwise / 90
    return int(round(turns) % 4 * 90) if abs(turns - round(turns)) < 0.02 else 0
