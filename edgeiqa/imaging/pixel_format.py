"""How the bytes of a picture are to be read: pixel formats, and what their colours mean."""

from __future__ import annotations

import enum
from typing import Any


class _Named(enum.Enum):
    """An enumeration whose members can be made from their name or value, in any case."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        for member in cls:
            if isinstance(value, str) and value.lower() in (
                member.name.lower(),
                member.value.lower(),
            ):
                return member
        return None


class PixelFormat(_Named):
    """Layout of the pixels of a buffer; each value is 8 bits, 0-255.

    RGB formats are named by their order in memory: BGRA is blue first, alpha last, as in OpenCV
    and Android bitmaps. Alpha is straight (not premultiplied) and is composited over white. The
    other formats are YUV (strictly Y'CbCr; U is Cb, V is Cr), with one Y for every pixel:

    - NV12: the Y plane, then rows of U V U V ..., one pair for 2x2 pixels.
    - NV21: the same with V U V U ...; the default of Android cameras.
    - I420: the Y plane, the U plane, the V plane; "yuv420p" in ffmpeg, "YU12" in V4L2.
    - YUYV: Y U Y V for every two pixels of a row; "YUY2", "yuyv422".
    - YUV_420_888: three planes, each with its own row stride and pixel stride, as in
      `android.media.Image`; see `Frame.from_planes`.

    Chroma planes have ceil(width / 2) by ceil(height / 2) samples, so an odd side has one half
    outside. Names are accepted as text wherever a format is: `PixelFormat("nv21")`.
    """

    RGB = "RGB"
    BGR = "BGR"
    RGBA = "RGBA"
    BGRA = "BGRA"
    GRAY = "GRAY"
    NV12 = "NV12"
    NV21 = "NV21"
    I420 = "I420"
    YUYV = "YUYV"
    YUV_420_888 = "YUV_420_888"

    @property
    def is_yuv(self) -> bool:
        """Whether the format is YUV, with chroma at a lower resolution than luma."""
        return self in _YUV

    @property
    def channels(self) -> int:
        """Values per pixel of `Frame.pixels`: 3, 4 with alpha, 1 for GRAY and for luma of YUV."""
        return 1 if self is PixelFormat.GRAY or self.is_yuv else len(self.value)

    @property
    def chroma_step(self) -> tuple[int, int]:
        """(rows, columns) of pixels that share one U and one V; (1, 1) without chroma."""
        if not self.is_yuv:
            return 1, 1
        return (1, 2) if self is PixelFormat.YUYV else (2, 2)

    def chroma_shape(self, height: int, width: int) -> tuple[int, int]:
        """Returns (rows, columns) of U and of V for a picture of this size, rounded up."""
        down, across = self.chroma_step
        return -(-height // down), -(-width // across)

    def row_bytes(self, width: int) -> int:
        """Returns the bytes of one row without padding; of the Y plane if there are planes."""
        if self is PixelFormat.YUYV:
            return 4 * -(-width // 2)
        return width * self.channels

    def frame_bytes(self, width: int, height: int) -> int:
        """Returns the bytes of one picture without padding, as ffmpeg's `-f rawvideo` writes it.

        Args:
            width: In pixels.
            height: In pixels.

        Raises:
            ValueError: For YUV_420_888, whose planes have no common buffer.
        """
        if self is PixelFormat.YUV_420_888:
            raise ValueError(
                "YUV_420_888 is three planes and has no single buffer: use NV12, NV21 or I420"
            )
        size = self.row_bytes(width) * height
        if self.is_yuv and self is not PixelFormat.YUYV:
            rows, columns = self.chroma_shape(height, width)
            size += 2 * rows * columns
        return size


_YUV = frozenset(
    {
        PixelFormat.NV12,
        PixelFormat.NV21,
        PixelFormat.I420,
        PixelFormat.YUYV,
        PixelFormat.YUV_420_888,
    }
)


class ColorMatrix(_Named):
    """The matrix that converts RGB to YUV.

    BT601 (Recommendation ITU-R BT.601) is used by cameras, webcams and JPEG, and by default by
    ffmpeg when it converts RGB. BT709 is used by HD video.
    """

    BT601 = "BT.601"
    BT709 = "BT.709"


class ColorRange(_Named):
    """The values of black and white in YUV.

    LIMITED ("tv", "video"): Y 16-235, U and V 16-240; video files and streams, webcams, ffmpeg,
    OpenCV. FULL ("pc", "jpeg", "JFIF"): 0-255; pictures from MJPEG, and frames that Android
    cameras hand to apps (`DataSpace.DATASPACE_JFIF`).
    """

    LIMITED = "limited"
    FULL = "full"
