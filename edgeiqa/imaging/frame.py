"""A picture as it lies in memory: pixels, how to read them, and which way is up.

A `Frame` is what a camera, a video decoder or a user's array hands over. It checks once, when
it is made, that its parts fit together, so that nothing downstream has to.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeiqa.imaging.buffers import Buffer, Chroma, check_uint8, integer, split_buffer, split_plane
from edgeiqa.imaging.pixel_format import ColorMatrix, ColorRange, PixelFormat

__all__ = ["ROTATIONS", "ColorMatrix", "ColorRange", "Frame", "PixelFormat"]

ROTATIONS = (0, 90, 180, 270)


@dataclass(frozen=True, eq=False)
class Frame:
    """Pixels with their format, rotation, region of interest and time.

    Of arrays of the RGB kind make it directly; of bytes, and of YUV, with `from_buffer` or
    `from_planes`. Arrays and buffers are kept, not copied: who writes the next picture into the
    same memory changes the frame.

    >>> frame = Frame(bgr, PixelFormat.BGR)  # From OpenCV.
    >>> frame = Frame.from_buffer(data, 1920, 1080, PixelFormat.NV21, rotation=90)

    Attributes:
        pixels: uint8 array, [height, width, channels] with the channels of `pixel_format`;
            GRAY may also be [height, width]; for YUV the luma Y, [height, width]. Any strides:
            views and slices are welcome.
        pixel_format: Order and meaning of the channels.
        rotation: Clockwise degrees that turn the buffer upright: 0, 90, 180 or 270.
        roi: Region of interest (x, y, width, height) in pixels of the buffer as it lies in
            memory, that is before the rotation; None for all of it.
        timestamp_ns: When it was taken, in nanoseconds of any monotonic clock; None if unknown.
        chroma: For YUV the planes (U, V), uint8 [ceil(height / 2), ceil(width / 2)] each, for
            YUYV [height, ceil(width / 2)], any strides; else None.
        color_matrix: For YUV, how it was made of RGB.
        color_range: For YUV, which numbers are black and white. The default is that of video
            files, webcams and ffmpeg; Android's cameras give `ColorRange.FULL`.

    Raises:
        TypeError: `pixels` is no uint8 array, `pixel_format` no `PixelFormat`, or a number in
            `rotation`, `roi` or `timestamp_ns` is no integer.
        ValueError: The shape does not fit the format, the picture is empty, the rotation is not
            a quarter turn, the region leaves the buffer or is empty, or chroma is missing.
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
        """Checks that the parts fit together."""
        _member(self.pixel_format, PixelFormat, "pixel_format")
        _member(self.color_matrix, ColorMatrix, "color_matrix")
        _member(self.color_range, ColorRange, "color_range")
        _check_pixels(self.pixels, self.pixel_format)
        if self.pixel_format.is_yuv or self.chroma is not None:
            chroma = _chroma(self.chroma, self.pixels.shape, self.pixel_format)
            object.__setattr__(self, "chroma", chroma)
        object.__setattr__(self, "rotation", _rotation(self.rotation))
        if self.roi is not None:
            object.__setattr__(self, "roi", _roi(self.roi, self.pixels.shape))
        if self.timestamp_ns is not None:
            object.__setattr__(self, "timestamp_ns", integer(self.timestamp_ns, "timestamp_ns"))

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels of the upright region of interest."""
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
        """Wraps an array whose format follows from its shape.

        Args:
            pixels: uint8, [height, width] or [height, width, 1] gray, [height, width, 3] RGB,
                or [height, width, 4] RGBA.

        Returns:
            The upright frame.

        Raises:
            TypeError: Not a uint8 array.
            ValueError: A shape that means none of these; for other orders (BGR, say), make the
                `Frame` yourself.
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
        """A frame that lies in one buffer, as from ffmpeg, V4L2, OpenCV or Android's camera.

        Args:
            data: bytes, bytearray, memoryview or another buffer of single bytes; or a uint8
                array, 1-D, or 2-D with a row of bytes per row: [height * 3 / 2, width] is what
                OpenCV and PyAV make of NV12, NV21 and I420. More bytes than needed are welcome.
            width: In pixels.
            height: In pixels.
            pixel_format: Anything but YUV_420_888.
            row_stride: Bytes from one row to the next, of the Y plane where there are planes;
                by default rows have no padding, or the stride of the array.
            chroma_row_stride: The same of the chroma rows of NV12, NV21 and I420; by default
                `row_stride`, for I420 half of it rounded up, but never less than a row.
            chroma_offset: Byte where chroma begins in NV12, NV21 and I420; by default
                `row_stride * height`. Decoders that pad the height (1080 to 1088) need it.
            rotation: As for `Frame`.
            roi: As for `Frame`.
            timestamp_ns: As for `Frame`.
            color_matrix: As for `Frame`.
            color_range: As for `Frame`.

        Returns:
            The frame; it looks at `data` and copies nothing, unless the array is a view whose
            bytes do not follow each other.

        Raises:
            TypeError: `data` is no buffer of bytes, or as for `Frame`.
            ValueError: Too few bytes, a stride shorter than a row, or as for `Frame`.
        """
        _member(pixel_format, PixelFormat, "pixel_format")
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
        """A YUV frame in three planes, as `android.media.Image` and video decoders have it.

        Args:
            y: Luma: bytes or a 1-D uint8 array from the first sample on, or a 2-D array
                [height, width] with any strides.
            u: The same of Cb, ceil(height / 2) by ceil(width / 2) samples. For NV12 that came
                as two planes: `uv[:, 0::2]` and `uv[:, 1::2]`.
            v: The same of Cr.
            width: In pixels.
            height: In pixels.
            row_strides: Bytes from one row to the next, of Y, U and V (`Plane.getRowStride`);
                by default rows have no padding. Not with 2-D arrays.
            pixel_strides: Bytes from one sample to the next, of Y, U and V
                (`Plane.getPixelStride`); not with 2-D arrays.
            pixel_format: What to call it; YUYV means planes of 4:2:2, [height,
                ceil(width / 2)].
            rotation: As for `Frame`.
            roi: As for `Frame`.
            timestamp_ns: As for `Frame`.
            color_matrix: As for `Frame`.
            color_range: As for `Frame`; Android's cameras give `ColorRange.FULL`.

        Returns:
            The frame; it looks at the planes and copies nothing.

        Raises:
            TypeError: A plane is no buffer of bytes, or as for `Frame`.
            ValueError: Too few bytes (the last row may lack its padding), not three strides, a
                stride shorter than a row, or as for `Frame`.
        """
        _member(pixel_format, PixelFormat, "pixel_format")
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


def _member(value: object, kind: type[enum.Enum], name: str) -> None:
    if not isinstance(value, kind):
        known = ", ".join(f"{kind.__name__}.{member}" for member in kind.__members__)
        raise TypeError(f"{name} is {value!r}, expected one of {known}")


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
