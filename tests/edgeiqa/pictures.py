"""Awkward picture files for the tests, made from a sample photograph."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from edgeiqa.assets import sample_paths


def photograph() -> Image.Image:
    """A small upright RGB photograph, 90 wide and 60 high."""
    path = next(p for p in sample_paths() if p.name == "coffee.jpg")
    with Image.open(path) as image:
        return image.convert("RGB").resize((90, 60))


def saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    """The bytes of a file."""
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def png(width: int, height: int, *, depth: int = 8, color: int = 2, raw: bytes = b"") -> bytes:
    """A PNG that may claim any size, however little it holds."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")]
    )


def bomb() -> bytes:
    """A few bytes that claim 3600 megapixels."""
    return png(60_000, 60_000)


def with_orientation(image: Image.Image, orientation: int, file_format: str = "PNG") -> bytes:
    """The file of a picture that is upright only after its EXIF orientation is applied."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(image, file_format, exif=exif)


def gray16() -> np.ndarray:
    """uint16 [60, 90] with all 16 bits in use."""
    gray = np.asarray(photograph().convert("L")).astype(np.uint16)
    return gray << 8 | np.arange(90, dtype=np.uint16)
