"""Luma at native resolution: patches, and a reduced view of the whole picture.

Only the requested pixels are read from the frame's memory: the cost of a patch does not depend on
the size of the photograph.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from edgeiqa.imaging.buffers import integer
from edgeiqa.imaging.frame import Frame, PixelFormat
from edgeiqa.preprocessing.box_reduce import reduced
from edgeiqa.preprocessing.planes import Box, Plane, planes
from edgeiqa.preprocessing.yuv import full_range_luma
from edgeiqa.stages import stage

MAX_FACTOR = 128
"""Reduction divides by fixed-point multiplication, which is too coarse for larger blocks."""


def luma_crop(source: Frame | Image.Image, box: Box) -> np.ndarray:
    """Returns the luma of a box of the picture at native resolution.

    Luma is (19595 R + 38470 G + 7471 B + 32768) >> 16 of RGB (BT.601, Pillow's mode L), with alpha
    composited over white first; for gray, the value itself; for YUV, the Y plane, converted to full
    range if it is limited (`edgeiqa.preprocessing.yuv.full_range_luma`).

    Args:
        source: A `Frame`, or an upright PIL picture of mode RGB.
        box: (left, top, right, bottom), right and bottom exclusive, in pixels; inside the upright
            region of interest, whose size is `frame.size`.

    Returns:
        uint8 [bottom - top, right - left], 0 black and 255 white, a fresh array.

    Raises:
        TypeError: `source` is something else, or `box` does not contain integers.
        ValueError: A PIL picture of another mode, or a box that is empty or not inside the picture.
    """
    if isinstance(source, Frame):
        plane = planes(source)[0].cut(_checked_box(box, source.size))
        return _luma(source, plane, 1)
    _check_picture(source)
    box = _checked_box(box, (source.height, source.width))
    return np.array(source.crop(box).convert("L"))


@stage("view")
def luma_small(source: Frame | Image.Image, factor: int) -> np.ndarray:
    """Returns the luma of the whole picture, reduced by an integer factor.

    Each block of factor x factor pixels becomes one, starting at the top left of the upright region
    of interest; the last ones may be narrower. Blocks are averaged as in section 3 of
    docs/reference/preprocessing.md: in RGB before the conversion to luma, in the Y plane before the
    conversion to full range.

    Args:
        source: As for `luma_crop`.
        factor: From 1 (the luma of the whole picture) to 128.

    Returns:
        uint8 [ceil(height / factor), ceil(width / factor)], 0 black and 255 white, a fresh
        array.

    Raises:
        TypeError: `source` is something else, or `factor` is not an integer.
        ValueError: A PIL picture of another mode, or a factor out of range.
    """
    factor = integer(factor, "factor")
    if not 1 <= factor <= MAX_FACTOR:
        raise ValueError(f"factor is {factor}, expected 1 to {MAX_FACTOR}")
    if isinstance(source, Frame):
        return _luma(source, planes(source)[0], factor)
    _check_picture(source)
    # Not image.reduce: on JPEG 2000 images that is an integer.
    small = source if factor == 1 else Image.Image.reduce(source, factor)
    return np.array(small.convert("L"))


def _luma(frame: Frame, plane: Plane, factor: int) -> np.ndarray:
    image = reduced(plane.samples, (factor, factor), bgr=plane.bgr).upright()
    if frame.pixel_format.is_yuv:
        return full_range_luma(np.asarray(image), frame.color_range)
    return np.array(image if frame.pixel_format is PixelFormat.GRAY else image.convert("L"))


def _check_picture(source: object) -> None:
    if not isinstance(source, Image.Image):
        raise TypeError(
            f"cannot take luma of a {type(source).__name__}, expected Frame or PIL Image"
        )
    if source.mode != "RGB":
        raise ValueError(
            f"a PIL picture of mode {source.mode}, expected RGB; see edgeiqa.imaging.decode"
        )


def _checked_box(box: object, size: tuple[int, int]) -> Box:
    if not isinstance(box, (tuple, list)) or len(box) != 4:
        raise ValueError(f"box is {box!r}, expected (left, top, right, bottom)")
    left, top, right, bottom = (integer(value, "a coordinate of box") for value in box)
    if not (0 <= left < right <= size[1] and 0 <= top < bottom <= size[0]):
        raise ValueError(
            f"box (left={left}, top={top}, right={right}, bottom={bottom}) is empty or not inside "
            f"the upright picture of width {size[1]} and height {size[0]}"
        )
    return left, top, right, bottom
