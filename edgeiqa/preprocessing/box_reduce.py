"""Box reduction of views with any memory layout, read in memory order.

A rotated or mirrored view is reduced in memory order, with blocks aligned to the view, and the
small result is then turned upright. Pictures that Pillow needs in another layout are processed in
bands of rows, so that the whole picture is never copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from edgeiqa.imaging.alpha import _unpacked, on_white

# Of the source: small compared to a picture, large compared to the overhead of a Pillow call.
_BAND_BYTES = 1 << 20

# (mirrored top to bottom, mirrored left to right, then transposed) -> Pillow's operation that turns
# the memory layout into the view. Pillow rotates counter-clockwise.
_TURNS = {
    (False, True, False): Image.Transpose.FLIP_LEFT_RIGHT,
    (True, False, False): Image.Transpose.FLIP_TOP_BOTTOM,
    (True, True, False): Image.Transpose.ROTATE_180,
    (False, False, True): Image.Transpose.TRANSPOSE,
    (True, False, True): Image.Transpose.ROTATE_270,
    (False, True, True): Image.Transpose.ROTATE_90,
    (True, True, True): Image.Transpose.TRANSVERSE,
}


@dataclass(frozen=True, eq=False)
class Lying:
    """A picture in memory order, and how to turn it into the original view.

    Attributes:
        image: Mode L or RGB. It may share the memory of the view: read it, do not keep it.
        mirrored: Whether its rows and its columns are in reverse order.
        exchanged: Whether it is transposed after mirroring.
    """

    image: Image.Image
    mirrored: tuple[bool, bool]
    exchanged: bool

    def upright(self) -> Image.Image:
        """Returns the picture in the orientation of the view."""
        return _turned(self.image, (*self.mirrored, self.exchanged))

    def along_rows(self, width: int, start: float, stop: float) -> Image.Image:
        """Filters along the rows of the view: the first part of section 4.

        Args:
            width: Number of output columns.
            start: Where the picture begins, in columns of the view.
            stop: Where it ends.

        Returns:
            The picture in the orientation of the view, `width` wide.
        """
        # `Image.resize(..., reducing_gap=2.0)` would do all of this in one call, but the axis it
        # filters first, and thus its rounding, depends on the sizes and the version of Pillow.
        if not self.exchanged:
            image = self.upright()
            across = (start, 0, stop, image.height)
            return image.resize((width, image.height), Image.Resampling.BILINEAR, across)
        # Filter along the columns in memory, which leaves less to turn. Mirror before: weights are
        # not rounded symmetrically.
        image = _turned(self.image, (self.mirrored[0], False, False))
        down = (0, start, image.width, stop)
        image = image.resize((image.width, width), Image.Resampling.BILINEAR, down)
        return _turned(image, (False, self.mirrored[1], True))


def reduced(samples: np.ndarray, factor: tuple[int, int], *, bgr: bool = False) -> Lying:
    """Reduces a view by integer factors: section 3 of docs/reference/preprocessing.md.

    Args:
        samples: uint8 [rows, columns] or [rows, columns, 3], or [rows, columns, 4] with straight
            alpha, which is composited over white first. Any strides.
        factor: (down, across), at least 1 each. Blocks begin at the top left of the view; the
            last ones may be narrower.
        bgr: Whether the channels are blue first.

    Returns:
        Mode L, or RGB in this order, of ceil(columns / across) by ceil(rows / down) pixels once
        it is upright.
    """
    memory = samples
    # The stride of a side of one pixel is meaningless.
    strides = [abs(s) if n > 1 else 0 for s, n in zip(memory.strides, memory.shape, strict=True)]
    exchanged = memory.shape[0] > 1 and memory.shape[1] > 1 and strides[0] < strides[1]
    if exchanged:
        memory, factor = memory.swapaxes(0, 1), factor[::-1]
    mirrored = (
        memory.shape[0] > 1 and memory.strides[0] < 0,
        memory.shape[1] > 1 and memory.strides[1] < 0,
    )
    memory = memory[:: -1 if mirrored[0] else 1, :: -1 if mirrored[1] else 1]
    if memory.ndim == 3 and memory.shape[2] == 3 and memory.strides[2] < 0:
        memory, bgr = memory[:, :, ::-1], not bgr
    return Lying(_reduce(memory, factor, mirrored, bgr), mirrored, exchanged)


def _turned(image: Image.Image, how: tuple[bool, bool, bool]) -> Image.Image:
    turn = _TURNS.get(how)
    return image if turn is None else image.transpose(turn)


def _reduce(
    memory: np.ndarray, factor: tuple[int, int], from_end: tuple[bool, bool], bgr: bool
) -> Image.Image:
    """Reduces in the order of memory; blocks start at the end of an axis if `from_end` is set."""
    height, width = memory.shape[:2]
    rows = height
    if memory.ndim == 3 or not memory.flags.c_contiguous:  # Otherwise Pillow shares the memory.
        row_bytes = width * (memory.shape[2] if memory.ndim == 3 else 1)
        rows = max(1, _BAND_BYTES // (row_bytes * factor[0])) * factor[0]
    parts = (
        _reduce_band(_image(memory[band], bgr), factor, from_end[1])
        for band in _bands(height, factor[0], rows, from_end[0])
    )
    first = next(parts)
    if first.height * factor[0] >= height:
        return first
    whole = Image.new(first.mode, (first.width, -(-height // factor[0])))
    whole.paste(first, (0, 0))
    top = first.height
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    return whole


def _bands(length: int, step: int, rows: int, from_end: bool) -> Iterator[slice]:
    """Cuts rows into bands of whole blocks; a partial block comes last or, `from_end`, first."""
    start = length % step if from_end else 0
    if start:
        yield slice(0, start)
    for top in range(start, length, rows):
        yield slice(top, min(top + rows, length))


def _reduce_band(image: Image.Image, factor: tuple[int, int], from_end: bool) -> Image.Image:
    down, across = factor
    if down == 1 and across == 1:
        return image
    narrow = image.width % across if from_end else 0
    # Not image.reduce: on JPEG 2000 images that is an integer.
    if not narrow or narrow == image.width:
        return Image.Image.reduce(image, (across, down))
    whole = Image.new(image.mode, (-(-image.width // across), -(-image.height // down)))
    for left, right in ((0, narrow), (narrow, image.width)):
        part = Image.Image.reduce(image, (across, down), (left, 0, right, image.height))
        whole.paste(part, (min(left, 1), 0))
    return whole


def _image(pixels: np.ndarray, bgr: bool) -> Image.Image:
    """Converts pixels to a Pillow image, mode L or RGB; contiguous luma is not copied."""
    height, width = pixels.shape[:2]
    if pixels.ndim == 2:
        pixels = np.ascontiguousarray(pixels)
        return Image.frombuffer("L", (width, height), pixels, "raw", "L", 0, 1)
    if pixels.shape[2] == 3:
        return _unpacked("RGB", pixels, "BGR" if bgr else "RGB")
    if _is_opaque(pixels):
        return _unpacked("RGB", pixels, "BGRX" if bgr else "RGBX")
    return on_white(pixels, bgr=bgr)


def _is_opaque(rgba: np.ndarray) -> bool:
    alpha = rgba[:, :, 3]
    if rgba.strides[1:] != (4, 1):
        return bool((alpha == 255).all())
    together = np.bitwise_and.reduce(np.bitwise_and.reduce(rgba.view(np.uint32), axis=0))
    return int(together.view(np.uint8)[3]) == 255
