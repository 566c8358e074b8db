"""From a case's description to a `Frame`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgeiqa import ColorMatrix, ColorRange, Frame, PixelFormat


def build(frame: Mapping[str, Any], buffers: Sequence[np.ndarray]) -> Frame:
    """Makes the frame that README.md describes.

    Args:
        frame: With "format", "width", "height", "buffer" or "planes", and what else is given.
        buffers: uint8, as `memory.make` makes them.

    Raises:
        TypeError: As `Frame`.
        ValueError: As `Frame`.
    """
    options: dict[str, Any] = {
        "rotation": frame.get("rotation", 0),
        "color_matrix": ColorMatrix(frame.get("matrix", "BT.601")),
        "color_range": ColorRange(frame.get("range", "limited")),
    }
    if "roi" in frame:
        options["roi"] = tuple(frame["roi"])
    pixel_format = PixelFormat(frame["format"])
    size = frame["width"], frame["height"]
    if "planes" not in frame:
        return Frame.from_buffer(
            buffers[frame["buffer"]],
            *size,
            pixel_format,
            row_stride=frame.get("rowStride"),
            chroma_row_stride=frame.get("chromaRowStride"),
            chroma_offset=frame.get("chromaOffset"),
            **options,
        )
    planes = frame["planes"]
    y, u, v = (_plane(plane, buffers) for plane in planes)
    return Frame.from_planes(
        *(y, u, v, *size),
        row_strides=[plane["rowStride"] for plane in planes],
        pixel_strides=[plane["pixelStride"] for plane in planes],
        pixel_format=pixel_format,
        **options,
    )


def _plane(plane: Mapping[str, Any], buffers: Sequence[np.ndarray]) -> np.ndarray:
    data, offset = buffers[plane["buffer"]], plane.get("offset", 0)
    length = plane.get("length", len(data) - offset)
    return data[offset : offset + length]
