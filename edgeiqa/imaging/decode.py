"""Decodes a file, bytes or a PIL picture to an upright 8-bit RGB picture.

Anything that can sensibly be shown as a photograph is decoded; everything else raises an
`UnreadableImageError` with one clear line, whatever the underlying decoder raised. ICC profiles
are not applied, as in training.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Callable
from typing import BinaryIO, cast

import numpy as np
from PIL import ExifTags, Image, ImageFile

from edgeiqa.errors import UnreadableImageError
from edgeiqa.imaging import integrity, raw_preview
from edgeiqa.imaging.alpha import over_white, tiles
from edgeiqa.imaging.openers import identify, pillow_limit, unknown
from edgeiqa.stages import stage

MAX_PIXELS = 200_000_000
MAX_SIDE = 1 << 17
"""Pillow takes some 25 bytes per row besides the pixels, which a picture of one column has most."""
MAX_STREAM_BYTES = 1 << 30

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class _File(io.BufferedReader):
    """A file whose descriptor is hidden from decoders.

    Given a descriptor, libtiff maps the file into memory, and a file that shrinks meanwhile, on a
    network share or a card that is removed, kills the process.
    """

    def __init__(self, path: str) -> None:
        super().__init__(io.FileIO(path))

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")


class _Bytes(io.BytesIO):
    """Bytes that refuse to seek before their start, as files do.

    `io.BytesIO` would seek to the start, so that a damaged file would decode differently by its
    bytes.
    """

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        bases = {io.SEEK_CUR: self.tell(), io.SEEK_END: len(self.getbuffer())}
        if bases.get(whence, 0) + offset < 0:
            raise OSError("sought before the start")
        return super().seek(offset, whence)


@stage("decode")
def decode(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image,
    *,
    max_pixels: int = MAX_PIXELS,
    side: int | None = None,
) -> Image.Image:
    """Decodes a picture, turns it upright and converts it to 8-bit RGB.

    The EXIF orientation is applied. HEIC needs pillow-heif. Of a camera raw the largest embedded
    preview is decoded, which needs rawpy. Alpha is composited over white. Of an animation the first
    frame is decoded (of a PIL picture, the current one). 16 bits are reduced to the upper 8;
    palettes, CMYK and gray are converted to RGB. A damaged file is decoded as far as possible, and
    the `info` of the result then has the key `edgeiqa.imaging.integrity.KEY`.

    Memory: Pillow holds RGB in 4 bytes per pixel, which is what the result takes. While a picture
    is turned or converted, source and result exist side by side: up to 8 bytes per pixel, or 1.6 GB
    for the default limit of 200 megapixels. A PIL picture that is passed in rotated and not in RGB
    stays in memory too, for up to 12 bytes with its own 4. Codecs need additional memory: almost
    none for PNG, GIF, TIFF (except for a compressed file itself) and ordinary JPEG; with Pillow 13
    we measured 3 bytes per pixel for progressive JPEG, 8 for WebP with alpha and 15 for JPEG 2000,
    whose maximum of 65,535 tiles takes another 700 MB. A JPEG file is kept in memory while it is
    decoded. Lower `max_pixels` where strangers send pictures and memory is scarce.

    Args:
        source: Path of a file, its bytes, an open binary file, or a PIL picture, which is not
            modified.
        max_pixels: Pictures with more pixels are refused before they are decoded, so that a
            small file cannot fill the memory.
        side: If given, a JPEG is decoded at a half, a quarter or an eighth of its size, the
            smallest of these with no side shorter than this, in pixels. That is several times as
            fast, and close to the same picture resized. Other formats are decoded at full size.

    Returns:
        A PIL picture of mode "RGB"; `numpy.asarray` makes it uint8 [height, width, 3].

    Raises:
        UnreadableImageError: Missing, a folder, empty, not a picture, truncated, too large, or
            with pixels that have no fixed range (floating point).
        TypeError: `source` is something else.
    """
    if isinstance(source, Image.Image):
        return _guarded(source, None, max_pixels)
    look = None if side is None else _draft(side)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _decode_stream(_Bytes(source), None, max_pixels, look)
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        try:
            with open_picture(path) as stream:
                return _decode_stream(stream, path, max_pixels, look)
        except OSError as error:
            raise UnreadableImageError(_os_reason(error), path) from error
    if hasattr(source, "read"):
        data = read_bounded(source)
        return _decode_stream(_Bytes(data), None, max_pixels, look)
    raise TypeError(
        f"cannot decode a {type(source).__name__}, expected a path, bytes, a binary file or a "
        "PIL picture"
    )


def _draft(side: int) -> Callable[[Image.Image], None]:
    """Returns a function that switches a JPEG to decoding at a reduced size."""

    def look(image: Image.Image) -> None:
        # Not for other formats, whose draft may be a thumbnail, as in HEIC.
        if image.format in ("JPEG", "MPO"):
            image.draft("RGB", (side, side))

    return look


def decode_small(
    path: str | os.PathLike[str], side: int, *, max_pixels: int = MAX_PIXELS
) -> tuple[Image.Image, Image.Exif]:
    """Decodes a small copy of a file, and its metadata.

    A JPEG is decoded at down to an eighth of its size (Pillow's draft mode), which takes a fifth
    of the time; the result is not an input for a model.

    Args:
        path: Path of the file.
        side: Minimum length of both sides of the copy, in pixels, unless the file is smaller.
        max_pixels: As in `decode`.

    Returns:
        An upright PIL picture of mode "RGB", and the EXIF tags, empty where there are none.

    Raises:
        UnreadableImageError: As `decode`.
    """
    name = os.fspath(path)
    try:
        with open_picture(name) as stream:
            found = Image.Exif()

            def look(image: Image.Image) -> None:
                nonlocal found
                with contextlib.suppress(Exception):  # A picture may have broken metadata.
                    exif = image.getexif()
                    exif.get_ifd(ExifTags.IFD.Exif)  # Read now, before the file is closed.
                    found = exif
                image.draft("RGB", (side, side))

            return _decode_stream(stream, name, max_pixels, look), found
    except OSError as error:
        raise UnreadableImageError(_os_reason(error), name) from error


def open_picture(path: str) -> BinaryIO:
    """Opens a file for decoding; pipes are read to their end, since decoders need to seek."""
    try:
        mode = os.stat(path).st_mode
    except ValueError as error:  # A zero byte in it.
        raise UnreadableImageError("not a valid path", path) from error
    if stat.S_ISDIR(mode):
        raise UnreadableImageError("a folder, not a picture", path)
    if stat.S_ISREG(mode):
        return _File(path)
    if not stat.S_ISFIFO(mode):
        raise UnreadableImageError("not a regular file", path)
    with open(path, "rb") as pipe:
        return _Bytes(read_bounded(pipe))


def read_bounded(stream: BinaryIO) -> bytes:
    """Reads a stream to its end; raises UnreadableImageError beyond 1 GiB or if it is text."""
    data = stream.read(MAX_STREAM_BYTES + 1)
    if not isinstance(data, bytes):
        raise UnreadableImageError("a text stream, expected a binary one")
    if len(data) > MAX_STREAM_BYTES:
        raise UnreadableImageError(f"more than {MAX_STREAM_BYTES >> 20} MiB came from a stream")
    return data


def _decode_stream(
    stream: BinaryIO,
    path: str | None,
    max_pixels: int,
    look: Callable[[Image.Image], None] | None = None,
) -> Image.Image:
    try:
        prefix = stream.read(16)
        if not prefix:
            raise UnreadableImageError("empty, 0 bytes", path)
        raw = raw_preview.is_raw(prefix, path)
        with pillow_limit(max_pixels):
            image = None if raw else identify(stream, path)
        if raw or (image is not None and raw_preview.is_raw_tiff(image)):
            image = _preview(stream, path)
    except UnreadableImageError:
        raise
    except raw_preview.RawError as error:
        raise UnreadableImageError(str(error), path) from error
    except Exception as error:
        raise UnreadableImageError(_reason(error), path) from error
    if image is None:
        raise UnreadableImageError(unknown(prefix), path)
    with image:
        _check_size(image, path, max_pixels)
        if look is not None:
            look(image)  # Before the pixels are decoded; metadata of PNG may come with them.
        return _guarded(image, path, max_pixels, stream=stream)


def _preview(stream: BinaryIO, path: str | None) -> Image.Image:
    """The preview of a camera raw, undecoded."""
    found, orientation = raw_preview.open_preview(stream, path)
    image = found if isinstance(found, Image.Image) else identify(io.BytesIO(found), None)
    if image is None:
        raise UnreadableImageError("a camera raw with a preview of an unknown kind", path)
    raw_preview.turn(image, orientation)
    return image


def _guarded(
    image: Image.Image, path: str | None, max_pixels: int, stream: BinaryIO | None = None
) -> Image.Image:
    """Decodes the pixels; every failure becomes an UnreadableImageError.

    A picture that was opened from a `stream` is checked for damage, and closed as soon as it is
    no longer needed.
    """
    _check_size(image, path, max_pixels)
    try:
        missing = _load(image, stream, max_pixels)
        upright = _upright(image)
        if stream is not None and upright is not image:
            image.close()  # Frees its memory before the upright one is converted.
        rgb = _to_rgb(upright)
    except UnreadableImageError as error:
        raise UnreadableImageError(error.reason, path) from error
    except Exception as error:  # Decoders raise almost anything on damaged files.
        raise UnreadableImageError(_reason(error), path) from error
    if rgb is not image:
        rgb.info = {}  # A second decode() must not find the orientation and turn it again.
    if missing is not None:
        rgb.info[integrity.KEY] = missing
    return rgb


def _load(image: Image.Image, stream: BinaryIO | None, max_pixels: int) -> float | None:
    """Decodes the pixels; returns the known share of missing rows of a damaged picture."""
    if stream is None or not isinstance(image, ImageFile.ImageFile):
        image.load()
        return image.info.get(integrity.KEY)
    stream = cast("BinaryIO", image.fp or stream)  # That of a preview lies in memory.
    if image.format in ("JPEG", "MPO"):
        return integrity.load_jpeg(image, stream)
    with pillow_limit(max_pixels):
        image.load()
    damaged = (image.format == "PNG" and integrity.is_png_damaged(stream)) or (
        image.format in ("HEIF", "AVIF") and integrity.is_heif_damaged(stream)
    )
    return 0.0 if damaged else None


def _check_size(image: Image.Image, path: str | None, max_pixels: int) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise UnreadableImageError(f"{width}x{height} pixels: nothing to see", path)
    if max(width, height) > MAX_SIDE:
        raise UnreadableImageError(
            f"{width}x{height} pixels, more than the limit of {MAX_SIDE} a side", path
        )
    if width * height > max_pixels:
        raise UnreadableImageError(
            f"{width}x{height} pixels are {width * height / 1e6:.0f} megapixels, "
            f"more than the limit of {max_pixels / 1e6:g}",
            path,
        )


def _upright(image: Image.Image) -> Image.Image:
    try:
        method = _UPRIGHT.get(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # A picture that decodes may have broken metadata.
        method = None
    return image if method is None else image.transpose(method)


def _to_rgb(image: Image.Image) -> Image.Image:
    mode = image.mode
    if mode == "F":
        raise UnreadableImageError(
            "floating-point pixels have no fixed range; convert them to 8 or 16 bits first"
        )
    if mode.startswith("I"):
        _check_16_bits(image)
        return _by_tiles(image, _drop_low_byte)
    if mode in ("RGBA", "LA", "La", "PA", "RGBa") or "transparency" in image.info:
        return _by_tiles(image, _composite)
    return image if mode == "RGB" else image.convert("RGB")


def _by_tiles(image: Image.Image, to_rgb: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Converts a picture in tiles, with hardly any temporary memory."""
    rgb = Image.new("RGB", image.size)
    for rows, columns in tiles(image.height, image.width):
        tile = image.crop((columns.start, rows.start, columns.stop, rows.stop))
        rgb.paste(to_rgb(tile), (columns.start, rows.start))
    return rgb


def _composite(tile: Image.Image) -> Image.Image:
    # Premultiplied gray with alpha converts to straight gray with alpha only.
    straight = tile.convert("LA") if tile.mode == "La" else tile
    return Image.fromarray(over_white(np.asarray(straight.convert("RGBA"))))


def _drop_low_byte(tile: Image.Image) -> Image.Image:
    return Image.fromarray((np.asarray(tile) >> 8).astype(np.uint8)).convert("RGB")


def _check_16_bits(image: Image.Image) -> None:
    """Refuses 32-bit gray unless its values are those of 16-bit gray, which has a fixed range."""
    if image.mode != "I":
        return
    least, most = cast("tuple[int, int]", image.getextrema())  # Of one band.
    if least < 0 or most > 0xFFFF:
        raise UnreadableImageError(
            f"32-bit pixels from {least} to {most} have no fixed range; "
            "convert them to 8 or 16 bits first"
        )


def _os_reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "permission denied"
    if error.errno in (errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR):
        return f"cannot be opened: {error.strerror}"
    return _reason(error)


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    if isinstance(error, Image.DecompressionBombError):
        return f"too large ({error})"
    text = " ".join(str(error).split()) or type(error).__name__
    return f"damaged or truncated ({text[:200]})"
