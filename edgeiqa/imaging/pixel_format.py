"""How the bytes of a picture are to be read: pixel formats, and what their colours mean."""

from __future__ import annotations

import enum


class PixelFormat(enum.Enum):
    """How the numbers of a buffer are to be read; each value is 8 bits, 0-255.

    Members of the RGB kind name the order in memory: BGRA is blue first, alpha last, as OpenCV
    and Android's bitmaps have it. Alpha is straight (not premultiplied) and is composited over
    white. The rest are YUV (properly Y'CbCr; U is Cb, V is Cr), one Y for every pixel:

    - NV12: the Y plane, then rows of U V U V ..., one pair for 2x2 pixels.
    - NV21: the same with V U V U ...; what Android's camera calls its default.
    - I420: the Y plane, the U plane, the V plane; "yuv420p" of ffmpeg, "YU12" of V4L2.
    - YUYV: Y U Y V for every two pixels of a row; "YUY2", "yuyv422".
    - YUV_420_888: three planes, each with a row stride and a pixel stride of its own, as an
      `android.media.Image` has them; see `Frame.from_planes`.

    An odd side has half a chroma sample more than it needs: there are ceil(width / 2) by
    ceil(height / 2) of them.
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
        """Whether colour is in planes of its own, of a lower resolution than the luma."""
        return self in _YUV

    @property
    def channels(self) -> int:
        """Values per pixel of `Frame.pixels`: 3, 4 with alpha, 1 for GRAY and for YUV's luma."""
        return 1 if self is PixelFormat.GRAY or self.is_yuv else len(self.value)

    @property
    def chroma_step(self) -> tuple[int, int]:
        """(rows, columns) of pixels that share one U and one V; (1, 1) where there are none."""
        if not self.is_yuv:
            return 1, 1
        return (1, 2) if self is PixelFormat.YUYV else (2, 2)

    def chroma_shape(self, height: int, width: int) -> tuple[int, int]:
        """(rows, columns) of U and of V for a picture of this size; the fractions round up."""
        down, across = self.chroma_step
        return -(-height // down), -(-width // across)

    def row_bytes(self, width: int) -> int:
        """Bytes of one row without padding; of the Y plane where there are several planes."""
        if self is PixelFormat.YUYV:
            return 4 * -(-width // 2)
        return width * self.channels

    def frame_bytes(self, width: int, height: int) -> int:
        """Bytes of one picture without any padding, as ffmpeg's `-f rawvideo` writes it.

        Args:
            width: In pixels.
            height: In pixels.

        Raises:
            ValueError: For YUV_420_888, whose planes lie where they like.
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


class ColorMatrix(enum.Enum):
    """How Y, U and V were made of R, G and B.

    BT601 (Recommendation ITU-R BT.601, which JPEG shares) is what cameras, webcams and JPEG
    have, and what ffmpeg makes of RGB unless told otherwise. BT709 is that of HD video.
    """

    BT601 = "BT.601"
    BT709 = "BT.709"


class ColorRange(enum.Enum):
    """Which numbers stand for black and white in YUV.

    LIMITED ("tv", "video"): Y 16-235, U and V 16-240; video files and streams, webcams, ffmpeg,
    OpenCV. FULL ("pc", "jpeg", "JFIF"): 0-255; pictures from MJPEG, and what Android's cameras
    hand to apps (`DataSpace.DATASPACE_JFIF`).
    """

    LIMITED = "limited"
    FULL = "full"
