"""Finds a decoder for a picture among those of Pillow and its plug-ins."""

from __future__ import annotations

import contextlib
import struct
import threading
from collections.abc import Iterator
from typing import BinaryIO

from PIL import Image

# Formats that Pillow decodes itself; without those that need another program (EPS) or are not
# pictures. HEIF is available once pillow-heif has been registered, see `_register_heif`.
_COMMON = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_FORMATS = (
    *("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "AVIF", "HEIF"),
    *("JPEG2000", "TGA", "ICO", "PCX", "SGI", "QOI", "DDS", "PSD"),
)


_limit_lock = threading.Lock()
_limits: list[int | None] = []
"""Pillow's limit on entry to each `pillow_limit` block; the first one is restored at the end."""


def unknown(prefix: bytes) -> str:
    """Explains why no decoder recognizes a picture, given its first 16 bytes."""
    if _is_heif(prefix):
        return 'HEIC needs pillow-heif: pip install "edgeiqa[heif]"'
    if prefix[4:12] in (b"ftypavif", b"ftypavis"):
        return "AVIF needs a Pillow built with AVIF support, such as its wheels since version 11.3"
    return "not a picture in a format that can be read"


def _is_heif(prefix: bytes) -> bool:
    brands = (b"heic", b"heix", b"mif1", b"hevc", b"msf1", b"heim", b"heis", b"hevm", b"hevs")
    return prefix[4:8] == b"ftyp" and prefix[8:12] in brands


def _register_heif() -> None:
    """Registers pillow-heif with Pillow if it is installed.

    It turns pictures upright itself and adjusts their EXIF orientation.
    """
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()


@contextlib.contextmanager
def pillow_limit(max_pixels: int) -> Iterator[None]:
    """Raises Pillow's pixel limit to ours for the duration of the block, if it is lower.

    Some of its decoders enforce the limit themselves. It is a global setting: other threads see
    the higher limit, too.
    """
    with _limit_lock:
        _limits.append(Image.MAX_IMAGE_PIXELS)
        if Image.MAX_IMAGE_PIXELS is not None:
            # Pillow warns beyond its limit, and refuses beyond twice as many pixels.
            Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, max_pixels)
    try:
        yield
    finally:
        with _limit_lock:
            first = _limits[0]
            _limits.pop()
            if not _limits:
                Image.MAX_IMAGE_PIXELS = first


def identify(stream: BinaryIO, path: str | None) -> Image.Image | None:
    """Reads the header of a picture; returns None if no decoder recognizes it.

    Like `PIL.Image.open`, but without its pixel limit: a global setting that warns from 89
    megapixels on and refuses the 200 megapixels of some phones.
    """
    Image.preinit()
    # Pillow loads most decoders on demand, and most pictures have a common format.
    found = _try_formats(stream, path, _COMMON)
    if found is None:
        Image.init()
        stream.seek(0)
        if "HEIF" not in Image.OPEN and _is_heif(stream.read(16)):
            _register_heif()
        found = _try_formats(stream, path, _FORMATS)
    return found


def _try_formats(
    stream: BinaryIO, path: str | None, formats: tuple[str, ...]
) -> Image.Image | None:
    stream.seek(0)
    prefix = stream.read(16)
    failure: Exception | None = None
    for name in formats:
        if name not in Image.OPEN:
            continue
        factory, accept = Image.OPEN[name]
        # A string instead of a bool means that this Pillow was built without the codec.
        answer = True if accept is None else accept(prefix)
        if not answer or isinstance(answer, str):
            continue
        stream.seek(0)
        try:
            # Without its name: given one, Pillow maps the file into memory, which kills the process
            # if the file shrinks, and reads less of it than from a stream.
            return factory(stream, "")
        except (SyntaxError, IndexError, TypeError, struct.error) as error:
            # Decoders reject other formats this way; if one accepted the first bytes, the file is
            # damaged.
            failure = failure if accept is None else error
    if failure is not None and formats is _FORMATS:
        raise failure
    return None
