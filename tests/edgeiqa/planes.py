"""Planes of YUV laid into memory; needs nothing but what the runtime needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeiqa.imaging.frame import Frame, PixelFormat


def padded(rows: np.ndarray, extra: int, *, last: bool = True) -> bytes:
    """Rows [rows, bytes] with `extra` bytes of rubbish after each; after the last if so wished."""
    wide = np.pad(rows, ((0, 0), (0, extra)), constant_values=211)
    return wide.tobytes()[: None if last or not extra else -extra]


def interleaved(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """[rows, 2 * columns], one sample of each in turn."""
    return np.stack([first, second], axis=2).reshape(len(first), -1)


def yuv_frame(
    y: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    pixel_format: PixelFormat,
    *,
    padding: int = 0,
    last: bool = True,
    **options: Any,
) -> Frame:
    """Lays planes into memory as a format has them.

    Args:
        y: Luma [height, width].
        u: Cb of the shape that the format asks for.
        v: The same, Cr.
        pixel_format: One of YUV.
        padding: Bytes after each row of luma.
        last: Whether the last row of all is padded.
        options: For the constructor of `Frame`.
    """
    height, width = y.shape
    if pixel_format is PixelFormat.YUV_420_888:
        # As on most phones: one memory of V U V U ..., in which U begins one byte later.
        both = padded(interleaved(v, u), padding, last=False)
        return Frame.from_planes(
            padded(y, padding, last=last),
            memoryview(both)[1:],
            memoryview(both)[:-1],
            *(width, height),
            row_strides=[width + padding, *[2 * u.shape[1] + padding] * 2],
            pixel_strides=[1, 2, 2],
            **options,
        )
    if pixel_format is PixelFormat.YUYV:
        even = np.pad(y, ((0, 0), (0, width % 2)), mode="edge")
        rows = np.stack([even[:, 0::2], u, even[:, 1::2], v], axis=2).reshape(height, -1)
        data = padded(rows, padding, last=last)
        stride = rows.shape[1] + padding
        return Frame.from_buffer(data, width, height, pixel_format, row_stride=stride, **options)
    data = padded(y, padding)
    if pixel_format is PixelFormat.I420:
        chroma_padding = padding // 2
        chroma_stride = u.shape[1] + chroma_padding
        data += padded(u, chroma_padding) + padded(v, chroma_padding, last=last)
    else:
        pair = (u, v) if pixel_format is PixelFormat.NV12 else (v, u)
        data += padded(interleaved(*pair), padding, last=last)
        chroma_stride = 2 * u.shape[1] + padding
    return Frame.from_buffer(
        *(data, width, height, pixel_format),
        row_stride=width + padding,
        chroma_row_stride=chroma_stride,
        **options,
    )
