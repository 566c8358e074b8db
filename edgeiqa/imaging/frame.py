"""A picture in memory: pixels with their format, rotation and region of interest.

Cameras, video decoders and users' arrays deliver frames. A `Frame` checks once, when it is made,
that its parts are consistent, so that nothing downstream has to.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from edgeiqa.imaging.buffers import Buffer, Chroma, check_uint8, integer, split_buffer, split_plane
from edgeiqa.imaging.pixel_format import ColorMatrix, ColorRange, PixelFormat

__all__ = ["ROTATIONS", "ColorMatrix", "ColorRange", "Frame", "PixelFormat"]

ROTATIONS = (0, 90, 180, 270)

_Kind = TypeVar("_Kind", bound=enum.Enum)


@dataclass(frozen=True, eq=False)
class Frame:
    """Pixels with their format, rotation, region of interest and time.

    Make one directly from an RGB-like array, and with `from_buffer` or `from_planes` from bytes and
    YUV. Arrays and buffers are kept, not copied: writing the next picture into the same memory
    changes the frame.

    >>> frame = Frame(bgr, PixelFormat.BGR)  # From OpenCV.
    >>> frame = Frame.from_buffer(data, 1920, 1080, PixelFormat.NV21, rotation=90)

    Attributes:
        pixels: uint8 array, [height, width, channels] with the channels of `pixel_format`;
            GRAY may also be [height, width]; for YUV the luma Y, [height, width]. Any strides
            are accepted, so views and slices work.
        pixel_format: Order and meaning of the channels; a `PixelFormat` or its name.
        rotation: Clockwise degrees that turn the buffer upright: 0, 90, 180 or 270.
        roi: Region of interest (x, y, width, height) in pixels of the buffer as it lies in
            memory, that is before the rotation; None for all of it.
        timestamp_ns: Capture time in nanoseconds of any monotonic clock; None if unknown.
        chroma: For YUV the planes (U, V), uint8 [ceil(height / 2), ceil(width / 2)] each, for
            YUYV [height, ceil(width / 2)], any strides; else None.
        color_matrix: The matrix of YUV, or its name.
        color_range: The range of YUV, or its name. The default suits video files, webcams and
            ffmpeg; Android cameras deliver `ColorRange.FULL`.

    Raises:
        TypeError: `pixels` is not a uint8 array, `pixel_format` not a `PixelFormat`, or a number
            in `rotation`, `roi` or `timestamp_ns` not an integer.
        ValueError: The shape does not match the format, the picture is empty, the rotation is not
            a multiple of 90 degrees, the region is empty or leaves the buffer, or chroma is
            missing.
    """

    pixels: np.ndarray
    pixel_format: PixelFormat = PixelFormat.RGB
    rotation: int = 0
    roi: tuple[int, int, int, int] | None = None
    timestamp_ns: int | None = None
    chroma: Chroma | None = None
    color_matrix: ColorMatrix = ColorMatrix.BT601
    color_range: ColorRange = ColorRange.LIMITED

    def __post_init__(self) -> None:
        """Checks that the parts are consistent."""
        for name, kind in (
            ("pixel_format", PixelFormat),
            ("color_matrix", ColorMatrix),
            ("color_range", ColorRange),
        ):
            object.__setattr__(self, name, _member(getattr(self, name), kind, name))
        _check_pixels(self.pixels, self.pixel_format)
        if self.pixel_format.is_yuv or self.chroma is not None:
            chroma = _chroma(self.chroma, self.pixels.shape, self.pixel_format)
            object.__setattr__(self, "chroma", chroma)
        object.__setattr__(self, "rotation", _rotation(self.rotation))
        if self.roi is not None:
            object.__setattr__(self, "roi", _roi(self.roi, self.pixels.shape))
        if self.timestamp_ns is not None:
            object.__setattr__(self, "timestamp_ns", integer(self.timestamp_ns, "timestamp_ns"))

    def __repr__(self) -> str:
        height, width = self.size
        parts = [f"{width}x{height} {self.pixel_format.value}"]
        parts += [f"rotation={self.rotation}"] if self.rotation else []
        parts += [f"roi={self.roi}"] if self.roi is not None else []
        parts += [f"timestamp_ns={self.timestamp_ns}"] if self.timestamp_ns is not None else []
        return f"Frame({', '.join(parts)})"

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the upright region of interest, in pixels."""
        height, width = self.pixels.shape[:2]
        if self.roi is not None:
            _, _, width, height = self.roi
        return (width, height) if self.rotation in (90, 270) else (height, width)

    def copy(self) -> Frame:
        """Returns the frame with pixels of its own, for callers whose buffers are reused."""
        chroma = None if self.chroma is None else (self.chroma[0].copy(), self.chroma[1].copy())
        return replace(self, pixels=self.pixels.copy(), chroma=chroma)

    @classmethod
    def from_array(cls, pixels: np.ndarray) -> Frame:
        """Wraps an array whose shape determines its format.

        Args:
            pixels: uint8, [height, width] or [height, width, 1] gray, [height, width, 3] RGB,
                or [height, width, 4] RGBA.

        Returns:
            The upright frame.

        Raises:
            TypeError: Not a uint8 array.
            ValueError: Another shape. For other channel orders, such as BGR, make the `Frame`
                directly.
        """
        formats = {1: PixelFormat.GRAY, 3: PixelFormat.RGB, 4: PixelFormat.RGBA}
        channels = pixels.shape[2] if pixels.ndim == 3 else 1
        if pixels.ndim not in (2, 3) or channels not in formats:
            hint = ""
            if pixels.ndim == 3 and pixels.shape[0] in formats:
                hint = "; channels come last: pixels.transpose(1, 2, 0)"
            elif pixels.ndim == 4:
                hint = "; one picture at a time: score_batch(pixels) takes several"
            raise ValueError(
                f"an array of shape {pixels.shape}, expected [height, width], "
                f"[height, width, 3] for RGB or [height, width, 4] for RGBA{hint}"
            )
        return cls(pixels, formats[channels])

    @classmethod
    def from_buffer(
        cls,
        data: Buffer,
        width: int,
        height: int,
        pixel_format: PixelFormat,
        *,
        row_stride: int | None = None,
        chroma_row_stride: int | None = None,
        chroma_offset: int | None = None,
        rotation: int = 0,
        roi: tuple[int, int, int, int] | None = None,
        timestamp_ns: int | None = None,
        color_matrix: ColorMatrix = ColorMatrix.BT601,
        color_range: ColorRange = ColorRange.LIMITED,
    ) -> Frame:
        """Wraps a frame in one buffer, as from ffmpeg, V4L2, OpenCV or an Android camera.

        Args:
            data: bytes, bytearray, memoryview or another buffer of single bytes; or a uint8
                array, 1-D, or 2-D with one row of bytes per row: OpenCV and PyAV deliver NV12,
                NV21 and I420 as [height * 3 / 2, width]. Extra bytes at the end are ignored.
            width: In pixels.
            height: In pixels.
            pixel_format: Anything but YUV_420_888.
            row_stride: Bytes from one row to the next, of the Y plane if there are planes; by
                default the stride of the array, or rows without padding.
            chroma_row_stride: The same for the chroma rows of NV12, NV21 and I420; by default
                `row_stride`, for I420 half of it rounded up, but never less than a row.
            chroma_offset: Byte where chroma begins in NV12, NV21 and I420; by default
                `row_stride * height`. Needed for decoders that pad the height (1080 to 1088).
            rotation: As for `Frame`.
            roi: As for `Frame`.
            timestamp_ns: As for `Frame`.
            color_matrix: As for `Frame`.
            color_range: As for `Frame`.

        Returns:
            The frame. It refers to `data` without a copy, unless the array is a view that is not
            contiguous.

        Raises:
            TypeError: `data` is not a buffer of bytes, or as for `Frame`.
            ValueError: Too few bytes, a stride shorter than a row, or as for `Frame`.
        """
        pixel_format = _member(pixel_format, PixelFormat, "pixel_format")
        pixels, chroma = split_buffer(
            data, width, height, pixel_format, row_stride, chroma_row_stride, chroma_offset
        )
        return cls(
            *(pixels, pixel_format, rotation, roi, timestamp_ns, chroma, color_matrix, color_range)
        )

    @classmethod
    def from_planes(
        cls,
        y: Buffer,
        u: Buffer,
        v: Buffer,
        width: int,
        height: int,
        *,
        row_strides: Sequence[int] | None = None,
        pixel_strides: Sequence[int] = (1, 1, 1),
        pixel_format: PixelFormat = PixelFormat.YUV_420_888,
        rotation: int = 0,
        roi: tuple[int, int, int, int] | None = None,
        timestamp_ns: int | None = None,
        color_matrix: ColorMatrix = ColorMatrix.BT601,
        color_range: ColorRange = ColorRange.LIMITED,
    ) -> Frame:
        """Wraps a YUV frame in three planes, as from `android.media.Image` and video decoders.

        Args:
            y: Luma: bytes or a 1-D uint8 array that starts with the first sample, or a 2-D array
                [height, width] with any strides.
            u: The same for Cb, ceil(height / 2) by ceil(width / 2) samples. For NV12 in two
                planes, pass `uv[:, 0::2]` and `uv[:, 1::2]`.
            v: The same for Cr.
            width: In pixels.
            height: In pixels.
            row_strides: Bytes from one row to the next, of Y, U and V (`Plane.getRowStride`);
                by default rows have no padding. Not with 2-D arrays.
            pixel_strides: Bytes from one sample to the next, of Y, U and V
                (`Plane.getPixelStride`); not with 2-D arrays.
            pixel_format: A YUV format; YUYV stands for 4:2:2 planes, [height, ceil(width / 2)].
            rotation: As for `Frame`.
            roi: As for `Frame`.
            timestamp_ns: As for `Frame`.
            color_matrix: As for `Frame`.
            color_range: As for `Frame`; Android cameras deliver `ColorRange.FULL`.

        Returns:
            The frame. It refers to the planes without a copy.

        Raises:
            TypeError: A plane is not a buffer of bytes, or as for `Frame`.
            ValueError: Too few bytes (the last row may lack its padding), not three strides, a
                stride shorter than a row, or as for `Frame`.
        """
        pixel_format = _member(pixel_format, PixelFormat, "pixel_format")
        if not pixel_format.is_yuv:
            raise ValueError(f"pixel_format is {pixel_format.value}, expected one of YUV")
        shape = (integer(height, "height"), integer(width, "width"))
        if min(shape) < 1:
            raise ValueError(f"the size is {shape[1]}x{shape[0]}, expected at least 1x1 pixels")
        chroma_shape = pixel_format.chroma_shape(*shape)
        steps = _three(pixel_strides, "pixel_strides")
        rows = (None,) * 3 if row_strides is None else _three(row_strides, "row_strides")
        planes = [
            split_plane(data, chroma_shape if i else shape, rows[i], steps[i], "YUV"[i])
            for i, data in enumerate((y, u, v))
        ]
        if planes[0].shape != shape:
            raise ValueError(f"Y has the shape {planes[0].shape}, expected {shape}")
        return cls(
            *(planes[0], pixel_format, rotation, roi, timestamp_ns),
            *((planes[1], planes[2]), color_matrix, color_range),
        )


def _member(value: object, kind: type[_Kind], name: str) -> _Kind:
    """Returns a member of an enumeration, given it or its name."""
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(f"{kind.__name__}.{member}" for member in kind.__members__)
        raise TypeError(f"{name} is {value!r}, expected one of {known}") from None


def _three(values: object, name: str) -> list[int]:
    if not isinstance(values, (tuple, list)) or len(values) != 3:
        raise ValueError(f"{name} is {values!r}, expected three: of Y, U and V")
    return [integer(value, f"a number of {name}") for value in values]


def _check_pixels(pixels: object, pixel_format: PixelFormat) -> None:
    pixels = check_uint8(pixels)
    channels = pixel_format.channels
    fits = pixels.ndim == 3 and pixels.shape[2] == channels and not pixel_format.is_yuv
    fits = fits or (pixels.ndim == 2 and channels == 1)
    if not fits:
        expected = "[height, width]" if channels == 1 else f"[height, width, {channels}]"
        if pixel_format.is_yuv:
            expected += " of luma; bytes and arrays of a whole picture: Frame.from_buffer,"
        raise ValueError(
            f"pixels have the shape {pixels.shape}, expected {expected} for {pixel_format.value}"
        )
    if pixels.shape[0] == 0 or pixels.shape[1] == 0:
        raise ValueError(f"pixels have the shape {pixels.shape}, expected at least 1x1")


def _chroma(chroma: object, shape: tuple[int, ...], pixel_format: PixelFormat) -> Chroma:
    if not pixel_format.is_yuv:
        raise ValueError(f"chroma came with {pixel_format.value}, it belongs to YUV only")
    if not isinstance(chroma, (tuple, list)) or len(chroma) != 2:
        raise ValueError(
            f"chroma is {_brief(chroma)}, expected the planes (U, V) for {pixel_format.value}; "
            "of one buffer: Frame.from_buffer(data, width, height, pixel_format)"
        )
    expected = pixel_format.chroma_shape(shape[0], shape[1])
    for name, plane in zip("UV", chroma, strict=True):
        if check_uint8(plane, name).shape != expected:
            raise ValueError(
                f"{name} has the shape {plane.shape}, expected {expected} for {shape[1]}x{shape[0]}"
                f" pixels of {pixel_format.value}"
            )
    return chroma[0], chroma[1]


def _brief(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _rotation(value: object) -> int:
    rotation = integer(value, "rotation")
    if rotation not in ROTATIONS:
        raise ValueError(f"rotation is {rotation}, expected 0, 90, 180 or 270 degrees clockwise")
    return rotation


def _roi(value: object, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    if not isinstance(value, (tuple, list)) or len(value) != 4:
        raise ValueError(f"roi is {value!r}, expected (x, y, width, height)")
    x, y, width, height = (integer(v, "a number of roi") for v in value)
    if x < 0 or y < 0 or width < 1 or height < 1 or x + width > shape[1] or y + height > shape[0]:
        raise ValueError(
            f"roi (x={x}, y={y}, width={width}, height={height}) is not inside the buffer of "
            f"width {shape[1]} and height {shape[0]}"
        )
    return x, y, width, height
