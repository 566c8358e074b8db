"""Wraps the buffers of cameras and decoders in arrays, without a copy.

The arrays are views of single channels or of whole pixels. Every view is checked to lie inside its
buffer.
"""

from __future__ import annotations

import math
import operator
from typing import TypeAlias

import numpy as np

from edgeiqa.imaging.pixel_format import PixelFormat

Buffer: TypeAlias = bytes | bytearray | memoryview | np.ndarray
Chroma: TypeAlias = tuple[np.ndarray, np.ndarray]


def integer(value: object, name: str) -> int:
    """Returns an integer as int; raises TypeError for anything else, including bool."""
    if isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}, expected an integer")
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {value!r}, expected an integer") from None


def check_uint8(pixels: object, what: str = "pixels") -> np.ndarray:
    """Returns the array; raises TypeError if it is not a uint8 array."""
    if not isinstance(pixels, np.ndarray):
        raise TypeError(f"{what} are a {type(pixels).__name__}, expected a numpy array")
    if pixels.dtype != np.uint8:
        hint = ""
        if pixels.dtype.kind == "f":
            hint = "; for values in 0-1: (255 * pixels).round().astype(numpy.uint8)"
        elif pixels.dtype == np.uint16:
            hint = "; for the full 16-bit range: (pixels >> 8).astype(numpy.uint8)"
        raise TypeError(f"{what} are {pixels.dtype}, expected uint8 in 0-255{hint}")
    return pixels


def split_buffer(
    data: Buffer,
    width: int,
    height: int,
    pixel_format: PixelFormat,
    row_stride: int | None,
    chroma_row_stride: int | None,
    chroma_offset: int | None,
) -> tuple[np.ndarray, Chroma | None]:
    """Locates the planes of a picture in one buffer; see `Frame.from_buffer`.

    Returns:
        The pixels, uint8 [height, width, channels], or [height, width] for GRAY and for the
        luma of YUV; and for YUV U and V, uint8 [rows, columns] each.
    """
    if pixel_format is PixelFormat.YUV_420_888:
        raise ValueError(
            "YUV_420_888 has three planes, not one buffer: use Frame.from_planes, or pass "
            "NV12, NV21 or I420, whichever the buffer contains"
        )
    width, height = _side(width, "width"), _side(height, "height")
    minimum = pixel_format.row_bytes(width)
    if isinstance(data, np.ndarray) and data.ndim > 1:
        data, row = _rows(check_uint8(data, "data"), minimum, pixel_format)
        if row_stride is not None and integer(row_stride, "row_stride") != row:
            raise ValueError(
                f"row_stride is {row_stride}, but the rows of the array are {row} bytes apart"
            )
        row_stride = row
    flat = _flat(data, "data")
    stride = minimum if row_stride is None else _stride(row_stride, minimum, "row_stride")
    what = f"a {width}x{height} {pixel_format.value} picture with rows of {stride} bytes"
    if not pixel_format.is_yuv or pixel_format is PixelFormat.YUYV:
        for name, value in (
            ("chroma_row_stride", chroma_row_stride),
            ("chroma_offset", chroma_offset),
        ):
            if value is not None:
                raise ValueError(f"{name} is {value}, but {pixel_format.value} has no chroma rows")
        _check_length(flat, stride * (height - 1) + minimum, what)
        return _packed(flat, width, height, pixel_format, stride)
    rows, columns = pixel_format.chroma_shape(height, width)
    planar = pixel_format is PixelFormat.I420
    chroma_bytes = columns if planar else 2 * columns
    if chroma_row_stride is None:
        # Rows of half or of the same length; one byte more for odd rows without padding.
        chroma_stride = max(chroma_bytes, -(-stride // 2) if planar else stride)
    else:
        chroma_stride = _stride(chroma_row_stride, chroma_bytes, "chroma_row_stride")
    start = stride * height
    if chroma_offset is not None:
        start = integer(chroma_offset, "chroma_offset")
        if start < stride * (height - 1) + width:
            raise ValueError(f"chroma_offset is {start}, inside the Y plane of {what}")
    second = start + chroma_stride * rows if planar else start + 1
    step = 1 if planar else 2
    end = second + chroma_stride * (rows - 1) + step * (columns - 1) + 1
    _check_length(flat, end, what)
    luma = _view(flat, (height, width), 0, (stride, 1))
    first_plane = _view(flat, (rows, columns), start, (chroma_stride, step))
    second_plane = _view(flat, (rows, columns), second, (chroma_stride, step))
    if pixel_format is PixelFormat.NV21:
        first_plane, second_plane = second_plane, first_plane
    return luma, (first_plane, second_plane)


def split_plane(
    data: Buffer, shape: tuple[int, int], row_stride: int | None, pixel_stride: int, name: str
) -> np.ndarray:
    """Wraps one plane of an Android image or of a decoder.

    Args:
        data: Bytes or a 1-D array that starts with the plane's first sample; or the plane itself
            as a 2-D array with any strides.
        shape: (rows, columns) of samples.
        row_stride: Bytes from one row to the next; None for rows without padding.
        pixel_stride: Bytes from one sample to the next.
        name: Name of the plane, for messages.

    Returns:
        uint8 [rows, columns], a view.

    Raises:
        TypeError: Neither bytes nor a uint8 array.
        ValueError: Too few bytes, a wrong shape, or strides that overlap.
    """
    rows, columns = shape
    if isinstance(data, np.ndarray) and data.ndim > 1:
        if row_stride is not None or pixel_stride != 1:
            raise ValueError(
                f"{name} is an array of shape {data.shape}, which has its own strides: pass "
                "strides only with bytes or a 1-D array"
            )
        return check_uint8(data, name)
    flat = _flat(data, name)
    pixel_stride = integer(pixel_stride, f"the pixel stride of {name}")
    if pixel_stride < 1:
        raise ValueError(f"the pixel stride of {name} is {pixel_stride}, expected at least 1")
    minimum = pixel_stride * (columns - 1) + 1
    stride = pixel_stride * columns
    if row_stride is not None:
        stride = _stride(row_stride, minimum, f"the row stride of {name}")
    # Android omits the padding of the last row, including the gap after its last sample.
    _check_length(
        flat,
        stride * (rows - 1) + minimum,
        f"plane {name} of {columns}x{rows} samples, row stride {stride}, "
        f"pixel stride {pixel_stride}",
    )
    return _view(flat, shape, 0, (stride, pixel_stride))


def _packed(
    flat: np.ndarray, width: int, height: int, pixel_format: PixelFormat, stride: int
) -> tuple[np.ndarray, Chroma | None]:
    if pixel_format is PixelFormat.YUYV:
        shape = pixel_format.chroma_shape(height, width)
        first = _view(flat, shape, 1, (stride, 4))
        second = _view(flat, shape, 3, (stride, 4))
        return _view(flat, (height, width), 0, (stride, 2)), (first, second)
    channels = pixel_format.channels
    if channels == 1:
        return _view(flat, (height, width), 0, (stride, 1)), None
    return _view(flat, (height, width, channels), 0, (stride, channels, 1)), None


def _view(
    flat: np.ndarray, shape: tuple[int, ...], offset: int, strides: tuple[int, ...]
) -> np.ndarray:
    # NumPy checks that the last element lies inside the buffer.
    return np.ndarray(shape, np.uint8, flat, offset, strides)


def _flat(data: object, what: str) -> np.ndarray:
    """Returns the bytes as uint8 [n]; copies them only if they are not contiguous."""
    if isinstance(data, np.ndarray):
        return np.ascontiguousarray(check_uint8(data, what)).reshape(-1)
    try:
        memory = memoryview(data)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"{what} is a {type(data).__name__}, expected bytes, bytearray, memoryview or a "
            "uint8 array"
        ) from None
    if memory.itemsize != 1:
        raise TypeError(f"{what} holds values of format {memory.format!r}, expected single bytes")
    return np.frombuffer(memory if memory.c_contiguous else memory.tobytes(), np.uint8)


def _rows(data: np.ndarray, minimum: int, pixel_format: PixelFormat) -> tuple[np.ndarray, int]:
    """Returns an array of rows as one run of bytes, and the distance between rows in bytes."""
    if data.ndim > 3:
        raise ValueError(
            f"data has the shape {data.shape}, expected [bytes], [rows, bytes of a row] or "
            f"[rows, columns, channels] for {pixel_format.value}"
        )
    row = math.prod(data.shape[1:])
    if row < minimum:
        raise ValueError(
            f"data has the shape {data.shape}, rows of {row} bytes, expected at least "
            f"{minimum} bytes per row"
        )
    # A slice of wider rows. Not I420, where two rows of U share a row of the array.
    sliced = data.ndim == 2 and data.strides[1] == 1 and data.strides[0] > row
    if sliced and len(data) and pixel_format is not PixelFormat.I420:
        stride = data.strides[0]
        length = stride * (len(data) - 1) + row
        return np.lib.stride_tricks.as_strided(data, (length,), (1,)), stride
    return data, row


def _side(value: object, name: str) -> int:
    side = integer(value, name)
    if side < 1:
        raise ValueError(f"{name} is {side}, expected at least 1 pixel")
    return side


def _stride(value: object, minimum: int, name: str) -> int:
    stride = integer(value, name)
    if stride < minimum:
        raise ValueError(f"{name} is {stride} bytes, expected at least {minimum} bytes per row")
    return stride


def _check_length(flat: np.ndarray, needed: int, what: str) -> None:
    if flat.size < needed:
        raise ValueError(
            f"{what} needs {needed} bytes, got {flat.size}: {needed - flat.size} are missing"
        )
