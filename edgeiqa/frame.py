"""A picture as it lies in memory: pixels, how to read them, and which way is up.

A `Frame` is what a camera, a video decoder or a user's array hands over. It checks once, when
it is made, that its parts fit together, so that nothing downstream has to.
"""

from __future__ import annotations

import enum
import operator
from dataclasses import dataclass

import numpy as np

ROTATIONS = (0, 90, 180, 270)


class PixelFormat(enum.Enum):
    """How the numbers of a buffer are to be read; each value is 8 bits, 0-255.

    Members name the order in memory: BGRA is blue first, alpha last, as OpenCV and Android's
    cameras have it. Alpha is straight (not premultiplied) and is composited over white.
    """

    RGB = "RGB"
    BGR = "BGR"
    RGBA = "RGBA"
    BGRA = "BGRA"
    GRAY = "GRAY"

    @property
    def channels(self) -> int:
        """Values per pixel: 3 for RGB and BGR, 4 with alpha, 1 for GRAY."""
        return 1 if self is PixelFormat.GRAY else len(self.value)


@dataclass(frozen=True, eq=False)
class Frame:
    """Pixels with their format, rotation, region of interest and time.

    Attributes:
        pixels: uint8 array, [height, width, channels] with the channels of `pixel_format`;
            GRAY may also be [height, width]. Any strides: views and slices are welcome.
            The array is kept, not copied.
        pixel_format: Order and meaning of the channels.
        rotation: Clockwise degrees that turn the buffer upright: 0, 90, 180 or 270.
        roi: Region of interest (x, y, width, height) in pixels of the buffer as it lies in
            memory, that is before the rotation; None for all of it.
        timestamp_ns: When it was taken, in nanoseconds of any monotonic clock; None if unknown.

    Raises:
        TypeError: `pixels` is no uint8 array, `pixel_format` no `PixelFormat`, or a number in
            `rotation`, `roi` or `timestamp_ns` is no integer.
        ValueError: The shape does not fit the format, the picture is empty, the rotation is not
            a quarter turn, or the region leaves the buffer.
    """

    pixels: np.ndarray
    pixel_format: PixelFormat = PixelFormat.RGB
    rotation: int = 0
    roi: tuple[int, int, int, int] | None = None
    timestamp_ns: int | None = None

    def __post_init__(self) -> None:
        """Checks that the parts fit together."""
        pixel_format: object = self.pixel_format
        if not isinstance(pixel_format, PixelFormat):
            known = ", ".join(f"PixelFormat.{name}" for name in PixelFormat.__members__)
            raise TypeError(f"pixel_format is {pixel_format!r}, expected one of {known}")
        _check_pixels(self.pixels, pixel_format)
        object.__setattr__(self, "rotation", _rotation(self.rotation))
        if self.roi is not None:
            object.__setattr__(self, "roi", _roi(self.roi, self.pixels.shape))
        if self.timestamp_ns is not None:
            object.__setattr__(self, "timestamp_ns", _integer(self.timestamp_ns, "timestamp_ns"))

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels of the upright region of interest."""
        height, width = self.pixels.shape[:2]
        if self.roi is not None:
            _, _, width, height = self.roi
        return (width, height) if self.rotation in (90, 270) else (height, width)

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


def _check_pixels(pixels: object, pixel_format: PixelFormat) -> None:
    if not isinstance(pixels, np.ndarray):
        raise TypeError(f"pixels are a {type(pixels).__name__}, expected a numpy array")
    if pixels.dtype != np.uint8:
        hint = ""
        if pixels.dtype.kind == "f":
            hint = "; for values in 0-1: (255 * pixels).round().astype(numpy.uint8)"
        elif pixels.dtype == np.uint16:
            hint = "; for the full 16-bit range: (pixels >> 8).astype(numpy.uint8)"
        raise TypeError(f"pixels are {pixels.dtype}, expected uint8 in 0-255{hint}")
    channels = pixel_format.channels
    fits = pixels.ndim == 3 and pixels.shape[2] == channels
    if pixel_format is PixelFormat.GRAY:
        fits = fits or pixels.ndim == 2
    if not fits:
        expected = "[height, width]" if channels == 1 else f"[height, width, {channels}]"
        raise ValueError(
            f"pixels have the shape {pixels.shape}, expected {expected} for {pixel_format.value}"
        )
    if pixels.shape[0] == 0 or pixels.shape[1] == 0:
        raise ValueError(f"pixels have the shape {pixels.shape}, expected at least 1x1")


def _integer(value: object, name: str) -> int:
    if isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}, expected an integer")
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {value!r}, expected an integer") from None


def _rotation(value: object) -> int:
    rotation = _integer(value, "rotation")
    if rotation not in ROTATIONS:
        raise ValueError(f"rotation is {rotation}, expected 0, 90, 180 or 270 degrees clockwise")
    return rotation


def _roi(value: object, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    if not isinstance(value, (tuple, list)) or len(value) != 4:
        raise ValueError(f"roi is {value!r}, expected (x, y, width, height)")
    x, y, width, height = (_integer(v, "a number of roi") for v in value)
    if x < 0 or y < 0 or width < 1 or height < 1 or x + width > shape[1] or y + height > shape[0]:
        raise ValueError(
            f"roi (x={x}, y={y}, width={width}, height={height}) is not inside the buffer of "
            f"width {shape[1]} and height {shape[0]}"
        )
    return x, y, width, height
