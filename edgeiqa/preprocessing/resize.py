"""Converts a picture to the input tensor of a model: cropping, colour conversion and resizing.

All arithmetic is specified in `docs/reference/preprocessing.md`, so that a phone or a browser can
reproduce it bit for bit. Training caches, calibration and scoring share these functions: a model in
use sees exactly what it saw in training.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from PIL import Image

from edgeiqa.imaging.alpha import over_white
from edgeiqa.imaging.frame import Frame, PixelFormat
from edgeiqa.inference.contract_spec import FITS, InputSpec
from edgeiqa.preprocessing import yuv
from edgeiqa.preprocessing.bilinear import down_columns, weights
from edgeiqa.preprocessing.box_reduce import Lying, reduced
from edgeiqa.preprocessing.planes import Plane, planes
from edgeiqa.stages import stage

# Box reduction stops at twice the final size; bilinear filtering does the rest. Pillow's
# documentation of `reducing_gap` calls 2 fast with nearly the quality of filtering at full size.
REDUCING_GAP = 2


# Pixels of YUV converted at a time; their 32-bit numbers fit a second-level cache.
_BAND_PIXELS = 1 << 15

_reduced = stage("reduce")(reduced)

# Start and end of a range, in fractional pixels.
Stretch: TypeAlias = tuple[float, float]


@stage("resize")
def preprocess(source: Frame | Image.Image, spec: InputSpec) -> np.ndarray:
    """Creates the input tensor of a model.

    Args:
        source: A `Frame`, or an upright PIL picture of mode RGB as `edgeiqa.imaging.decode.decode`
            returns it (which avoids a copy of a large photograph).
        spec: The input specification of the model's contract.

    Returns:
        uint8 [1, spec.height, spec.width, 3], RGB, 0-255, a fresh array.

    Raises:
        TypeError: `source` is something else.
        ValueError: A PIL picture whose mode is not RGB.
    """
    size = spec.height, spec.width
    if isinstance(source, Frame):
        return _fitted(source, size, spec.fit)[np.newaxis]
    if isinstance(source, Image.Image):
        return resize(source, size, spec.fit)[np.newaxis]
    raise TypeError(f"cannot preprocess a {type(source).__name__}, expected Frame or PIL Image")


def to_rgb(frame: Frame) -> np.ndarray:
    """Crops a frame to its region of interest, turns it upright and converts it to RGB.

    Scoring needs no such picture; it is for those who show or keep one.

    Args:
        frame: Any frame.

    Returns:
        uint8 [height, width, 3], RGB, with the upright size `frame.size`; may share memory
        with the frame. The chroma of YUV is enlarged with the filter of `resize`.
    """
    if frame.pixel_format.is_yuv:
        return _fitted(frame, frame.size, "squash")
    (plane,) = planes(frame)
    if frame.pixel_format is PixelFormat.GRAY:
        return np.repeat(plane.samples[:, :, np.newaxis], 3, axis=2)
    pixels = over_white(plane.samples) if plane.samples.shape[2] == 4 else plane.samples
    # A view. Compositing treats the channels alike, so that their order may change after it.
    return pixels[:, :, ::-1] if plane.bgr else pixels


def to_rgb_at(frame: Frame, size: tuple[int, int]) -> np.ndarray:
    """The same as `to_rgb` at another size, which spares converting what is not shown.

    Args:
        frame: Any frame.
        size: (height, width) wanted, in pixels; the aspect ratio may change.

    Returns:
        uint8 [height, width, 3], RGB, resized with the filter of `resize`; a fresh array.
    """
    return _fitted(frame, size, "squash")


def _fitted(frame: Frame, size: tuple[int, int], fit: str) -> np.ndarray:
    """Returns a frame at another size, uint8 [height, width, 3], RGB."""
    parts = planes(frame)
    if fit == "crop":
        height, width = frame.size
        box = centre_box(width, height, size[1], size[0])
        parts = tuple(plane.cut(box) for plane in parts)
    if not frame.pixel_format.is_yuv:
        return np.array(_resized(parts[0], size).convert("RGB"))
    height, width = size
    sources = []
    for plane in parts:
        image, rows = _along_rows(plane, size)
        sources.append((np.asarray(image), weights(image.height, *rows, height)))
    rgb = np.empty((height, width, 3), np.uint8)
    step = max(1, _BAND_PIXELS // width)
    for top in range(0, height, step):
        band = slice(top, min(top + step, height))
        y = down_columns(*sources[0], band, yuv.LUMA_PLACES, rounded=False)
        u, v = (down_columns(*s, band, yuv.CHROMA_PLACES, rounded=True) for s in sources[1:])
        rgb[band] = yuv.to_rgb(y, u, v, frame.color_matrix, frame.color_range)
    return rgb


def _along_rows(plane: Plane, size: tuple[int, int]) -> tuple[Image.Image, Stretch]:
    """Reduces a plane and filters its rows; also returns the range of rows of the picture."""
    factor = _factor(plane.samples.shape, size)
    rows, columns = (
        (plane.lead[axis] / unit, (plane.lead[axis] + plane.size[axis]) / unit)
        for axis, unit in enumerate((plane.step[0] * factor[0], plane.step[1] * factor[1]))
    )
    lying = _reduced(plane.samples, factor, bgr=plane.bgr)
    return lying.along_rows(size[1], *columns), rows


def resize(rgb: np.ndarray | Image.Image, size: tuple[int, int], fit: str = "squash") -> np.ndarray:
    """Resizes a picture to the input size of a model, for training and scoring alike.

    Box reduction by integer factors to no less than twice the size, then Pillow's antialiased
    fixed-point bilinear filter, first along the rows, then along the columns:
    "reduce-bilinear" in a model's contract.

    Args:
        rgb: uint8 [height, width, 3], RGB, or a PIL picture of mode RGB.
        size: Target (height, width) in pixels. Height first, unlike PIL.
        fit: "squash" changes the aspect ratio; "crop" first cuts out the largest centred box
            of the target aspect ratio.

    Returns:
        uint8 [height, width, 3], RGB, a fresh writable array.

    Raises:
        TypeError: `rgb` is neither a uint8 array nor a PIL picture.
        ValueError: Wrong shape or mode, an empty picture, a size below 1, an unknown fit.
    """
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(f"size is {size}, expected (height, width) of at least 1 pixel each")
    if fit not in FITS:
        raise ValueError(f"fit is {fit!r}, expected one of {', '.join(FITS)}")
    _check_rgb(rgb)
    if isinstance(rgb, Image.Image):
        if fit == "crop":
            rgb = rgb.crop(centre_box(rgb.width, rgb.height, width, height))
        return np.array(_reduce_bilinear(rgb, size))
    plane = Plane(rgb, (rgb.shape[0], rgb.shape[1]))
    if fit == "crop":
        plane = plane.cut(centre_box(rgb.shape[1], rgb.shape[0], width, height))
    return np.array(_resized(plane, size))


def _reduce_bilinear(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    across, down = image.size
    factor = _factor((down, across), size)
    if factor != (1, 1):
        # Not image.reduce: on JPEG 2000 images that is an integer.
        image = Image.Image.reduce(image, factor[::-1])
    # The last block of a reduction may be narrower; the box accounts for its true size.
    image = Lying(image, (False, False), False).along_rows(size[1], 0, across / factor[1])
    box = (0, 0, size[1], down / factor[0])
    return image.resize(size[::-1], Image.Resampling.BILINEAR, box)


def _resized(plane: Plane, size: tuple[int, int]) -> Image.Image:
    """Returns one plane at another size, of mode L or RGB."""
    image, rows = _along_rows(plane, size)
    return image.resize(size[::-1], Image.Resampling.BILINEAR, (0, rows[0], size[1], rows[1]))


def _factor(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[int, int]:
    """Returns the factors (down, across) of the box reduction before filtering."""
    return (
        max(1, shape[0] // (REDUCING_GAP * size[0])),
        max(1, shape[1] // (REDUCING_GAP * size[1])),
    )


def centre_box(width: int, height: int, to_width: int, to_height: int) -> tuple[int, int, int, int]:
    """Returns the largest centred box of the aspect ratio to_width : to_height.

    Args:
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
        to_width: Width of the target; only the ratio to `to_height` matters.
        to_height: Height of the target.

    Returns:
        (left, top, right, bottom) in pixels, right and bottom exclusive. Fractions are
        rounded down, and each side is at least 1.
    """
    box_width, box_height = width, height
    if width * to_height > height * to_width:
        box_width = max(1, height * to_width // to_height)
    else:
        box_height = max(1, width * to_height // to_width)
    left, top = (width - box_width) // 2, (height - box_height) // 2
    return left, top, left + box_width, top + box_height


def _check_rgb(rgb: object) -> None:
    """Raises unless the argument is a valid array or PIL picture of RGB."""
    if isinstance(rgb, Image.Image):
        if rgb.mode != "RGB":
            raise ValueError(
                f"a PIL picture of mode {rgb.mode}, expected RGB; see edgeiqa.imaging.decode"
            )
        if rgb.width < 1 or rgb.height < 1:
            raise ValueError(f"a PIL picture of {rgb.width}x{rgb.height}, expected at least 1x1")
        return
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8:
        came = rgb.dtype if isinstance(rgb, np.ndarray) else type(rgb).__name__
        raise TypeError(f"pixels are {came}, expected a uint8 array or a PIL picture")
    if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"pixels have the shape {rgb.shape}, expected [height, width, 3]")
