"""From a picture to the tensor of a model: every crop, colour conversion and resize is here.

All of it is arithmetic with a written specification, `docs/preprocessing.md`, so that a phone
or a browser can do the same bit for bit. Training caches, calibration and scoring share these
functions: a model sees in use exactly what it saw in training.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from edgeiqa.frame import Frame, PixelFormat
from edgeiqa.spec import FITS, InputSpec

# Box reduction stops at twice the final size; bilinear filtering does the rest. Pillow's
# documentation of `reducing_gap` calls 2 fast with nearly the quality of filtering at full size.
REDUCING_GAP = 2

# Pixels that are converted at once: what arithmetic needs on the way stays at a few megabytes.
_TILE_PIXELS = 1 << 18


def preprocess(source: Frame | Image.Image, spec: InputSpec) -> np.ndarray:
    """Makes the input tensor of a model.

    Args:
        source: A `Frame`, or an upright PIL picture of mode RGB as `edgeiqa.decode.decode`
            returns it (which spares a copy of a large photograph).
        spec: The input that the model's contract asks for.

    Returns:
        uint8 [1, spec.height, spec.width, 3], RGB, 0-255, a fresh array.

    Raises:
        TypeError: `source` is something else.
        ValueError: A PIL picture of another mode than RGB.
    """
    if isinstance(source, Frame):
        picture: np.ndarray | Image.Image = to_rgb(source)
    elif isinstance(source, Image.Image):
        picture = source
    else:
        raise TypeError(f"cannot preprocess a {type(source).__name__}, expected Frame or PIL Image")
    return resize(picture, (spec.height, spec.width), spec.fit)[np.newaxis]


def to_rgb(frame: Frame) -> np.ndarray:
    """Crops a frame to its region of interest, turns it upright and converts it to RGB.

    Args:
        frame: Any frame.

    Returns:
        uint8 [height, width, 3], RGB, with the upright size `frame.size`; may share memory
        with the frame.
    """
    pixels = frame.pixels
    if frame.roi is not None:
        x, y, width, height = frame.roi
        pixels = pixels[y : y + height, x : x + width]
    pixels = np.rot90(pixels, k=-(frame.rotation // 90))
    if frame.pixel_format is PixelFormat.GRAY:
        gray = pixels if pixels.ndim == 2 else pixels[:, :, 0]
        return np.repeat(gray[:, :, np.newaxis], 3, axis=2)
    if pixels.shape[2] == 4:
        pixels = over_white(pixels)
    # A view. Compositing treats the channels alike, so that their order may change after it.
    is_bgr = frame.pixel_format in (PixelFormat.BGR, PixelFormat.BGRA)
    return pixels[:, :, ::-1] if is_bgr else pixels


def over_white(rgba: np.ndarray) -> np.ndarray:
    """Composites a picture with straight alpha over white.

    With t = c * a + 255 * (255 - a) + 128 the result is (t + (t >> 8)) >> 8, the rounded
    division by 255. It is done in tiles: besides the result, 3 bytes per pixel, it takes a few
    megabytes, whatever the size.

    Args:
        rgba: uint8 [height, width, 4], RGBA; any order of the three colours.

    Returns:
        uint8 [height, width, 3], RGB, or the order that came; a fresh array.
    """
    height, width = rgba.shape[:2]
    rgb = np.empty((height, width, 3), np.uint8)
    for tile in tiles(height, width):
        part = rgba[tile]
        alpha = part[:, :, 3:].astype(np.uint16)
        total = part[:, :, :3] * alpha  # At most 65025 + 128 + 254 below: never leaves 16 bits.
        total += (255 - alpha) * np.uint16(255) + np.uint16(128)
        total += total >> 8
        rgb[tile] = total >> 8
    return rgb


def tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Cuts a picture into bands of rows, and rows that are too long for one into pieces.

    Args:
        height: In pixels.
        width: In pixels.

    Yields:
        (rows, columns), each with start and stop inside the picture; every pixel is in one.
    """
    across = max(1, min(width, _TILE_PIXELS))
    down = _TILE_PIXELS // across
    for top in range(0, height, down):
        for left in range(0, width, across):
            yield slice(top, min(top + down, height)), slice(left, min(left + across, width))


def resize(rgb: np.ndarray | Image.Image, size: tuple[int, int], fit: str = "squash") -> np.ndarray:
    """Brings a picture to the size of a model: the one resize of training and scoring.

    Whole-number box reduction to no less than twice the size, then Pillow's antialiased
    fixed-point bilinear filter, along the rows first and down the columns then:
    "reduce-bilinear" in a model's contract.

    Args:
        rgb: uint8 [height, width, 3], RGB, or a PIL picture of mode RGB.
        size: (height, width) wanted, in pixels. Height first, unlike PIL.
        fit: "squash" changes the aspect ratio; "crop" first cuts out the largest centred box
            of the wanted aspect ratio.

    Returns:
        uint8 [height, width, 3], RGB, a fresh writable array.

    Raises:
        TypeError: `rgb` is neither a uint8 array nor a PIL picture.
        ValueError: Wrong shape or mode, an empty picture, a size below 1, an unknown fit.
    """
    image = _as_image(rgb)
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(f"size is {size}, expected (height, width) of at least 1 pixel each")
    if fit not in FITS:
        raise ValueError(f"fit is {fit!r}, expected one of {', '.join(FITS)}")
    if fit == "crop":
        image = image.crop(centre_box(image.width, image.height, width, height))
    return np.array(_reduce_bilinear(image, width, height))


def _reduce_bilinear(image: Image.Image, width: int, height: int) -> Image.Image:
    factor_x = max(1, image.width // (REDUCING_GAP * width))
    factor_y = max(1, image.height // (REDUCING_GAP * height))
    # The last block of a reduction may be narrower; the box keeps what it stands for.
    right, bottom = image.width / factor_x, image.height / factor_y
    if factor_x > 1 or factor_y > 1:
        # Not image.reduce: JPEG 2000 files have a number of that name.
        image = Image.Image.reduce(image, (factor_x, factor_y))
    # `Image.resize(..., reducing_gap=2.0)` would do all of this in one call, but which axis it
    # filters first, and so how it rounds, depends on the sizes and on the version of Pillow.
    bilinear = Image.Resampling.BILINEAR
    image = image.resize((width, image.height), bilinear, (0, 0, right, image.height))
    return image.resize((width, height), bilinear, (0, 0, width, bottom))


def centre_box(width: int, height: int, to_width: int, to_height: int) -> tuple[int, int, int, int]:
    """The largest centred box of the aspect ratio to_width : to_height, in whole pixels.

    Args:
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        to_width: Of the target; only the ratio to `to_height` counts.
        to_height: Of the target.

    Returns:
        (left, top, right, bottom) in pixels, right and bottom exclusive. Fractions are
        rounded down; a side is never below 1.
    """
    box_width, box_height = width, height
    if width * to_height > height * to_width:
        box_width = max(1, height * to_width // to_height)
    else:
        box_height = max(1, width * to_height // to_width)
    left, top = (width - box_width) // 2, (height - box_height) // 2
    return left, top, left + box_width, top + box_height


def _as_image(rgb: object) -> Image.Image:
    """Wraps an array as a PIL picture, or checks the one that came."""
    if isinstance(rgb, Image.Image):
        if rgb.mode != "RGB":
            raise ValueError(f"a PIL picture of mode {rgb.mode}, expected RGB; see edgeiqa.decode")
        if rgb.width < 1 or rgb.height < 1:
            raise ValueError(f"a PIL picture of {rgb.width}x{rgb.height}, expected at least 1x1")
        return rgb
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8:
        came = rgb.dtype if isinstance(rgb, np.ndarray) else type(rgb).__name__
        raise TypeError(f"pixels are {came}, expected a uint8 array or a PIL picture")
    if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"pixels have the shape {rgb.shape}, expected [height, width, 3]")
    return Image.fromarray(np.ascontiguousarray(rgb))
